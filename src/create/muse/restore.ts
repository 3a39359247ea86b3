import { type Database, DatabaseError } from '../../database/database.ts';
import { MuseError } from '../../error.ts';
import { migrate } from '../../migrations/apply.ts';
import type { FileName } from '../../migrations/compare.ts';
import { readLedger } from '../../migrations/ledger.ts';
import { readMigrations } from '../../migrations/read.ts';
import { rollback } from '../../migrations/rollback.ts';
import { rollbackSteps } from '../../migrations/rollback-plan.ts';
import type { EnvironmentName } from '../../muse-file.ts';
import { openEnvironment } from '../target.ts';
import { type BackupHeader, openBackup } from './backup-format.ts';
import { nameOf } from './backup-read.ts';
import { backupBefore } from './backup.ts';
import { has, noText, refuseOtherTables, wrongOrder } from './restore-check.ts';
import { type Consent, takeConsent } from './guard.ts';
import type { Muse } from './open.ts';
import { readPlace, restoreStatements } from './restore-sql.ts';

/** What a restore did. */
export interface RestoreResult {
  /** When the backup was taken, ISO time. */
  taken: string;
  /** Files that had been applied since, taken back; newest first. */
  rolledBack: FileName[];
  /** Files that the backup's database had and this one had not. */
  applied: FileName[];
  /** Rows put into each table that has any, by `schema.table`. */
  rows: Record<string, number>;
  /** The backup of what was there before: production only. */
  backup?: string;
  notes: string[];
}

export interface RestoreOptions extends Consent {
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
  // Read to its end once before anything is changed: a file that breaks off is found out here.
  const { header, rows } = await readWhole(path);
  const { migrations, rollbacks } = await readMigrations(muse.directory, muse.museFile.migrations);
  const { database } = await openEnvironment(muse, name, environment);
  try {
    const ledger = (await readLedger(database)) ?? [];
    const later = ledger.filter((row) => !has(header.ledger, row));
    const steps = later.length === 0 ? [] : rollbackSteps(migrations, rollbacks, ledger, { steps: later.length });
    const wrong = steps.filter((step) => !has(later, step));
    if (wrong.length > 0) throw wrongOrder(wrong, later);
    const lacking = header.ledger.filter((row) => row.state === 'applied' && !has(ledger, row));
    const textless = lacking.filter((row) => !has(header.migrations, row));
    if (textless.length > 0) throw noText(textless);
    await takeConsent(name, options, planText(name, path, header, rows, later));
    const backup = name === 'production' ? await backupBefore(muse, name, environment, database, options.onProgress) : undefined;
    if (later.length > 0) await rollback(database, migrations, rollbacks, { steps: later.length });
    const { applied } = lacking.length === 0 ? { applied: [] } : await migrate(database, header.migrations, { acceptEdited: true });
    options.onProgress?.('Putting the rows back');
    const notes = await refuseOtherTables(database, header);
    notes.push(...(await putBack(database, path)));
    return { taken: header.taken, rolledBack: later.map(({ layer, file }) => ({ layer, file })), applied, rows, notes, ...(backup === undefined ? {} : { backup }) };
  } finally {
    await database.close();
  }
}

async function readWhole(path: string): Promise<{ header: BackupHeader; rows: Record<string, number> }> {
  const { header, lines } = await openBackup(path);
  const rows: Record<string, number> = {};
  for await (const line of lines) {
    if (!('table' in line)) continue;
    const { schema, name } = header.tables[line.table]!;
    rows[`${schema}.${name}`] = (rows[`${schema}.${name}`] ?? 0) + line.rows.length;
  }
  return { header, rows };
}

function planText(name: EnvironmentName, path: string, header: BackupHeader, rows: Readonly<Record<string, number>>, later: readonly FileName[]): string {
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  return [
    `Restore ${name} from ${path}`,
    `  taken    ${header.taken}, of ${header.environment}`,
    `  rows     ${total} in ${Object.keys(rows).length} tables; every row that is there now goes`,
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
