import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { MuseError } from '../../src/shared/error.ts';
import type { EnvironmentName, Muse } from '../../src/shared/muse-file.ts';
import { migrateMuse } from '../../src/muse/migrate.ts';
import { rollbackMuse } from '../../src/muse/rollback.ts';
import { openEnvironment } from '../../src/targets/open.ts';
import { type Native, startNative } from '../support/native.ts';
import { addFiles, museOnDisk, nativeDatabase, tableFiles, tableSql, unrehearsed } from './muse-on-disk.ts';

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

/** Lint, rehearsal and catalog checks accept it: it names its role, wraps auth.uid() and is not always true. */
const leaky = (name: string): string =>
  tableSql(name).replaceAll('user_id = (select auth.uid())', '(select auth.uid()) is not null');
const leakyFiles = { ...tableFiles('001', 'homes'), 'migrations/extensions/001_homes.sql': leaky('homes') };
const fixedFiles = tableFiles('001', 'homes');

async function tables(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1",
  );
  return rows.map(({ name }) => name);
}

async function tablesOf(muse: Muse, name: EnvironmentName): Promise<string[]> {
  const { database } = await openEnvironment(muse, name, {});
  try {
    return await tables(database);
  } finally {
    await database.close();
  }
}

async function errorOf(work: Promise<unknown>): Promise<MuseError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MuseError);
  return error as MuseError;
}

describe('a policy that leaks every row', () => {
  it('stops muse migrate in other environments, with nothing applied; the repaired policy passes', async () => {
    const { url, database } = await nativeDatabase(native, 'staging');
    const muse = await museOnDisk(leakyFiles, { staging: url });
    const error = await errorOf(migrateMuse(muse, 'staging', {}));
    expect(error).toMatchObject({ code: 'findings', message: expect.stringContaining('Nothing was applied.') });
    expect(error.findings?.map(({ rule, object }) => [rule, object])).toContainEqual([
      'isolation-read',
      'public.homes',
    ]);
    expect(await tables(database)).toEqual([]);
    await addFiles(muse.directory, fixedFiles);
    const { applied, isolation, findings } = await migrateMuse(muse, 'staging', {});
    expect(applied).toHaveLength(1);
    expect(findings).toEqual([]);
    expect(isolation).toMatchObject({ proven: 1, notProven: 0, tables: [{ table: 'public.homes' }] });
    expect(await tables(database)).toEqual(['homes']);
  });

  it('is applied to local development with a report of what to do next, and passes once it is fixed', async () => {
    const muse = await museOnDisk(leakyFiles);
    const { applied, error, findings } = await migrateMuse(muse, 'development', {});
    expect(applied).toHaveLength(1);
    expect(error).toMatchObject({ code: 'findings', suggestion: expect.stringContaining('muse rollback') });
    expect(findings).toContainEqual(expect.objectContaining({ rule: 'isolation-read', object: 'public.homes' }));
    expect(await tablesOf(muse, 'development')).toEqual(['homes']);
    await rollbackMuse(muse, 'development', {}, {}, async () => true);
    await addFiles(muse.directory, fixedFiles);
    const { rehearse } = unrehearsed;
    const again = await migrateMuse(muse, 'development', {}, { rehearse });
    expect(again.error).toBeUndefined();
    expect(again.isolation).toMatchObject({ proven: 1, notProven: 0 });
  });

  it('passes with the proof skipped, which is noted', async () => {
    const { url, database } = await nativeDatabase(native, 'skipped');
    const muse = await museOnDisk(leakyFiles, { staging: url });
    const { applied, isolation, notes } = await migrateMuse(muse, 'staging', {}, { verify: false });
    expect(applied).toHaveLength(1);
    expect(isolation).toBeUndefined();
    expect(notes).toContainEqual(expect.stringContaining('not proven (--no-verify)'));
    expect(await tables(database)).toEqual(['homes']);
  });
});

describe('the proof of pending files', () => {
  const gardens = tableFiles('002', 'gardens');
  const dynamic = {
    'migrations/extensions/002_opens.sql':
      '-- Opens homes.\ndo $$ begin execute \'alter policy "own rows" on public.homes using ((select auth.uid()) is not null)\'; end $$;\n',
  };
  const helper = (body: string): string => `-- Says who may read.
create or replace function public.may_read(owner uuid) returns boolean language sql stable security definer set search_path = '' as $$ ${body} $$;
revoke all on function public.may_read(uuid) from public, anon;
grant execute on function public.may_read(uuid) to authenticated;
`;

  it.each<[string, Record<string, string>, Record<string, string>, string[], boolean]>([
    ['tries what they make, and not what is as it was', fixedFiles, gardens, ['public.gardens'], true],
    ['tries everything after a DO block', fixedFiles, dynamic, ['public.homes'], false],
    [
      'tries what asks a function that they replace',
      {
        'migrations/extensions/001_homes.sql': `${helper('select owner = (select auth.uid())')}${tableSql('homes').replace('using (user_id = (select auth.uid()))', 'using ((select public.may_read(user_id)))')}`,
      },
      { 'migrations/extensions/002_helper.sql': helper('select owner is not null') },
      ['public.homes', 'public.may_read(uuid)'],
      false,
    ],
  ])('%s', async (_, before, pending, tried, isSound) => {
    const { url } = await nativeDatabase(native, 'pending');
    const muse = await museOnDisk(before, { staging: url });
    await migrateMuse(muse, 'staging', {}, unrehearsed);
    await addFiles(muse.directory, pending);
    const outcome = await migrateMuse(muse, 'staging', {}).catch((error: unknown) => error as MuseError);
    if (outcome instanceof MuseError) {
      expect(isSound, outcome.message).toBe(false);
      expect(tried).toContain(outcome.findings?.find(({ severity }) => severity === 'error')?.object);
    } else {
      expect(isSound).toBe(true);
      expect(outcome.isolation?.tables.map(({ table }) => table)).toEqual(tried);
    }
  });
});
