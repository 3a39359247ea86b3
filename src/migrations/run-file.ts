import type { Database, Session } from '../database/database.ts';
import { deleteRow, insertRow, updateRow, type LedgerRow } from './ledger.ts';
import type { Migration } from './migration.ts';
import { setUp, type TimeLimits } from './session-state.ts';
import type { Statement } from './statement.ts';

export interface RunSettings extends TimeLimits {
  /** What brings user, role and settings back behind a file; see `restoreScript`. */
  restore: string;
  /** The tool's version, for the ledger. */
  tool: string;
}

/** Carries an error together with the statement that it came from, where the statements of a file are sent one by one. */
export class FailedStatement extends Error {
  readonly statement: Statement;

  constructor(statement: Statement, cause: unknown) {
    super('a statement failed', { cause });
    this.statement = statement;
  }
}

/** The milliseconds since the transaction began, as SQL. */
const elapsed = 'pg_catalog.round(1000 * extract(epoch from pg_catalog.clock_timestamp() - applied_at))';

/** A script and how many characters (code points) stand in front of the file's own text. */
export interface FileScript {
  text: string;
  offset: number;
}

/**
 * The file with its ledger row as one script: PostgreSQL makes one transaction of it, in one round trip, over HTTPS too.
 * The row goes in first, so that a file which another run has applied meanwhile fails before any of its statements.
 *
 * `durable: false` leaves the commit's flush to a later commit: file and row are still one transaction, so after a crash
 * of the server both are there or neither, and the next run does the rest. The run's last commit flushes them all.
 */
export function fileScript(migration: Migration, settings: RunSettings, durable: boolean): FileScript {
  const before = `${setUp(settings, true)}${durable ? '' : ' set local synchronous_commit = off;'} ${insertRow(migration, 'applied', settings.tool)};\n`;
  return {
    // A file may end in a comment without a line end, or without its last semicolon.
    text: `${before}${migration.sql}\n;${settings.restore} ${updateRow(migration, `ms = ${elapsed}`)};`,
    offset: [...before].length,
  };
}

/** The rollback file with the removal of the ledger row, as {@link fileScript}. */
export function rollbackScript(sql: string, row: { layer: LedgerRow['layer']; file: string }, settings: RunSettings): FileScript {
  const before = `${setUp(settings, true)} ${deleteRow(row)};\n`;
  return { text: `${before}${sql}\n;${settings.restore}`, offset: [...before].length };
}

/**
 * Runs a file whose statements PostgreSQL forbids in a transaction, one by one. The ledger row says `started` until the
 * last is done: what was interrupted in between is known to the next run, which drops the invalid index that an
 * interrupted CREATE INDEX CONCURRENTLY leaves behind, and runs the file again.
 * @throws FailedStatement
 */
export async function runAlone(
  database: Database,
  migration: Migration,
  statements: readonly Statement[],
  settings: RunSettings,
  interrupted: boolean,
): Promise<void> {
  const begin = interrupted ? updateRow(migration, 'applied_at = now()') : insertRow(migration, 'started', settings.tool);
  await database.script(`${begin};`);
  try {
    await database.script(setUp(settings, false));
    if (interrupted) await dropInvalidIndexes(database, statements);
    for (const statement of statements) {
      try {
        await database.script(statement.sql);
      } catch (error) {
        throw new FailedStatement(statement, error);
      }
    }
  } finally {
    await database.script(settings.restore);
  }
  await database.script(`${updateRow(migration, `state = 'applied', ms = ${elapsed}, checksum = '${migration.checksum}'`)};`);
}

interface IndexNode {
  idxname?: string;
  concurrent?: boolean;
  relation?: { schemaname?: string };
}

async function dropInvalidIndexes(session: Session, statements: readonly Statement[]): Promise<void> {
  for (const statement of statements) {
    const node = statement.tree?.['IndexStmt'] as IndexNode | undefined;
    if (node?.concurrent !== true || node.idxname === undefined) continue;
    const name = [node.relation?.schemaname, node.idxname].filter((part) => part !== undefined).map((part) => `"${part.replaceAll('"', '""')}"`).join('.');
    const { rows } = await session.query('select 1 from pg_catalog.pg_index where indexrelid = pg_catalog.to_regclass($1) and not indisvalid', [name]);
    if (rows.length > 0) await session.script(`drop index concurrently if exists ${name}`);
  }
}
