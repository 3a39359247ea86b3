/** Proofs of files, kept in the cache: what the same files allow, the same version of this tool need not find out twice. */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../database/cache.ts';
import { writeWhole } from '../shared/files.ts';
import { once } from '../shared/lazy.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import { packageVersion } from '../shared/version.ts';
import type { Migration } from '../sql/migration.ts';
import type { IsolationReport } from '../verify/report/report.ts';

/** A proof that was kept. */
export interface KeptProof extends IsolationReport {
  /** Of core alone: what could not be kept, since the extension that was there had a part in it. */
  toProve?: string[];
}

/** How many proofs are kept; the oldest go first. */
const mostKept = 60;

const folder = (): string => join(cacheDirectory(), 'proofs');

/**
 * The key of a proof: changes with any file, with how tenants are isolated, and with this tool.
 * @param parts what else it depends on
 */
export async function proofKey(
  migrations: readonly Migration[],
  { isolation, session }: Pick<MuseFile, 'isolation' | 'session'>,
  parts: unknown,
): Promise<string> {
  const what = [
    packageVersion(),
    await builtAt(),
    isolation,
    session ?? null,
    migrations.map(({ layer, checksum }) => [layer, checksum]),
    parts,
  ];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 32);
}

/** Sizes and times of this tool's own files: an edited copy of a version proves anew. */
const builtAt = once(async (): Promise<string> => {
  const root = join(import.meta.dirname, '..');
  const files = (await readdir(root, { recursive: true }))
    .filter((name) => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts'))
    .sort();
  const states = await Promise.all(
    files.map(async (name) => {
      const { mtimeMs, size } = await stat(join(root, name));
      return `${name} ${size} ${mtimeMs}`;
    }),
  );
  return createHash('sha256').update(states.join('\n')).digest('hex');
});

/** The proof kept under the key; undefined where there is none, or none that can be read. */
export async function keptProof(key: string): Promise<KeptProof | undefined> {
  try {
    return JSON.parse(await readFile(join(folder(), `${key}.json`), 'utf8')) as KeptProof;
  } catch {
    // A cache that is missing or damaged only costs time.
    return undefined;
  }
}

/** Keeps a proof. A cache that cannot be written only costs time. */
export async function keepProof(key: string, proof: KeptProof): Promise<void> {
  try {
    await writeWhole(join(folder(), `${key}.json`), JSON.stringify(proof));
    const names = await readdir(folder());
    if (names.length <= mostKept) return;
    const aged = await Promise.all(
      names.map(async (name) => ({ name, at: (await stat(join(folder(), name))).mtimeMs })),
    );
    for (const { name } of aged.sort((x, y) => y.at - x.at).slice(mostKept))
      await rm(join(folder(), name), { force: true });
  } catch {
    // See above.
  }
}
