/** Shadow databases that have a kit's core in them from the start: many products of one kit have the same files there. */
import type { Database } from '../database/database.ts';
import { type Contents, openEmbedded } from '../database/embedded/embedded.ts';
import { runSettings } from '../migrations/session-state.ts';
import type { RehearsalReport } from '../rehearsal/rehearse.ts';
import { MuseError } from '../shared/error.ts';
import type { Migration } from '../sql/migration.ts';
import { keptResults, resultKey } from './kept-results.ts';

/** Says whether the files of a core, by their key, ran in a rehearsal, so that a database with them can be kept. */
const cores = keptResults<{ isSound: boolean }>('cores', 50);

/** A shadow database. */
export interface ShadowDatabase {
  database: Database;
  /** So many of the first files are in it already. */
  applied: number;
}

/**
 * Opens a shadow database for files. Where a rehearsal has run the same core before, it is in the database already: one is
 * written for the second rehearsal, and read for all later ones.
 * @throws MuseError `embedded-failed`; `cancelled`
 */
export async function openShadow(migrations: readonly Migration[], signal?: AbortSignal): Promise<ShadowDatabase> {
  const core = coreOf(migrations);
  const key = await keyOf(core);
  if (core.length > 0 && (await cores.get(key))?.isSound === true) {
    const contents: Contents = { key, write: (database) => writeCore(database, core) };
    try {
      return { database: await openEmbedded({ signal, contents }), applied: core.length };
    } catch (error) {
      if (error instanceof MuseError && error.code === 'cancelled') throw error;
      await cores.keep(key, { isSound: false });
    }
  }
  return { database: await openEmbedded({ signal }), applied: 0 };
}

/** Keeps in mind that the core of these files ran in a rehearsal. */
export async function rememberCore(
  migrations: readonly Migration[],
  { files, findings, ended }: RehearsalReport,
): Promise<void> {
  const core = coreOf(migrations);
  const names = new Set(core.map(({ file }) => file));
  // A file with what a rehearsal leaves out, such as the rows of COPY, does not run as it is.
  const isSound =
    files.slice(0, core.length).every(({ failed }) => failed === 0) &&
    findings.every(({ file, severity }) => severity !== 'error' || !names.has(file ?? ''));
  if (ended || core.length === 0 || !isSound) return;
  const key = await keyOf(core);
  if ((await cores.get(key)) === undefined) await cores.keep(key, { isSound: true });
}

/** The files of core that run before all others. */
function coreOf(migrations: readonly Migration[]): readonly Migration[] {
  const end = migrations.findIndex(({ layer }) => layer !== 'core');
  return end === -1 ? migrations : migrations.slice(0, end);
}

/** Files may make something for the day on which they run, such as a partition for the month. */
const keyOf = (core: readonly Migration[]): Promise<string> =>
  resultKey([new Date().toISOString().slice(0, 10), core.map(({ file, checksum }) => [file, checksum])]);

/** @throws Error where a new session would not have all that the files make */
async function writeCore(database: Database, core: readonly Migration[]): Promise<void> {
  const settings = await runSettings(database, {}, true);
  await database.script(settings.begin);
  for (const { sql } of core) await database.script(`${sql}\n;${settings.reset}`);
  await database.script(settings.end);
  const { rows } = await database.query<{ name: string }>(
    "select oid::regclass::text as name from pg_catalog.pg_class where relpersistence in ('t', 'u') limit 1",
  );
  if (rows.length > 0) throw new Error(`${rows[0]!.name} would be empty in another session.`);
}
