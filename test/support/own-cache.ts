import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { cacheDirectory } from '../../src/database/cache.ts';

/**
 * Gives the tests of a file a cache of their own, in which is only what every embedded database begins with, where that has been
 * made before. Returns its directory, once they run.
 */
export function useOwnCache(): () => string {
  const before = process.env['CREATE_MUSE_CACHE'];
  let cache: string;
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
    const usual = cacheDirectory();
    for (const name of await readdir(usual).catch(() => []))
      if (name.endsWith('.bin')) await copyFile(join(usual, name), join(cache, name));
    process.env['CREATE_MUSE_CACHE'] = cache;
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['CREATE_MUSE_CACHE'];
    else process.env['CREATE_MUSE_CACHE'] = before;
    await rm(cache, { recursive: true, force: true });
  });
  return () => cache;
}
