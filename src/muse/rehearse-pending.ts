/** The rehearsal before pending files are applied, and the proof that goes with it. */
import { checksumOf, readMigrations } from '../migrations/read.ts';
import type { Finding } from '../shared/finding.ts';
import type { Muse } from '../shared/muse-file.ts';
import type { Migration } from '../sql/migration.ts';
import type { IsolationReport } from '../verify/report/report.ts';
import { keptResults, resultKey } from './kept-results.ts';
import { rehearseMuse, type RehearseOptions } from './rehearse.ts';
import { readKitSeeds } from '../migrations/kit-seeds.ts';
import { unreadableSeeds } from './seed-files.ts';

/** What is shown while the proof runs. */
export const provingText = 'Acting as users on what the files change';

/** What a rehearsal of pending files found. */
export interface PendingRehearsal {
  findings: Finding[];
  /** Only where it was asked for and nothing else was wrong. */
  isolation: IsolationReport | undefined;
  /** Whether everything that was asked for could be tried: only then would it come out the same again. */
  isComplete: boolean;
}

/** Rehearsals that were kept, by {@link rehearsalKey}: those that are complete and found no error. */
export const keptRehearsals = keptResults<PendingRehearsal>('rehearsals', 500);

/**
 * Rehearses all files of a muse, and proves that what the pending ones change keeps tenants apart.
 * @param proves whether to prove it
 */
export async function rehearsePending(
  muse: Muse,
  pending: readonly Migration[],
  proves: boolean,
  options: RehearseOptions = {},
): Promise<PendingRehearsal> {
  let isolation: IsolationReport | undefined;
  let isComplete = true;
  const { findings, rehearsal } = await rehearseMuse(
    muse,
    options,
    !proves
      ? undefined
      : async (shadow, { migrations }, done) => {
          const { followProof, proveChanges, withUntried } = await import('./prove-files.ts');
          options.onPhase?.(provingText);
          const proof = await proveChanges(
            shadow,
            muse.museFile,
            migrations,
            pending,
            followProof(provingText, options.onPhase),
          );
          ({ isComplete, ...isolation } = withUntried(proof, done));
        },
  );
  // Another target may lack what this one has.
  return { findings, isolation, isComplete: isComplete && rehearsal.notRehearsed === 0 };
}

/** The key of a rehearsal: the same for muses that have the same files and settings, and for the same version of this tool. */
export async function rehearsalKey(
  { directory, museFile }: Muse,
  pending: readonly Migration[],
  proves: boolean,
): Promise<string> {
  const { name: _name, environments: _environments, kit, ...settings } = museFile;
  const [{ migrations, rollbacks, findings }, seeds, kitSeeds] = await Promise.all([
    readMigrations(directory, museFile.migrations),
    unreadableSeeds(directory),
    readKitSeeds(directory, museFile.migrations),
  ]);
  return resultKey([
    settings,
    kit.layout,
    kit.source === 'builtin',
    migrations.map(({ layer, file, checksum }) => [layer, file, checksum]),
    [...rollbacks].map(([of, { file, sql }]) => [of, file, checksumOf(sql)]),
    [...findings, ...seeds, ...kitSeeds.findings],
    kitSeeds.seeds.map(({ file, checksum }) => [file, checksum]),
    pending.map(({ layer, file }) => [layer, file]),
    proves,
  ]);
}
