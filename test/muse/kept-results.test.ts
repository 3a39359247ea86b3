import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keptResults, resultKey } from '../../src/muse/kept-results.ts';
import { useOwnCache } from '../support/own-cache.ts';

const cache = useOwnCache();

it('keeps results by their keys, those that were used last', async () => {
  const results = keptResults<{ n: number }>('numbers', 2);
  expect(await results.get('a')).toBeUndefined();
  for (const [n, key] of ['a', 'b', 'c'].entries()) {
    await results.keep(key, { n });
    await utimes(join(cache(), 'numbers', `${key}.json`), n, n);
  }
  expect((await readdir(join(cache(), 'numbers'))).sort()).toEqual(['b.json', 'c.json']);
  expect([await results.get('a'), await results.get('b'), await results.get('c')]).toEqual([
    undefined,
    { n: 1 },
    { n: 2 },
  ]);
  for (const [n, key] of ['b', 'c'].entries()) await utimes(join(cache(), 'numbers', `${key}.json`), n, n);
  await results.get('b');
  await results.keep('d', { n: 3 });
  expect((await readdir(join(cache(), 'numbers'))).sort()).toEqual(['b.json', 'd.json']);
});

it.each([
  ['nothing', ''],
  ['half of it', '{"key":"k","resu'],
  ['null', 'null'],
  ['a list', '[]'],
  ['the result of another key', '{"key":"other","result":{"n":1}}'],
])('takes a file that holds %s for none', async (_, text) => {
  const results = keptResults<{ n: number }>('damaged', 9);
  await results.keep('k', { n: 1 });
  expect(await results.get('k')).toEqual({ n: 1 });
  await writeFile(join(cache(), 'damaged', 'k.json'), text);
  expect(await results.get('k')).toBeUndefined();
});

it('costs only time where nothing can be written', async () => {
  await writeFile(join(cache(), 'taken'), 'a file where the folder should be');
  const results = keptResults<{ n: number }>('taken', 9);
  await results.keep('k', { n: 1 });
  expect(await results.get('k')).toBeUndefined();
});

it('has another key for anything that a result depends on', async () => {
  const key = await resultKey(['a', { b: 1 }]);
  expect(key).toMatch(/^[0-9a-f]{32}$/);
  expect(await resultKey(['a', { b: 1 }])).toBe(key);
  expect(await resultKey(['a', { b: 2 }])).not.toBe(key);
});
