import { DatabaseError } from '../database/database.ts';
import { openShadow } from './core-snapshot.ts';
import { migrate } from '../migrations/apply.ts';
import type { Migration } from '../sql/migration.ts';
import { readMigrations } from '../migrations/read.ts';
import { mergeFindings } from '../rules/engine/merge.ts';
import { foldConsequences } from '../rules/engine/root-causes.ts';
import { placesOf } from '../rules/engine/live/places.ts';
import { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import type { Muse, MuseFile } from '../shared/muse-file.ts';
import { checkCatalog } from '../verify/catalog/catalog-check.ts';
import { expectationsOf } from './declared-schema.ts';
import { lintMuse } from './lint.ts';
import { proveFiles, type SettledProof } from './prove-files.ts';
import type { VerifyHooks } from './verify.ts';

/** What is known about the files of a muse without any of its databases. */
export interface FilesCheck {
  /** Of lint, and of the proof where there is one. */
  findings: Finding[];
  silenced: number;
  proof: SettledProof | undefined;
  /** Why there is no proof: what kept the files from running. */
  problem: { message: string; suggestion: string } | undefined;
}

/**
 * Lints the files of a muse, and proves what they allow on a database in memory that they alone have made. Findings of lint
 * do not prevent the proof; a file that fails does.
 * @throws MuseError where the files cannot be read, and `cancelled`
 */
export async function checkFiles(muse: Muse, { signal, onProgress }: VerifyHooks = {}): Promise<FilesCheck> {
  const { directory, museFile } = muse;
  onProgress?.('reading the files');
  const linted = await lintMuse(muse);
  const { migrations } = await readMigrations(directory, museFile.migrations, { rollbacks: false });
  const proven = await prove(migrations, museFile, { signal, onProgress });
  if ('problem' in proven) return { ...linted, proof: undefined, problem: proven.problem };
  const { proof, catalog } = proven;
  const places = await placesOf(migrations);
  const settled = places.settle(catalog, museFile.rules);
  return {
    findings: foldConsequences(mergeFindings([linted.findings, places.locate(settled.findings), proof.findings])),
    // The catalog has the same problems that the files have.
    silenced: Math.max(linted.silenced, settled.silenced) + proof.silenced,
    proof,
    problem: undefined,
  };
}

async function prove(
  migrations: readonly Migration[],
  museFile: MuseFile,
  { signal, onProgress }: VerifyHooks,
): Promise<{ proof: SettledProof; catalog: Finding[] } | Pick<FilesCheck, 'problem'>> {
  const { database, applied } = await openShadow(migrations, signal);
  try {
    onProgress?.('running the migrations');
    await migrate(database, migrations.slice(applied));
    const catalog = await checkCatalog(database, await expectationsOf(migrations, museFile));
    return { proof: await proveFiles(database, museFile, migrations, onProgress), catalog };
  } catch (error) {
    if (error instanceof DatabaseError)
      return { problem: { message: error.message, suggestion: 'See which file it is: muse rehearse' } };
    if (!(error instanceof MuseError) || error.code === 'cancelled') throw error;
    return { problem: { message: error.message, suggestion: error.suggestion } };
  } finally {
    await database.close();
  }
}
