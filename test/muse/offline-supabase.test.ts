import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMuse } from '../../src/muse/open.ts';
import { verifyMuse } from '../../src/muse/verify.ts';
import { verifyOffline } from '../../src/muse/verify-offline.ts';
import { openEnvironment } from '../../src/targets/open.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { sampleOf } from '../support/sample.ts';
import { museOnDisk, tableFiles } from './muse-on-disk.ts';

let fakeApi: FakeApi;
beforeAll(async () => {
  fakeApi = await openFakeApi();
});
afterAll(() => fakeApi.close());

const matrix = ({ tables }: IsolationReport): unknown =>
  tables.map(({ table, scope, checks }) => [
    table,
    scope,
    checks.map(({ actor, verb, outcome, rows }) => [actor, verb, outcome, rows]),
  ]);

// By the pooler it is read as a server is, in `offline.test.ts`.
const ways: [string, boolean][] = [
  ['HTTPS', true],
  ['the pooler', false],
];
describe.each(sampleOf(ways, 2))('muse verify --offline of a Supabase project, by %s', (_, closed) => {
  it('has the matrix of the project, even if a webhook on its users prevents a proof there', async () => {
    fakeApi.conditions.poolerClosed = closed;
    const password = 'of-the-project-itself';
    const { ref } = fakeApi.addProject({ password });
    const made = await museOnDisk({
      ...tableFiles('001', 'homes'),
      '.env.local': `SUPABASE_DB_PASSWORD=${password}\n`,
    });
    made.museFile.environments.development = { target: 'supabase', ref };
    await writeFile(join(made.directory, 'muse.json'), JSON.stringify(made.museFile));
    const muse = await openMuse(made.directory);
    const { database } = await openEnvironment(muse, 'development', fakeApi.env);
    await migrate(database, (await readMigrations(muse.directory, muse.museFile.migrations)).migrations);
    await database.script(
      "insert into storage.buckets (id, name) values ('photos', 'photos'); create policy open on storage.objects for select to anon using (bucket_id = 'photos')",
    );

    const online = await verifyMuse(muse, 'development', fakeApi.env);
    const offline = await verifyOffline(muse, 'development', fakeApi.env);
    expect(matrix(offline)).toEqual(matrix(online));
    expect(offline.notCopied).toEqual([]);
    expect(offline.findings.map(({ rule, object }) => [rule, object])).toContainEqual([
      'anon-read',
      'storage.objects[photos]',
    ]);

    await database.script(`create schema net; create function net.http_post(url text) returns bigint language sql as 'select 1::bigint';
      create function public.tell() returns trigger language plpgsql security definer set search_path = '' as $$ begin perform net.http_post('https://example.com'); return new; end $$;
      create trigger tell after insert on auth.users for each row execute function public.tell()`);
    expect((await verifyMuse(muse, 'development', fakeApi.env)).findings).toContainEqual(
      expect.objectContaining({ rule: 'not-proven' }),
    );
    expect(matrix(await verifyOffline(muse, 'development', fakeApi.env))).toEqual(matrix(offline));
    await database.close();
  });
});
