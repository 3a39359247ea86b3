import { quoteIdentifier } from '../shared/quote.ts';
import type { Database, Session } from '../database/database.ts';
import type { FileName } from './compare.ts';
import { deleteRow, insertRow, updateRow } from './history-write.ts';
import type { Migration } from '../sql/migration.ts';
import type { RunSettings } from './session-state.ts';
import { fieldsOf } from '../sql/nodes.ts';
import type { Statement } from '../sql/statement.ts';

/** A text that is run: a migration, or the rollback of one. */
export type RunText = Pick<Migration, 'file' | 'sql'>;

/** An error with the statement that caused it, when the statements of a file are sent one by one. */
export class FailedStatement extends Error {
  readonly statement: Statement;

  constructor(statement: Statement, cause: unknown) {
    super('a statement failed', { cause });
    this.statement = statement;
  }
}

/** A script, and how many characters (code points) precede the file's own text. */
export interface FileScript {
  text: string;
  offset: number;
}

/**
 * A file's text and the change of its history row, as one script: PostgreSQL runs it as one transaction, in one round trip,
 * over HTTPS too.
 * @param historyChange the statement that changes the history row
 * @param durable the commit waits until it, and every commit before it, is on disk
 * @param reset the file, or one before it, may have changed settings or the role
 */
export function fileScript(
  sql: string,
  historyChange: string,
  settings: RunSettings,
  { durable, reset }: { durable: boolean; reset: boolean },
): FileScript {
  const flush = durable ? 'set local synchronous_commit = on;' : '';
  // A file may end in a comment without a line end, or without its last semicolon.
  return {
    text: `${settings.before}${sql}\n;${reset ? settings.reset : ''}${flush}${historyChange};`,
    offset: settings.before.length,
  };
}

/**
 * Runs a file whose statements PostgreSQL forbids in a transaction, one by one. The history row says `started` until the
 * last is done, so that the next run knows of an interruption: it drops the invalid index that an
 * interrupted CREATE INDEX CONCURRENTLY leaves behind, and runs the file again.
 * @throws FailedStatement
 */
export async function runAlone(
  database: Database,
  migration: Migration,
  statements: readonly Statement[],
  run: { settings: RunSettings; tool: string; interrupted: boolean },
): Promise<void> {
  await database.script(
    `${run.interrupted ? updateRow(migration, 'applied_at = now()') : insertRow(migration, 'started', run.tool)};`,
  );
  await eachAlone(database, statements, run.settings, run.interrupted);
  const ms = 'pg_catalog.round(1000 * extract(epoch from pg_catalog.clock_timestamp() - applied_at))';
  await database.script(
    `${updateRow(migration, `state = 'applied', ms = ${ms}, checksum = '${migration.checksum}'`)};`,
  );
}

/** The rollback of such a file, or one that itself must run outside: the row says `started` until it is gone. */
export async function rollbackAlone(
  database: Database,
  row: FileName,
  statements: readonly Statement[],
  settings: RunSettings,
): Promise<void> {
  await database.script(`${updateRow(row, "state = 'started'")};`);
  await eachAlone(database, statements, settings, false);
  await database.script(`${deleteRow(row)};`);
}

async function eachAlone(
  database: Database,
  statements: readonly Statement[],
  settings: RunSettings,
  interrupted: boolean,
): Promise<void> {
  try {
    if (interrupted) await dropInvalidIndexes(database, statements);
    for (const statement of statements) {
      try {
        await database.script(statement.sql);
      } catch (error) {
        throw new FailedStatement(statement, error);
      }
    }
  } finally {
    await database.script(settings.reset);
  }
}

async function dropInvalidIndexes(session: Session, statements: readonly Statement[]): Promise<void> {
  for (const statement of statements) {
    const index = fieldsOf(statement.tree, 'IndexStmt');
    if (index?.concurrent !== true || index.idxname === undefined) continue;
    const name = [index.relation.schemaname, index.idxname]
      .filter((part) => part !== undefined)
      .map(quoteIdentifier)
      .join('.');
    const { rows } = await session.query(
      'select 1 from pg_catalog.pg_index where indexrelid = pg_catalog.to_regclass($1) and not indisvalid',
      [name],
    );
    if (rows.length > 0) await session.script(`drop index concurrently if exists ${name}`);
  }
}
