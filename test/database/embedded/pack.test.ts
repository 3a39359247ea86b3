import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cachedPack, makePack } from '../../../src/database/embedded/pack.ts';

it.each([
  [2, ['c.bin', 'd.bin']],
  [3, ['b.bin', 'c.bin', 'd.bin']],
  [undefined, ['a.bin', 'b.bin', 'c.bin', 'd.bin']],
])('of four packs, a folder that keeps %s has the last ones', async (most, expected) => {
  const folder = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [at, name] of ['a', 'b', 'c', 'd'].entries()) {
    const path = join(folder, `${name}.bin`);
    const make = (): Promise<ReturnType<typeof makePack>> =>
      Promise.resolve(makePack([{ path: name, bytes: Buffer.from(name) }]));
    await cachedPack(path, make, most);
    await utimes(path, at, at);
    const kept = await cachedPack(path, () => Promise.reject(new Error('is there already')), most);
    expect(kept.entries).toEqual([{ path: name, offset: 0, size: 1 }]);
  }
  expect((await readdir(folder)).sort()).toEqual(expected);
});

/** How often a pack in a file is made. */
async function countMade(): Promise<{
  folder: string;
  path: string;
  get(path?: string): Promise<string>;
  made(): number;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'a.bin');
  let made = 0;
  const make = (): Promise<ReturnType<typeof makePack>> => {
    made += 1;
    return Promise.resolve(makePack([{ path: 'a', bytes: Buffer.from('of the pack') }]));
  };
  const get = async (at = path): Promise<string> => String((await cachedPack(at, make)).bytes);
  return { folder, path, get, made: () => made };
}

it('a pack is made by two at once, and used by the next', async () => {
  const { folder, get, made } = await countMade();
  expect(await Promise.all([get(), get()])).toEqual(['of the pack', 'of the pack']);
  expect([made(), await readdir(folder)]).toEqual([2, ['a.bin']]);
  expect([await get(), made()]).toEqual(['of the pack', 2]);
});

it('a pack is made again if its file is truncated or a byte is wrong', async () => {
  const { path, get, made } = await countMade();
  await get();
  const whole = await readFile(path);
  await truncate(path, whole.length - 1);
  expect([await get(), made()]).toEqual(['of the pack', 2]);
  const wrong = Buffer.from(whole);
  wrong[wrong.length - 1]! ^= 1;
  await writeFile(path, wrong);
  expect([await get(), made()]).toEqual(['of the pack', 3]);
  expect(await readFile(path)).toEqual(whole);
});

it('a pack is made each time where it cannot be written', async () => {
  const { folder, get, made } = await countMade();
  await writeFile(join(folder, 'file'), '');
  const below = join(folder, 'file', 'below', 'a.bin');
  expect([await get(below), await get(below), made()]).toEqual(['of the pack', 'of the pack', 2]);
});
