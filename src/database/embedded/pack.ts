import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeOldest } from '../../shared/files.ts';
import type { Pack, PackEntry } from './protocol.ts';

const magic = 'create-muse pack 1\n';

/** Packs files. An entry without bytes is a directory. */
export function makePack(files: readonly { path: string; bytes?: Uint8Array }[]): Pack {
  let offset = 0;
  const entries: PackEntry[] = files.map(({ path, bytes }) => {
    const entry = bytes ? { path, offset, size: bytes.length } : { path, offset };
    offset += bytes?.length ?? 0;
    return entry;
  });
  return { entries, bytes: Buffer.concat(files.flatMap(({ bytes }) => bytes ?? [])) };
}

/**
 * Encodes a pack as one file: a line with the format's name, a line of JSON with the entries and a digest, the bytes.
 */
function encodePack(pack: Pack): Buffer {
  const head = JSON.stringify({ entries: pack.entries, size: pack.bytes.length, digest: digest(pack.bytes) });
  return Buffer.concat([Buffer.from(`${magic}${head}\n`), pack.bytes]);
}

/**
 * Reads what {@link encodePack} wrote; undefined if a byte of it is missing or changed.
 * @param isKnown whether its digest was right before
 */
function decodePack(file: Buffer, path: string, isKnown: boolean): Pack | undefined {
  if (file.toString('latin1', 0, magic.length) !== magic) return undefined;
  const end = file.indexOf('\n', magic.length);
  if (end === -1) return undefined;
  try {
    const head = JSON.parse(file.toString('utf8', magic.length, end)) as {
      entries: PackEntry[];
      size: number;
      digest: string;
    };
    const bytes = file.subarray(end + 1);
    if (bytes.length !== head.size || (!isKnown && digest(bytes) !== head.digest)) return undefined;
    return { entries: head.entries, bytes, kept: { file: path, start: end + 1 } };
  } catch {
    return undefined;
  }
}

/** Files whose digest was right when this process read them: to compute it takes longer than to read the file. */
const known = new Map<string, string>();

/** Reads a pack's file; undefined if there is none that is whole. */
async function readPack(path: string): Promise<Pack | undefined> {
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { ino, size, mtimeNs } = await handle.stat({ bigint: true });
    const version = `${ino} ${size} ${mtimeNs}`;
    const pack = decodePack(await handle.readFile(), path, known.get(path) === version);
    if (pack !== undefined) known.set(path, version);
    return pack;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

/** The same pack in memory that threads share: none may write to it. */
export function sharePack({ bytes, ...pack }: Pack): Pack {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return { ...pack, bytes: shared };
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The pack in a cache file, which is created if necessary. A cache that is missing, damaged or not writable only costs
 * time. Two processes may create it at once: each writes a file of its own and renames it.
 * @param path the file; its name contains a hash of everything that the pack depends on
 * @param most how many files the folder keeps; the oldest go first. Default: all
 */
export async function cachedPack(path: string, make: () => Promise<Pack>, most = Infinity): Promise<Pack> {
  const kept = await readPack(path);
  if (kept) return kept;
  const pack = await make();
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const encoded = encodePack(pack);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, encoded);
    await rename(temporary, path);
    if (most < Infinity) await removeOldest(dirname(path), most);
    return { ...pack, kept: { file: path, start: encoded.length - pack.bytes.length } };
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
  return pack;
}
