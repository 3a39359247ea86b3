/** Proofs of files, kept in the cache: what the same files allow need not be found out twice. */
import type { MuseFile } from '../shared/muse-file.ts';
import type { Migration } from '../sql/migration.ts';
import type { IsolationReport } from '../verify/report/report.ts';
import { keptResults, resultKey } from './kept-results.ts';

/** A proof that was kept. */
export interface KeptProof extends IsolationReport {
  /** Of core alone: what could not be kept, since the extension that was there had a part in it. */
  toProve?: string[];
}

/** The proofs that are kept. */
export const keptProofs = keptResults<KeptProof>('proofs', 60);

/**
 * The key of a proof: changes with any file, with how tenants are isolated, and with this tool.
 * @param parts what else it depends on
 */
export const proofKey = (
  migrations: readonly Migration[],
  { isolation, session }: Pick<MuseFile, 'isolation' | 'session'>,
  parts: unknown,
): Promise<string> =>
  resultKey([isolation, session ?? null, migrations.map(({ layer, checksum }) => [layer, checksum]), parts]);
