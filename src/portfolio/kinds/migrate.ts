import { migrateMuse } from '../../muse/migrate.ts';
import { keptRehearsals, type PendingRehearsal, rehearsalKey, rehearsePending } from '../../muse/rehearse-pending.ts';
import { hasErrors } from '../../shared/finding.ts';
import { defaultWaves } from '../engine/waves.ts';
import type { Kind, Shared } from './kind.ts';

/**
 * Applies what is pending, as `muse migrate` does; what was rehearsed for one muse is not rehearsed again for another with
 * the same files. What a worker applied before it died is in the history of the database: it is done, and not done again.
 */
export const migrateKind: Kind = {
  title: 'migrate',
  waves: defaultWaves,
  changes: true,
  needsEnvironment: true,
  async run({ environmentName, open, variables, shared, signal, onNote }) {
    const muse = await open();
    const { applied, skipped, missing, isolation, error } = await migrateMuse(muse, environmentName, variables, {
      // The run was confirmed when it was started, once for all of its muses.
      confirmed: environmentName,
      rehearse: rememberRehearsals(shared),
      signal,
      onPhase: onNote,
    });
    if (error !== undefined) throw error;
    // Edited and unreadable files would have been refused.
    const counts = {
      applied: applied.length + skipped.length,
      pending: 0,
      edited: 0,
      missing: missing.length,
      unreadable: 0,
    };
    // What was proven is about the files that were pending. Only a run of verify says something about the whole.
    const proof = isolation === undefined ? {} : { proven: isolation.proven, notProven: isolation.notProven };
    return {
      state: 'done',
      result: { applied: applied.length, skipped: skipped.length, ...proof },
      seen: { files: counts, museState: 'migrated', atLeast: applied.length === 0 },
    };
  },
};

/** Rehearses each distinct set of files once, for all muses that have it, and for every later run on this machine. */
function rememberRehearsals(shared: Shared): typeof rehearsePending {
  return async (muse, pending, proves, options = {}) => {
    const key = await rehearsalKey(muse, pending, proves);
    const rehearse = async (): Promise<PendingRehearsal> => {
      const kept = await keptRehearsals.get(key);
      if (kept !== undefined) return kept;
      const rehearsed = await rehearsePending(muse, pending, proves, options);
      const { findings, isolation, isComplete } = rehearsed;
      const isGreen = isComplete && !hasErrors([...findings, ...(isolation?.findings ?? [])]);
      // Files that were edited meanwhile may have been rehearsed as they are now.
      if (isGreen && (await rehearsalKey(muse, pending, proves)) === key) await keptRehearsals.keep(key, rehearsed);
      return rehearsed;
    };
    return shared.onShadow(`rehearsal ${key}`, rehearse, options.signal);
  };
}
