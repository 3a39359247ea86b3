import { type Database, DatabaseError } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { fileDone, type Hooks } from '../shared/hooks.ts';
import { migrate } from '../migrations/apply.ts';
import type { FileName } from '../migrations/compare.ts';
import { type HistoryRow, readHistory } from '../migrations/history.ts';
import { rollback } from '../migrations/rollback.ts';
import { rollbackSteps } from '../migrations/rollback-plan.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { openEnvironment, type OpenEnvironment } from '../targets/open.ts';
import { type BackupHeader, openBackup } from './backup-format.ts';
import { nameOf } from './backup-read.ts';
import { backupBefore } from './backup.ts';
import { followRollback } from './rollback.ts';
import { has, noText, refuseOtherTables, wrongOrder } from './restore-check.ts';
import { commandFor, type Consent, takeConsent } from './guard.ts';
import { readPlace, restoreStatements } from './restore-sql.ts';
import { readReadable } from './readable.ts';

/** What a restore did. */
export interface RestoreResult {
  /** When the backup was taken, ISO time; absent for a dump by pg_dump, whose name contains it. */
  taken?: string;
  /** Files applied after the backup, which were rolled back; newest first. */
  rolledBack: FileName[];
  /** Files that the backup has and the database had not, which were applied. */
  applied: FileName[];
  /** Rows put into each table that has any, by `schema.table`; absent for a dump by pg_dump. */
  rows?: Record<string, number>;
  /** The backup that was taken first: production only. */
  backup?: string;
  notes: string[];
}

export interface RestoreOptions extends Consent, Hooks {
  onProgress?(text: string): void;
}

/**
 * Restores an environment from a backup: later files are rolled back, missing ones are applied, then
 * every table has the backup's rows and no others, in one transaction.
 * @param path absolute path of the backup
 * @throws MuseError `bad-backup-file`; `not-confirmed`; `rollback-missing`, `restore-order` where a later file cannot be
 *   rolled back; `restore-refused` where the tables differ from the backup's; `restore-failed`: no row was changed
 */
export async function restoreMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  path: string,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const isDump = path.endsWith('.dump');
  // Read to its end once before anything is changed, to find a truncated file.
  const source = isDump
    ? { history: await (await import('./backup-dump.ts')).historyOfDump(path, environment) }
    : await readWhole(path);
  const { header } = source;
  const had = header?.history ?? source.history ?? [];
  const { migrations, rollbacks } = await readReadable(muse);
  const open = await openEnvironment(muse, name, environment, options);
  const { database } = open;
  try {
    const history = (await readHistory(database)) ?? [];
    const later = history.filter((row) => !has(had, row));
    const steps = later.length === 0 ? [] : rollbackSteps(migrations, rollbacks, history, { steps: later.length });
    const wrong = steps.filter((step) => !has(later, step));
    if (wrong.length > 0) throw wrongOrder(wrong, later);
    const lacking = (header?.history ?? []).filter((row) => row.state === 'applied' && !has(history, row));
    const textless = lacking.filter((row) => !has(header?.migrations ?? [], row));
    if (textless.length > 0) throw noText(textless);
    const url = isDump ? await urlOf(open) : undefined;
    // Migrations that are to be applied to an empty server need what Supabase has.
    if (lacking.length > 0 && history.length === 0)
      await open.target.preparePlatform(database, false).catch(toMigrate(name));
    await takeConsent(name, options, planText(name, path, later, source));
    const backup =
      name === 'production' ? { backup: await backupBefore(muse, name, environment, database, options) } : {};
    const follow = followRollback(options, options.onProgress);
    if (later.length > 0) await rollback(database, migrations, rollbacks, { steps: later.length, onProgress: follow });
    const rolledBack = later.map(({ layer, file }) => ({ layer, file }));
    options.onProgress?.('Restoring the rows');
    if (url !== undefined) {
      await (await import('./backup-dump.ts')).restoreDump(database, path, url, environment, options.signal);
      return { rolledBack, applied: [], notes: [], ...backup };
    }
    const { applied } =
      lacking.length === 0 || header === undefined
        ? { applied: [] }
        : await migrate(database, header.migrations, {
            acceptEdited: true,
            onProgress({ status, layer, file, ms = 0 }) {
              if (status === 'applied') options.onDone?.(fileDone('applied', { layer, file, ms }));
            },
          });
    const notes = header === undefined ? [] : await refuseOtherTables(database, header);
    notes.push(...(await putBack(database, path)));
    return {
      rolledBack,
      applied,
      notes,
      ...backup,
      ...(header === undefined ? {} : { taken: header.taken, rows: source.rows ?? {} }),
    };
  } finally {
    await database.close();
  }
}

/** Restoring installs no baseline: migrating does. */
function toMigrate(name: EnvironmentName): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof MuseError) || error.code !== 'baseline-missing') throw error;
    const { code, message, detail } = error;
    throw new MuseError({
      code,
      message,
      ...(detail === undefined ? {} : { detail }),
      suggestion:
        `Install it first, with the migrations: ${commandFor('muse migrate', name)} --supabase-baseline; then run this ` +
        'again. Nothing was changed.',
    });
  };
}

/** What is known about a backup before it is restored: everything but the rows; of a dump by pg_dump, only its migration history. */
interface Source {
  header?: BackupHeader;
  rows?: Record<string, number>;
  history?: Pick<HistoryRow, 'layer' | 'file'>[];
}

async function urlOf({ place, target }: OpenEnvironment): Promise<string> {
  if (target.url !== undefined) return target.url(place);
  throw new MuseError({
    code: 'restore-refused',
    message: `pg_restore needs the URL of the database, but ${place.name} (${target.title}) has none. Nothing was changed.`,
    suggestion: 'Restore a .jsonl.gz file from .muse/backups: it works with any database.',
  });
}

async function readWhole(path: string): Promise<Source> {
  const { header, lines } = await openBackup(path);
  const rows: Record<string, number> = {};
  for await (const line of lines) {
    if (!('table' in line)) continue;
    const { schema, name } = header.tables[line.table]!;
    rows[`${schema}.${name}`] = (rows[`${schema}.${name}`] ?? 0) + line.rows.length;
  }
  return { header, rows };
}

function planText(
  name: EnvironmentName,
  path: string,
  later: readonly FileName[],
  { header, rows = {} }: Source,
): string {
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  return [
    `Restore ${name} from ${path}`,
    ...(header === undefined
      ? ['  everything in the dump is dropped and recreated; all current rows are deleted']
      : [
          `  taken    ${header.taken}, of ${header.environment}`,
          `  rows     ${total} in ${Object.keys(rows).length} tables; all current rows are deleted`,
        ]),
    ...later.map(({ file }) => `  rollback ${file}`),
  ].join('\n');
}

async function putBack(database: Database, path: string): Promise<string[]> {
  const { header, lines } = await openBackup(path);
  const place = await readPlace(database, header);
  const left = header.tables.filter(
    ({ schema, name }) => !place.tables.some((table) => table.name === nameOf({ schema, name })),
  );
  const statements = restoreStatements(header, lines, place);
  try {
    if (database.kind === 'https') {
      const script: string[] = [];
      for await (const statement of statements) script.push(statement);
      await database.script(`${script.join(';\n')};`);
    } else {
      await database.transaction(async (session) => {
        for await (const statement of statements) await session.script(statement);
      });
    }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw new MuseError({
      code: 'restore-failed',
      message:
        `PostgreSQL refused the rows of the backup: ${error.message} (SQLSTATE ${error.code}). The restore was ` +
        'rolled back: no row was changed.',
      ...(error.detail === undefined ? {} : { detail: error.detail }),
      suggestion: 'Restore as the owner of the tables; the message names the table.',
      cause: error,
    });
  }
  return left.length === 0
    ? []
    : [`Not restored, because this connection may not write to them: ${left.map(nameOf).join(', ')}.`];
}
