import type { Session } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { compare } from '../migrations/compare.ts';
import { readHistory } from '../migrations/history.ts';
import type { Migration } from '../sql/migration.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { placeOf } from '../targets/open.ts';

/** A database's share of the files. */
export interface FilesOfDatabase {
  /** Those that it has had with the text that they have now. */
  applied: Migration[];
  /** Those that it has had with any text; all of them where it has had none, as it may have been made without this tool. */
  had: readonly Migration[];
  pending: string[];
}

/**
 * Which of the files one database has had, by its ledger; each list in the order in which the files run.
 * @throws MuseError `history-newer`
 */
export async function filesOf(session: Session, migrations: readonly Migration[]): Promise<FilesOfDatabase> {
  const { applied, renamed, pending } = compare(migrations, (await readHistory(session)) ?? []);
  if (pending.length === migrations.length) return { applied: [], had: migrations, pending: [] };
  const asNow = new Set([...applied, ...renamed.map(({ migration }) => migration)]);
  const waiting = new Set(pending);
  return { applied: migrations.filter((one) => asNow.has(one)), had: migrations.filter((one) => !waiting.has(one)), pending: pending.map(({ file }) => file) };
}

/** Which migrations the databases of a muse have had, all of them together. */
export interface AppliedFiles {
  /** By file; begun ones among them. */
  files: Set<string>;
  /** The environments that cannot tell, and why; a sentence each. */
  notes: string[];
}

/**
 * Asks the ledger of every environment in `muse.json`. A database that is not there yet is not created for it.
 * @throws MuseError `database-in-use` where an embedded database is open elsewhere: it could be asked, and must be
 */
export async function appliedFiles(muse: Muse, migrations: readonly Migration[], environment: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<AppliedFiles> {
  const applied: AppliedFiles = { files: new Set(), notes: [] };
  for (const name of Object.keys(muse.museFile.environments) as EnvironmentName[]) {
    const { place, target } = placeOf(muse, name, environment);
    if (!(await target.exists(place))) continue;
    try {
      const { database } = await target.open(place, { signal });
      try {
        const found = compare(migrations, (await readHistory(database)) ?? []);
        for (const { file } of [...found.applied, ...found.interrupted]) applied.files.add(file);
        for (const { migration } of [...found.edited, ...found.renamed]) applied.files.add(migration.file);
      } finally {
        await database.close();
      }
    } catch (error) {
      if (!(error instanceof MuseError) || error.code === 'database-in-use' || signal?.aborted) throw error;
      applied.notes.push(`What ${name} has applied is not known: ${error.message}`);
    }
  }
  return applied;
}
