import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** Gives the tests of a file a cache of their own. Returns its directory, once they run. */
export function useOwnCache(): () => string {
  const before = process.env['CREATE_MUSE_CACHE'];
  let cache: string;
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
    process.env['CREATE_MUSE_CACHE'] = cache;
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['CREATE_MUSE_CACHE'];
    else process.env['CREATE_MUSE_CACHE'] = before;
    await rm(cache, { recursive: true, force: true });
  });
  return () => cache;
}
