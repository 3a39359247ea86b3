/** What was measured is not run again as long as the files are the very same. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { openTrials, type Trials } from '../../src/muse/repair/trials.ts';
import { lazy } from '../../src/shared/lazy.ts';
import { migrationsOf } from '../migrations/files.ts';

const fileOf = (name: string): string => `migrations/core/${name}.sql`;
const files = (first: string) =>
  migrationsOf({
    [fileOf('001_a')]: `${first};\ngrant select on t to anon;`,
    [fileOf('002_b')]: 'select nothing;\ncreate view v as select * from t;',
  });
const one = files('create table t (a int)');
const other = files('create table t (a int);\ngrant insert on t to anon');

let opened = 0;
let trials: Trials;
const { signal } = new AbortController();
const shadow = lazy(() => {
  opened += 1;
  return openEmbedded({ signal });
});
beforeAll(() => {
  trials = openTrials({ shadow, signal });
});
afterAll(() => shadow.close());

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
