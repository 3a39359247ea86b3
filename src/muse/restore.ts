import { type Database, DatabaseError } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { migrate } from '../migrations/apply.ts';
import type { FileName } from '../migrations/compare.ts';
import { type HistoryRow, readHistory } from '../migrations/history.ts';
import { readMigrations } from '../migrations/read.ts';
import { rollback } from '../migrations/rollback.ts';
import { rollbackSteps } from '../migrations/rollback-plan.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { openEnvironment, type OpenEnvironment } from '../targets/open.ts';
import { type BackupHeader, openBackup } from './backup-format.ts';
import { nameOf } from './backup-read.ts';
import { backupBefore } from './backup.ts';
import { has, noText, refuseOtherTables, wrongOrder } from './restore-check.ts';
import { type Consent, takeConsent } from './guard.ts';
import { readPlace, restoreStatements } from './restore-sql.ts';

/** What a restore did. */
export interface RestoreResult {
  /** When the backup was taken, ISO time; absent for a dump of pg_dump, whose name tells it. */
  taken?: string;
  /** Files that had been applied since, taken back; newest first. */
  rolledBack: FileName[];
  /** Files that the backup's database had and this one had not. */
  applied: FileName[];
  /** Rows put into each table that has any, by `schema.table`; absent for a dump of pg_dump. */
  rows?: Record<string, number>;
  /** The backup of what was there before: production only. */
  backup?: string;
  notes: string[];
}

export interface RestoreOptions extends Consent {
  /** Ends the run when it aborts. */
  signal?: AbortSignal | undefined;
  onProgress?(text: string): void;
}

/**
 * Brings an environment back to a backup: the files that came later are taken back, those that it lacks are applied, then
 * every table has the backup's rows and no others, in one transaction.
 * @param path absolute path of the backup
 * @throws MuseError `bad-backup-file`; `not-confirmed`; `rollback-missing`, `restore-order` where a later file has no way
 *   back; `restore-refused` where the tables are others than the backup's; `restore-failed`: the rows are as they were
 */
export async function restoreMuse(muse: Muse, name: EnvironmentName, environment: NodeJS.ProcessEnv, path: string, options: RestoreOptions): Promise<RestoreResult> {
  const isDump = path.endsWith('.dump');
  // Read to its end once before anything is changed: a file that breaks off is found out here.
  const source = isDump ? { ledger: await (await import('./backup-dump.ts')).ledgerOfDump(path, environment) } : await readWhole(path);
  const { header } = source;
  const had = header?.ledger ?? source.ledger ?? [];
  const { migrations, rollbacks } = await readMigrations(muse.directory, muse.museFile.migrations);
  const open = await openEnvironment(muse, name, environment, { signal: options.signal });
  const { database } = open;
  try {
    const ledger = (await readHistory(database)) ?? [];
    const later = ledger.filter((row) => !has(had, row));
    const steps = later.length === 0 ? [] : rollbackSteps(migrations, rollbacks, ledger, { steps: later.length });
    const wrong = steps.filter((step) => !has(later, step));
    if (wrong.length > 0) throw wrongOrder(wrong, later);
    const lacking = (header?.ledger ?? []).filter((row) => row.state === 'applied' && !has(ledger, row));
    const textless = lacking.filter((row) => !has(header?.migrations ?? [], row));
    if (textless.length > 0) throw noText(textless);
    const url = isDump ? await urlOf(open) : undefined;
    await takeConsent(name, options, planText(name, path, later, source));
    const backup = name === 'production' ? { backup: await backupBefore(muse, name, environment, database, options) } : {};
    if (later.length > 0) await rollback(database, migrations, rollbacks, { steps: later.length });
    const rolledBack = later.map(({ layer, file }) => ({ layer, file }));
    options.onProgress?.('Putting the rows back');
    if (url !== undefined) {
      await (await import('./backup-dump.ts')).restoreDump(database, path, url, environment, options.signal);
      return { rolledBack, applied: [], notes: [], ...backup };
    }
    const { applied } = lacking.length === 0 || header === undefined ? { applied: [] } : await migrate(database, header.migrations, { acceptEdited: true });
    const notes = header === undefined ? [] : await refuseOtherTables(database, header);
    notes.push(...(await putBack(database, path)));
    return { rolledBack, applied, notes, ...backup, ...(header === undefined ? {} : { taken: header.taken, rows: source.rows ?? {} }) };
  } finally {
    await database.close();
  }
}

/** What is known of a backup before it is restored: of our own, all but the rows themselves; of a dump, its ledger. */
interface Source {
  header?: BackupHeader;
  rows?: Record<string, number>;
  ledger?: Pick<HistoryRow, 'layer' | 'file'>[];
}

async function urlOf({ place, target }: OpenEnvironment): Promise<string> {
  if (target.url !== undefined) return target.url(place);
  throw new MuseError({
    code: 'restore-refused',
    message: `pg_restore needs the URL of the database, and ${place.name} is ${target.title}, which has none. Nothing was changed.`,
    suggestion: 'Restore a .jsonl.gz file of .muse/backups, which any database takes.',
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

function planText(name: EnvironmentName, path: string, later: readonly FileName[], { header, rows = {} }: Source): string {
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  return [
    `Restore ${name} from ${path}`,
    ...(header === undefined ? ['  everything that the dump has is dropped and made again; every row that is there now goes'] : [
      `  taken    ${header.taken}, of ${header.environment}`,
      `  rows     ${total} in ${Object.keys(rows).length} tables; every row that is there now goes`,
    ]),
    ...later.map(({ file }) => `  back     ${file}`),
  ].join('\n');
}

async function putBack(database: Database, path: string): Promise<string[]> {
  const { header, lines } = await openBackup(path);
  const place = await readPlace(database, header);
  const left = header.tables.filter(({ schema, name }) => !place.tables.some((table) => table.name === nameOf({ schema, name })));
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
      message: `PostgreSQL refused the rows of the backup: ${error.message} (SQLSTATE ${error.code}). They were taken back: the rows are as they were.`,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
      suggestion: 'Restore as the owner of the tables; the message says which table it is about.',
      cause: error,
    });
  }
  return left.length === 0 ? [] : [`Left as they are, as this connection may not write them: ${left.map(nameOf).join(', ')}.`];
}
