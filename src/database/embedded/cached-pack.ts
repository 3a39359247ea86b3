import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodePack, encodePack } from './pack.ts';
import type { Pack } from './protocol.ts';

/**
 * The pack in a cache file, created if it is not there. A cache that is missing, damaged or cannot be written only
 * costs time: two processes may create it at once: each writes a file of its own and renames it.
 * @param path the file; its name holds a hash of everything the pack depends on
 */
export async function cachedPack(path: string, make: () => Promise<Pack>): Promise<Pack> {
  const kept = await readFile(path).then(decodePack, () => undefined);
  if (kept) return kept;
  const pack = await make();
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, encodePack(pack));
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
  return pack;
}
