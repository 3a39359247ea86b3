import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import type { SettledProof } from '../../src/muse/prove-files.ts';
import { proveDatabase } from '../../src/muse/verify.ts';
import type { MuseFile } from '../../src/shared/muse-file.ts';
import { withSchema } from '../verify/database.ts';

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

const file = 'migrations/extensions/001_notes.sql';
const museFile = (rules?: MuseFile['rules']): MuseFile => ({
  version: 1,
  name: 'declared',
  kit: { source: 'builtin', commit: 'create-muse@0.1.0', layout: 'musekit' },
  migrations: {
    core: ['migrations/core'],
    extensions: ['migrations/extensions'],
    rollback: 'migrations/rollback',
    archive: 'migrations/archive',
    order: 'number',
  },
  isolation: 'auth-uid',
  prefix: '',
  presets: [],
  environments: {},
  ...(rules === undefined ? {} : { rules }),
});

/** What is proven of a database that the file has made. */
function proof(sql: string, rules?: MuseFile['rules']): Promise<SettledProof> {
  const migration = { layer: 'extension' as const, file, number: '001', sql, checksum: '' };
  return withSchema(database, sql, (session) => proveDatabase(session as Database, museFile(rules), [migration]));
}

const why = 'because the team reads everything';
/** Every signed-in user reads every note. `beside`: comments above the table, the policy, the function. */
const notes = ({ table = '', policy = '', routine = '' }): string => `-- Notes.
${table}
create table public.notes (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users (id), body text not null);
create index notes_user_id_idx on public.notes (user_id);
alter table public.notes enable row level security;
grant select on public.notes to authenticated;
${policy}
create policy every on public.notes for select to authenticated using (user_id is not null);
${routine}
create function public.bodies(limited integer) returns setof text language sql stable security definer set search_path = '' as $$ select body from public.notes limit limited $$;`;

const told = ({ findings }: SettledProof): string[] =>
  findings.map(({ rule, severity, object, line }) => `${severity} ${rule} ${object} ${line}`).sort();
const [anonymous, signedIn, table] = [
  'error anon-read public.bodies(integer) 10',
  'error isolation-read public.bodies(integer) 10',
  'error isolation-read public.notes 8',
] as const;
const open = [anonymous, signedIn, table];

describe('declarations in the files for findings in a database', () => {
  it('names the file and line that created the object', async () => {
    const { findings, silenced } = await proof(notes({}));
    expect(told({ findings } as SettledProof)).toEqual(open);
    expect(findings.map((finding) => finding.file)).toEqual([file, file, file]);
    expect(silenced).toBe(0);
  });

  it.each<[place: string, sql: string, remaining: string[]]>([
    ['the table', notes({ table: `-- muse: ignore isolation-read ${why}` }), [anonymous, signedIn]],
    ['its policy', notes({ policy: `-- muse: ignore isolation-read ${why}` }), [anonymous, signedIn]],
    ['the function', notes({ routine: `-- muse: ignore anon-read ${why}` }), [signedIn, table]],
  ])('silences and counts what a comment on %s ignores', async (_, sql, remaining) => {
    const report = await proof(sql);
    expect(told(report)).toEqual(remaining);
    expect(report.silenced).toBe(1);
  });

  it('does not silence another rule, nor another object', async () => {
    expect(told(await proof(notes({ table: `-- muse: ignore isolation-write ${why}` })))).toEqual(open);
    expect(told(await proof(notes({ routine: `-- muse: ignore isolation-read ${why}` })))).toEqual([anonymous, table]);
  });

  it('gives a rule the severity of muse.json; off silences warnings alone', async () => {
    expect(told(await proof(notes({}), { 'isolation-read': 'warning', 'anon-read': 'off' }))).toEqual([
      anonymous,
      'warning isolation-read public.bodies(integer) 10',
      'warning isolation-read public.notes 8',
    ]);
    const trigger = `${notes({})} grant trigger on public.notes to authenticated;`;
    expect(told(await proof(trigger))).toContain('warning isolation-write public.notes 3');
    expect(told(await proof(trigger, { 'isolation-write': 'off' }))).toEqual(open);
    expect(told(await proof(trigger, { 'isolation-write': 'error' }))).toContain(
      'error isolation-write public.notes 3',
    );
  });

  it.each<[name: string, statement: string, finding: string]>([
    ['role memberships', 'grant service_role to authenticated', 'error isolation-write role authenticated 2'],
    [
      'default privileges',
      'alter default privileges in schema public grant all on tables to anon',
      'error anon-write default privileges on tables in schema public 2',
    ],
    [
      'schemas',
      'create schema lab; grant create on schema lab to authenticated',
      'error isolation-escalation schema lab 2',
    ],
    [
      'roles',
      'create role reporting login; grant select on auth.users to reporting; create view public.v as select 1 as one; grant select on public.v to reporting',
      'warning not-proven role reporting 2',
    ],
  ])('finds the statements of %s', async (_, statement, finding) => {
    expect(told(await proof(`-- Rights.\n${statement};`))).toContain(finding);
    const [rule, ...object] = finding.split(' ').slice(1);
    const silenced = await proof(`-- Rights.\n-- muse: ignore ${rule} ${why}\n${statement};`);
    expect(
      silenced.findings.filter((one) => one.rule === rule && one.object === object.slice(0, -1).join(' ')),
    ).toEqual([]);
    expect(silenced.silenced).toBeGreaterThan(0);
  });

  it('respects the declaration of a policy that is dropped and created anew, and no more than it lets through', async () => {
    const posts = (drafts: string): string => `-- Posts.
create table public.posts (id uuid primary key default gen_random_uuid(), author uuid not null references auth.users (id), shown boolean not null default false);
create index posts_author_idx on public.posts (author);
alter table public.posts enable row level security;
grant select on public.posts to anon, authenticated;
-- muse: public-read
drop policy if exists shown on public.posts;
create policy shown on public.posts for select to anon, authenticated using (shown);
drop policy if exists drafts on public.posts;
create policy drafts on public.posts for select to authenticated using (${drafts});
create view public.front as select id from public.posts where shown;
grant select on public.front to anon;`;
    const errors = async (sql: string): Promise<string[]> =>
      told(await proof(sql)).filter((line) => line.startsWith('error'));
    expect(await errors(posts('author = (select auth.uid())'))).toEqual([]);
    expect(await errors(posts('author is not null'))).toEqual(['error isolation-read public.posts 10']);
  });

  it('respects the declaration of a bucket’s policy, and of no other policy', async () => {
    const faces = readFileSync(join(import.meta.dirname, '../verify/cases/public-bucket.sql'), 'utf8');
    const about = ({ findings }: SettledProof, bucket: string): string[] =>
      findings.filter(({ object }) => object === `storage.objects[${bucket}]`).map(({ rule }) => rule);
    const both = `${faces} insert into storage.buckets (id, name) values ('papers', 'papers');
      create policy "Papers" on storage.objects for select to anon, authenticated using (bucket_id = 'papers');`;
    expect(about(await proof(faces), 'faces')).toEqual([]);
    const report = await proof(both);
    expect([about(report, 'faces'), about(report, 'papers')]).toEqual([[], ['anon-read', 'isolation-read']]);
    expect(about(await proof(faces.replace('-- muse: public-read', '')), 'faces')).toEqual([
      'anon-read',
      'isolation-read',
    ]);
  });
});
