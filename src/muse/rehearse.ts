import type { Database } from '../database/database.ts';
import { readKitSeeds } from '../migrations/kit-seeds.ts';
import { type MigrationFiles, readMigrations } from '../migrations/read.ts';
import type { RehearsalReport } from '../rehearsal/rehearse.ts';
import { hasErrors } from '../shared/finding.ts';
import type { Hooks } from '../shared/hooks.ts';
import { openShadow, rememberCore } from './core-snapshot.ts';
import { type Examination, type ExamineOptions, examine } from './examine.ts';
import { unreadableSeeds } from './seed-files.ts';
import { MuseError } from '../shared/error.ts';
import { once } from '../shared/lazy.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';

/** How a rehearsal is stopped, limited and followed. */
export type RehearseOptions = Hooks & Pick<ExamineOptions, 'statementTimeoutMs' | 'targetExtensions' | 'onPhase'>;

/**
 * Runs all migrations of a muse on a shadow database, twice, rolls them back, and runs every check.
 * @param afterwards runs on that database if nothing is wrong
 * @throws MuseError where the shadow database cannot be opened
 */
export async function rehearseMuse(
  { directory, museFile }: Muse,
  options: RehearseOptions = {},
  afterwards?: (database: Database, files: MigrationFiles, rehearsal: RehearsalReport) => Promise<void>,
): Promise<Examination> {
  const files = await readMigrations(directory, museFile.migrations);
  // A limit of one's own is for core's statements as well.
  const shared = options.statementTimeoutMs === undefined ? files.migrations : [];
  const open = () => openShadow(shared, options.signal);
  const { database, applied } = await open();
  try {
    const seeds = await unreadableSeeds(directory);
    const readable = { ...files, findings: [...files.findings, ...seeds] };
    const openAnother = async () => (await open()).database;
    const kitSeeds = await readKitSeeds(directory, museFile.migrations);
    const examination = await examine(database, readable, museFile, {
      ...options,
      applied,
      openAnother,
      seeds: kitSeeds,
    });
    await rememberCore(files.migrations, examination.rehearsal);
    if (!hasErrors(examination.findings)) await afterwards?.(database, files, examination.rehearsal);
    return examination;
  } finally {
    await database.close();
  }
}

/**
 * What a rehearsal asks the database of an environment, once, and only where the shadow database lacks an extension: those that it
 * offers.
 * @param environment variables of the process
 * @param isNamed the user has named the environment: then it must be possible to ask it. Otherwise a note says that it is not.
 * @returns throws MuseError, when it is called, what opening a named environment throws
 */
export function extensionsThere(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  { isNamed, onNote, signal }: Pick<Hooks, 'onNote' | 'signal'> & { isNamed: boolean },
): () => Promise<ReadonlySet<string>> {
  return once(async () => {
    const { openEnvironment, placeOf } = await import('../targets/open.ts');
    try {
      // A database in the muse's directory has what the shadow has.
      if (placeOf(muse, name, environment).target.local) return new Set<string>();
      const { database } = await openEnvironment(muse, name, environment, { onNote, signal, reads: true });
      const { offeredExtensions } = await import('../database/platform/install.ts');
      return await offeredExtensions(database).finally(() => database.close());
    } catch (error) {
      if (isNamed || !(error instanceof MuseError)) throw error;
      onNote?.(`The database of ${name} was not asked which extensions it has: ${error.message}`);
      return new Set<string>();
    }
  });
}
