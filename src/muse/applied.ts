import type { Session } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import type { Hooks } from '../shared/hooks.ts';
import { compare } from '../migrations/compare.ts';
import { readHistory } from '../migrations/history.ts';
import type { Migration } from '../sql/migration.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { placeOf } from '../targets/open.ts';

/** Which of the migration files a database has. */
export interface FilesOfDatabase {
  /** Applied, with the text that they have now. */
  applied: Migration[];
  /** Applied, with any text; all files where the database has no migration history, as it may have been made without this tool. */
  had: readonly Migration[];
  pending: string[];
}

/**
 * Which of the files one database has, by its migration history; each list in the order in which the files run.
 * @throws MuseError `history-newer`
 */
export async function filesOf(session: Session, migrations: readonly Migration[]): Promise<FilesOfDatabase> {
  const { applied, renamed, pending } = compare(migrations, (await readHistory(session)) ?? []);
  if (pending.length === migrations.length) return { applied: [], had: migrations, pending: [] };
  const asNow = new Set([...applied, ...renamed.map(({ migration }) => migration)]);
  const waiting = new Set(pending);
  return {
    applied: migrations.filter((one) => asNow.has(one)),
    had: migrations.filter((one) => !waiting.has(one)),
    pending: pending.map(({ file }) => file),
  };
}

/** Which migrations have been applied to any database of a muse. */
export interface AppliedFiles {
  /** By file, including those that were started and not finished. */
  files: Set<string>;
  /** One sentence for each environment whose history could not be read: which, and why. */
  notes: string[];
}

/**
 * Reads the migration history of every environment in `muse.json`. A database that does not exist yet is not created for this.
 * @throws MuseError `database-in-use` where another process has an embedded database open: its history must be read
 */
export async function appliedFiles(
  muse: Muse,
  migrations: readonly Migration[],
  environment: NodeJS.ProcessEnv,
  hooks: Hooks = {},
): Promise<AppliedFiles> {
  const applied: AppliedFiles = { files: new Set(), notes: [] };
  for (const name of Object.keys(muse.museFile.environments) as EnvironmentName[]) {
    const { place, target } = placeOf(muse, name, environment);
    if (!(await target.exists(place))) continue;
    try {
      const { database } = await target.open(place, { ...hooks, reads: true });
      try {
        const found = compare(migrations, (await readHistory(database)) ?? []);
        for (const { file } of [...found.applied, ...found.interrupted]) applied.files.add(file);
        for (const { migration } of [...found.edited, ...found.renamed]) applied.files.add(migration.file);
      } finally {
        await database.close();
      }
    } catch (error) {
      if (!(error instanceof MuseError) || error.code === 'database-in-use' || hooks.signal?.aborted) throw error;
      applied.notes.push(`The migration history of ${name} could not be read: ${error.message}`);
    }
  }
  return applied;
}
