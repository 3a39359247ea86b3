/** What was measured is not run again as long as the files are the very same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { knownOf, openTrials, type LatestRehearsal, type Trials } from '../../src/muse/repair/trials.ts';
import { lazy } from '../../src/shared/lazy.ts';
import { migrationsOf } from '../migrations/files.ts';
import { type Native, startNative } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';

const fileOf = (name: string): string => `migrations/core/${name}.sql`;
const files = (first: string) =>
  migrationsOf({
    [fileOf('001_a')]: `${first};\ngrant select on t to anon;`,
    [fileOf('002_b')]: 'select nothing;\ncreate view v as select * from t;',
  });
const one = files('create table t (a int)');
const other = files('create table t (a int);\ngrant insert on t to anon');

let opened = 0;
let native: Native;
let trials: Trials;
const { signal } = new AbortController();
// On a server, where a database takes a tenth of the time.
const shadow = lazy(async () => {
  opened += 1;
  const database = await openPostgres({ url: await platformDatabase(native, 'trials'), signal });
  await database.script('set search_path to "$user", public, extensions');
  return database;
});
beforeAll(async () => {
  native = await startNative();
  trials = openTrials({ shadow, signal });
});
afterAll(async () => {
  await shadow.close();
  await native.stop();
});

/** How many databases something opens, and what it returns. */
async function opens<T>(work: () => Promise<T>): Promise<[number, T]> {
  const before = opened;
  const value = await work();
  return [opened - before, value];
}

it('a measurement is kept', async () => {
  const [first, measured] = await opens(() => trials.measure(one));
  expect([first, measured?.failed]).toEqual([
    1,
    new Map([
      [fileOf('001_a'), 0],
      [fileOf('002_b'), 1],
    ]),
  ]);
  const [again, same] = await opens(() => trials.measure(one.map((file) => ({ ...file }))));
  expect([again, same]).toEqual([0, measured]);
  const [changed, different] = await opens(() => trials.measure(other));
  expect(changed).toBe(1);
  expect(different).not.toEqual(measured);
  expect(await opens(() => trials.measure(one))).toEqual([0, measured]);
});

it('whether a run continues is asked of each file, in order', async () => {
  const asked: [string, number][] = [];
  const goesOn = (file: string, failed: number): boolean => {
    asked.push([file, failed]);
    return failed === 0;
  };
  expect(await opens(() => trials.measure(one, goesOn))).toEqual([0, undefined]);
  expect(asked).toEqual([
    [fileOf('001_a'), 0],
    [fileOf('002_b'), 1],
  ]);
});

it('a run that ended is not begun again where it would end in the same file', async () => {
  const ended = files('create table t (a int, b int, c int)');
  const untilB = (_file: string, failed: number): boolean => failed === 0;
  expect(await opens(() => trials.measure(ended, untilB))).toEqual([1, undefined]);
  expect(await opens(() => trials.measure(ended, untilB))).toEqual([0, undefined]);
  expect(await opens(() => trials.rehearse(ended, new Map(), undefined, untilB))).toEqual([0, undefined]);
  const [again, measured] = await opens(() => trials.measure(ended, () => true));
  expect([again, measured?.failed.get(fileOf('002_b'))]).toEqual([1, 1]);
  expect(await opens(() => trials.rehearse(ended, new Map(), undefined, untilB))).toEqual([0, undefined]);
});

it('a rehearsal that was not good has measured, too', async () => {
  const refused = files('create table t (a int, d int)');
  expect(await opens(() => trials.rehearse(refused, new Map(), () => Promise.resolve(false)))).toEqual([1, undefined]);
  const [again, measured] = await opens(() => trials.measure(refused));
  expect([again, measured?.failed.get(fileOf('002_b'))]).toEqual([0, 1]);
});

it('a rehearsal measures as well, and one that is ended does not', async () => {
  const ended = files('create table t (a int, ended int)');
  const rehearsed = await trials.rehearse(ended, new Map(), undefined, () => false);
  expect(rehearsed).toBeUndefined();
  expect((await opens(() => trials.measure(ended)))[0]).toBe(1);
  const third = files('create table t (a int, c int)');
  const { measured } = (await trials.rehearse(third, new Map()))!;
  expect(measured?.failed.get(fileOf('002_b'))).toBe(1);
  expect(await opens(() => trials.measure(third))).toEqual([0, measured]);
  // Its database is open still.
  expect(trials.latest()?.migrations).toEqual(third);
});

describe('what a rehearsal tells of more files', () => {
  const own = (sql: string, file = '100_own') => ({ [`migrations/extensions/${file}.sql`]: sql });
  const undo = (...texts: string[]) =>
    new Map(
      texts.map((sql, index) => [
        `migrations/extensions/${100 + index}_own.sql`,
        { file: `migrations/rollback/${100 + index}_own.sql`, sql },
      ]),
    );
  const comment = '-- Nothing yet.\n;\n';
  const table = 'create table if not exists own (a int);';
  const repeatable = { [fileOf('001_a')]: 'create table if not exists t (a int);' };
  const failing = { [fileOf('001_a')]: 'create table t (a int); select nothing;' };
  const again = { [fileOf('001_a')]: 'create table if not exists t (a int); insert into t values (1);' };
  const extension = own('create table if not exists t (a int);', '099_own');
  const seen = new Map<Record<string, string>, LatestRehearsal>();
  /** The rehearsal of files, without a rollback. */
  const rehearsed = async (before: Record<string, string>): Promise<LatestRehearsal> => {
    if (!seen.has(before)) {
      await trials.rehearse(migrationsOf(before), new Map());
      seen.set(before, trials.latest()!);
    }
    return seen.get(before)!;
  };
  const cases: [
    string,
    Record<string, string>,
    Record<string, string>,
    Map<string, { file: string; sql: string }>,
    unknown,
  ][] = [
    ['the same files', failing, {}, new Map(), 'all'],
    ['one without a statement', failing, own(comment), undo(comment), 'all'],
    ['one with a statement', repeatable, own(table), undo('drop table own;'), 1],
    ['one whose rollback alone has a statement', repeatable, own(comment), undo('drop table t;'), 1],
    ['after a failure', failing, own(table), undo('drop table own;'), undefined],
    ['after a second run that changed rows', again, own(table), undo('drop table own;'), undefined],
    ['one without a rollback', repeatable, own(comment), new Map(), undefined],
    ['after an extension of the kit', extension, own(comment), undo(comment), undefined],
    ['other files', repeatable, { [fileOf('001_a')]: 'select 1;' }, new Map(), undefined],
    ['another rollback', repeatable, {}, undo(comment), undefined],
  ];
  it.each(cases)('%s', async (_name, before, added, rollbacks, expected) => {
    const last = await rehearsed(before);
    const migrations = migrationsOf({ ...before, ...added });
    const known = knownOf({ migrations, rollbacks }, last);
    if (expected === 'all') {
      const names = migrations.map(({ file, layer }) => ({ file, layer }));
      expect(known?.report?.findings).toEqual(last.report.findings);
      expect(known?.report?.files).toMatchObject(names);
      expect(known?.report?.rolledBack).toEqual(names.slice(1));
    } else expect(known).toEqual(expected === undefined ? undefined : { applied: expected });
  });
});
