import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { migrate } from '../../src/migrations/apply.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { proveFiles } from '../../src/muse/prove-files.ts';
import { useOwnCache } from '../support/own-cache.ts';
import { changedObjects } from '../../src/sql/changed-objects.ts';
import { loadParser } from '../../src/sql/parser.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import { databases } from '../migrations/databases.ts';
import { museOnDisk, tableSql } from './muse-on-disk.ts';

const cache = useOwnCache();

const open = databases('native', true);
const core = { 'migrations/core/001_homes.sql': tableSql('homes'), 'migrations/core/002_rooms.sql': tableSql('rooms') };
const extension = (sql: string): Record<string, string> => ({ ...core, 'migrations/extensions/001_own.sql': sql });

async function prove(files: Record<string, string>): Promise<IsolationReport> {
  const muse = await museOnDisk(files);
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations, { rollbacks: false });
  const database = await open();
  await migrate(database, migrations);
  return proveFiles(database, muse.museFile, migrations);
}

const outcome = ({ tables, findings, proven, notProven }: IsolationReport): unknown => ({
  tables: tables.map(({ table }) => table).sort(),
  findings: findings.map(({ rule, object }) => `${rule} ${object}`).sort(),
  proven,
  notProven,
});

describe('cached proofs', () => {
  it('equal a full proof: for the same files, for another extension on the same core, and for one that opens core', async () => {
    const first = await prove(extension(tableSql('gardens')));
    expect(outcome(first)).toEqual({
      tables: ['public.gardens', 'public.homes', 'public.rooms'],
      findings: [],
      proven: 3,
      notProven: 0,
    });
    expect(await readdir(join(cache(), 'proofs'))).toHaveLength(2);
    expect(await prove(extension(tableSql('gardens')))).toEqual(first);
    expect(outcome(await prove(extension(tableSql('sheds'))))).toEqual({
      tables: ['public.homes', 'public.rooms', 'public.sheds'],
      findings: [],
      proven: 3,
      notProven: 0,
    });
    // What an extension says of buckets is not core's.
    const bucket = `insert into storage.buckets (id, name) values ('photos', 'photos');
create policy "photos_read" on storage.objects for select to authenticated
  using (bucket_id = 'photos' and (storage.foldername(name))[1] = (select auth.uid())::text);
`;
    expect((await prove(extension(bucket))).tables.map(({ table }) => table)).toContain('storage.objects[photos]');
    await rm(join(cache(), 'proofs'), { recursive: true });
    await prove(extension(bucket));
    expect((await prove(extension(tableSql('barns')))).tables.map(({ table }) => table).sort()).toEqual([
      'public.barns',
      'public.homes',
      'public.rooms',
    ]);
    // An extension that lets everyone read a table of core: the cached proof of that table is not used.
    const opening = await prove(
      extension(
        `${tableSql('lofts')}create policy "guests" on public.homes for select to authenticated using ((select auth.uid()) is not null);\n`,
      ),
    );
    expect(outcome(opening)).toMatchObject({
      tables: ['public.homes', 'public.lofts', 'public.rooms'],
      findings: ['isolation-read public.homes'],
    });
  });
});

describe('what files say of a proof', () => {
  const opened = tableSql('sheds').replaceAll('user_id = (select auth.uid())', '(select auth.uid()) is not null');

  it('is heeded: a finding has its line, and a comment silences it', async () => {
    const told = await prove(extension(opened));
    const read = told.findings.find(({ rule }) => rule === 'isolation-read');
    expect(read).toMatchObject({ object: 'public.sheds', file: 'migrations/extensions/001_own.sql' });
    expect(read?.line).toBeGreaterThan(1);
    const comment = '-- muse: ignore isolation-read because the sheds are a bulletin board\n';
    const quiet = await prove(extension(opened.replace(/create table/i, (create) => comment + create)));
    expect(quiet.findings.map(({ rule }) => rule)).not.toContain('isolation-read');
    expect(quiet).toMatchObject({ silenced: 1 });
  });
});

describe('what files change', () => {
  it.each<[string, string[] | undefined]>([
    ["create table a (id int); create index on a (id); comment on table a is 'x'", ['public.a']],
    ['create table app.b partition of app.a default', ['app.b', 'app.a']],
    ['alter table a attach partition b default', ['public.a', 'public.b']],
    ['drop policy if exists p on app.a; create policy p on app.a using (true)', ['app.a']],
    [
      "create or replace function app.f(x int) returns int language sql as 'select 1'; grant execute on function app.g(int) to anon",
      ['app.f', 'app.g'],
    ],
    ['create view v as select 1; drop view w; alter view v rename to u', ['public.v', 'public.w', 'public.u']],
    ['insert into plans values (1); update plans set id = 2', ['public.plans']],
    ['grant select on a, b to anon; revoke all on a from anon', ['public.a', 'public.b']],
    ['create policy p on storage.objects using (true)', ['storage.objects']],
    ['do $$ begin null; end $$', undefined],
    ['select app.setup()', undefined],
    ['drop table a cascade', undefined],
    ['grant usage on schema app to anon', undefined],
    ['grant select on all tables in schema public to anon', undefined],
    ['alter default privileges grant select on tables to anon', undefined],
    ['set search_path = app', undefined],
    ['grant service_role to authenticated', undefined],
  ])('%s', async (sql, changed) => {
    await loadParser();
    expect(changedObjects([{ sql }])).toEqual(changed);
  });
});
