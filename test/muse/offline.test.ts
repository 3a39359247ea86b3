import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMuse } from '../../src/create/create.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { openMuse } from '../../src/muse/open.ts';
import { proveDatabase, verifyMuse } from '../../src/muse/verify.ts';
import { type OfflineReport, verifyOffline } from '../../src/muse/verify-offline.ts';
import type { Database } from '../../src/database/database.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import { temporary } from '../kit/repository.ts';
import { type Native, startNative } from '../support/native.ts';
import { isWhole } from '../support/sample.ts';

const environment = { ...process.env, CREATE_MUSE_CACHE: undefined };
let native: Native;
let muse: Muse;
let database: Database;
beforeAll(async () => {
  native = await startNative();
  const url = await native.createDatabase('offline');
  const directory = join(temporary('offline'), 'offlinemuse');
  const report = await createMuse(
    {
      name: 'offlinemuse',
      directory,
      kit: 'builtin',
      kitExtensions: 'archive',
      presets: isWhole ? ['crm', 'deliverables', 'realty', 'social'] : ['realty'],
      tables: [],
      prefix: '',
      target: 'postgres',
      environment: 'development',
      supabaseBaseline: true,
      supabase: {},
      fix: false,
      git: false,
      install: false,
      // The tests themselves prove it.
      verify: false,
    },
    { databaseUrl: url },
    { signal: new AbortController().signal, environment },
  );
  if (report.error !== undefined) throw report.error;
  muse = await openMuse(directory);
  database = await openPostgres({ url });
});
afterAll(async () => {
  await database.close();
  await native.stop();
});

const matrix = ({ tables }: IsolationReport): unknown =>
  tables.map(({ table, scope, checks, privileges }) => [
    table,
    scope,
    privileges,
    checks.map(({ actor, verb, outcome, rows }) => [actor, verb, outcome, rows]),
  ]);

describe('muse verify --offline', () => {
  /** The verification while the server refuses every write, even a temporary one. */
  async function verifyReadOnly(): Promise<OfflineReport> {
    const { rows } = await database.query<{ name: string }>('select current_database() as name');
    const name = `"${rows[0]!.name}"`;
    await database.script(`alter database ${name} set default_transaction_read_only = on`);
    try {
      return await verifyOffline(muse, 'development', environment);
    } finally {
      await database.script(`alter database ${name} reset default_transaction_read_only`);
    }
  }

  // The same is compared of a changed database, below.
  it.runIf(isWhole)(
    'has the same matrix as the database itself, and writes nothing to it',
    async () => {
      const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations);
      const online = await proveDatabase(database, muse.museFile, migrations);
      const offline = await verifyReadOnly();
      expect(matrix(offline)).toEqual(matrix(online));
      expect([offline.findings, offline.notCopied]).toEqual([[], []]);
    },
    180_000,
  );

  describe('of a manually changed database', () => {
    let online: IsolationReport;
    let offline: OfflineReport;
    beforeAll(async () => {
      await database.script(`
        create policy by_hand on public.mls_listings for select to authenticated using (true);
        do $$ declare p record; begin for p in select policyname from pg_policies where tablename = 'property_alerts' loop execute format('drop policy %I on public.property_alerts', p.policyname); end loop; end $$;
        alter table public.showings disable row level security;
        grant select on public.invitations to anon;
        create policy by_hand on public.invitations for select to anon using (true);
        insert into storage.buckets (id, name) values ('private', 'private') on conflict do nothing;
        create policy by_hand on storage.objects for select to anon using (true);
        create schema net;
        create function net.http_post(url text) returns bigint language plpgsql as $$ begin raise exception 'sent'; end $$;
        create function public.tell() returns trigger language plpgsql set search_path = '' as $$ begin perform net.http_post('https://example.com'); delete from public.social_posts where false; return new; end $$;
        create trigger tell after insert on public.social_posts for each row execute function public.tell();
        create text search configuration public.house (copy = simple);
        create table public.searched (id uuid primary key, words tsvector generated always as (to_tsvector('public.house', 'a')) stored);
        create policy nobody on public.searched for select to authenticated using (false);
        create table public."Left Open" (id uuid primary key default gen_random_uuid(), note text);
        grant all on public."Left Open" to anon, authenticated;`);
      [online, offline] = [await verifyMuse(muse, 'development', environment), await verifyReadOnly()];
    }, 240_000);
    const found = (report: IsolationReport): string[] =>
      report.findings.map(({ rule, object }) => `${rule} ${object}`).sort();

    it.each<[string, string]>([
      ['a policy for everyone', 'isolation-read public.mls_listings'],
      ['row-level security that was turned off', 'rls-missing public.showings'],
      ['policies that were dropped', 'policy-missing public.property_alerts'],
      ['a grant to anon', 'anon-read public.invitations'],
      ['a policy on the files', 'anon-read storage.objects[private]'],
      ['a table that no migration makes', 'anon-write public.Left Open'],
    ])('finds %s like a proof of the database itself', (_, finding) => {
      expect(found(online)).toContain(finding);
      expect(found(offline)).toContain(finding);
    });

    it('has the same matrix as the database itself, and writes nothing to it', () => {
      const tables = online.tables.filter(({ table }) => table !== 'public.searched');
      expect(matrix(offline)).toEqual(matrix({ ...online, tables }));
      expect(offline.standIns[0]).toContain('auth, storage and realtime');
    });

    it('finds nothing else, and nothing less', () => {
      const of = (report: IsolationReport): string[] =>
        found(report).filter((text) => !text.endsWith('public.searched'));
      expect(of(offline)).toEqual(of(online));
    });

    it('proves a table whose trigger sends requests', () => {
      const of = (report: IsolationReport) => report.tables.find(({ table }) => table === 'public.social_posts');
      expect(of(offline)?.notes).toEqual([expect.stringContaining('trigger tell (public.tell) sends HTTP requests')]);
      expect(of(offline)?.checks).toEqual(of(online)?.checks);
    });

    it('names what it could not copy, and does not claim to have proven it', () => {
      expect(offline.notCopied.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
        'table public.searched',
        'text search configuration public.house',
      ]);
      expect(offline.findings).toContainEqual(
        expect.objectContaining({
          rule: 'not-proven',
          object: 'public.searched',
          message: expect.stringContaining('does not exist'),
        }),
      );
      expect(offline.tables.map(({ table }) => table)).not.toContain('public.searched');
    });
  });
});
