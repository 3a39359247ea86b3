import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupMuse } from '../../src/muse/backup.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { openMuse } from '../../src/muse/open.ts';
import { restoreMuse } from '../../src/muse/restore.ts';
import { seedMuse } from '../../src/muse/seed.ts';
import { openEnvironment } from '../../src/targets/open.ts';
import { migrate } from '../../src/migrations/apply.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { openClient } from '../../src/supabase/keys.ts';
import { secret } from '../../src/supabase/secret.ts';
import { readSettings } from '../../src/supabase/settings.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';
import { museOnDisk, tableFiles, textRows } from './muse-on-disk.ts';

let fakeApi: FakeApi;
beforeAll(async () => {
  fakeApi = await openFakeApi();
});
afterAll(() => fakeApi.close());

describe.each([
  ['the pooler', false],
  ['HTTPS', true],
])('a Supabase project, by %s', (_, closed) => {
  it('is seeded, backed up and restored, including its users', async () => {
    fakeApi.conditions.poolerClosed = closed;
    const password = 'of-the-project-itself';
    const { ref } = fakeApi.addProject({ password });
    const files = {
      ...tableFiles('001', 'homes'),
      'migrations/core/001_log.sql':
        "-- Adds a log that keeps itself.\ncreate table public.log (id bigint generated always as identity, what text, at timestamptz default now());\ncreate function public.refuse() returns trigger language plpgsql set search_path = '' as $$ begin raise exception 'never'; end $$;\ncreate trigger refuse before delete or update on public.log for each row execute function public.refuse();\nalter table public.log enable always trigger refuse;\n",
      'seeds/10_ada.sql':
        "insert into auth.users (id, email) values ('00000000-0000-4000-8000-000000000001', 'ada@example.com') on conflict do nothing;\ninsert into public.homes (id, user_id, title) values ('00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-000000000001', E'a \\\\ \"b\" ''c'', é') on conflict do nothing;\n",
      '.env.local': `SUPABASE_DB_PASSWORD=${password}\n`,
    };
    const made = await museOnDisk(files);
    made.museFile.environments.development = { target: 'supabase', ref };
    await writeFile(join(made.directory, 'muse.json'), JSON.stringify(made.museFile));
    const muse = await openMuse(made.directory);
    const { database } = await openEnvironment(muse, 'development', fakeApi.env);
    expect(database.kind).toBe(closed ? 'https' : 'postgres');
    await migrate(database, (await readMigrations(muse.directory, muse.museFile.migrations)).migrations);
    await database.script("insert into public.log (what) values ('first'), (null)");

    expect((await seedMuse(muse, 'development', fakeApi.env)).added).toEqual({ 'auth.users': 1, 'public.homes': 1 });
    expect((await seedMuse(muse, 'development', fakeApi.env)).added).toEqual({});
    const looked = [
      'public.homes',
      'auth.users',
      'public.log',
      '(select last_value, is_called from public.log_id_seq)',
      '(select tgname, tgenabled from pg_trigger where not tgisinternal)',
    ];
    const state = async (): Promise<string[][]> => {
      const all: string[][] = [];
      for (const name of looked) all.push(await textRows(database, name));
      return all;
    };
    const before = await state();
    const { file, rows } = await backupMuse(muse, 'development', fakeApi.env);
    expect(rows).toEqual({ 'auth.users': 1, 'public.homes': 1, 'public.log': 2 });
    await database.script(
      "insert into auth.users (id, email) values (gen_random_uuid(), 'eve@example.com'); update public.homes set title = 'spoilt'; insert into public.log (what) values ('later')",
    );
    const result = await restoreMuse(muse, 'development', fakeApi.env, join(muse.directory, file), {
      confirmed: 'development',
    });
    expect(result.notes).toEqual([]);
    expect(await state()).toEqual(before);
    expect((await readFile(join(muse.directory, file))).includes(password)).toBe(false);
    await database.close();
  });
});

describe('the seed of the built-in kit', () => {
  it('creates users who can sign in with the printed password', async () => {
    fakeApi.conditions.poolerClosed = false;
    const password = 'of-the-project-itself';
    const project = fakeApi.addProject({ password });
    const kit = join(import.meta.dirname, '..', '..', 'templates', 'musekit');
    const made = await museOnDisk({ '.env.local': `SUPABASE_DB_PASSWORD=${password}\n` });
    await Promise.all(
      ['migrations', 'seeds'].map((folder) => cp(join(kit, folder), join(made.directory, folder), { recursive: true })),
    );
    const muse: Muse = {
      ...made,
      museFile: { ...made.museFile, environments: { development: { target: 'supabase', ref: project.ref } } },
    };
    const { database } = await openEnvironment(muse, 'development', fakeApi.env);
    await migrate(database, (await readMigrations(muse.directory, muse.museFile.migrations)).migrations);
    await database.close();
    expect((await seedMuse(muse, 'development', fakeApi.env)).added).toMatchObject({
      'auth.users': 3,
      'auth.identities': 3,
      'public.profiles': 3,
    });
    expect((await seedMuse(muse, 'development', fakeApi.env)).added).toEqual({});
    const client = await openClient(
      (await readSettings(fakeApi.env)).projectUrl(project.ref),
      secret(project.keys.publishable),
    );
    for (const email of ['ada@example.com', 'ben@example.com', 'cleo@example.com']) {
      expect((await client.auth.signInWithPassword({ email, password: 'not-this' })).error?.code).toBe(
        'invalid_credentials',
      );
      expect((await client.auth.signInWithPassword({ email, password: 'musekit-development' })).data.user?.email).toBe(
        email,
      );
    }
  });
});
