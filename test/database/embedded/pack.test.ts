import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
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
