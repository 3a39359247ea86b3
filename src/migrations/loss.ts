import { quoteIdentifier } from '../shared/quote.ts';
import { DatabaseError, type Session } from '../database/database.ts';
import { allOf, fieldsOf, stringsOf } from '../sql/nodes.ts';
import { loadParser } from '../sql/parser.ts';
import { parseSql } from '../sql/split.ts';
import type { Statement } from '../sql/statement.ts';

/** A table or column that a script drops, and how much it holds. */
export interface Loss {
  /** As the script names it: `invoices`, `app.invoices`. */
  table: string;
  /** Set if only a column is dropped. */
  column?: string;
  /** Rows of the table; with a column, those in which it is not null. */
  rows: number;
}

/** The existing tables and columns with data that the scripts drop, with row counts. */
export async function lossOf(session: Session, scripts: readonly string[]): Promise<Loss[]> {
  if (scripts.length === 0) return [];
  await loadParser();
  const dropped = scripts.flatMap((sql) => parseSql(sql).statements.flatMap(droppedBy));
  // Two files that both create the same table both drop it.
  const once = new Map(dropped.map((drop) => [JSON.stringify(drop), drop]));
  const losses: Loss[] = [];
  for (const drop of once.values()) {
    const rows = await countOf(session, drop);
    if (rows > 0)
      losses.push({ table: drop.table.join('.'), ...(drop.column === undefined ? {} : { column: drop.column }), rows });
  }
  return losses;
}

interface Drop {
  table: string[];
  column?: string;
}

async function countOf(session: Session, { table, column }: Drop): Promise<number> {
  try {
    const { rows } = await session.query<{ count: string | number }>(
      `select count(${column === undefined ? '*' : quoteIdentifier(column)}) as count from ${table.map(quoteIdentifier).join('.')}`,
    );
    return Number(rows[0]!.count);
  } catch (error) {
    // It does not exist: nothing to lose.
    if (error instanceof DatabaseError && ['42P01', '42703', '3F000'].includes(error.code)) return 0;
    throw error;
  }
}

function droppedBy(statement: Statement): Drop[] {
  const drop = fieldsOf(statement.tree, 'DropStmt');
  if (drop?.removeType === 'OBJECT_TABLE') return drop.objects.map((name) => ({ table: stringsOf(name) }));
  const alter = fieldsOf(statement.tree, 'AlterTableStmt');
  if (alter?.objtype !== 'OBJECT_TABLE') return [];
  const { schemaname, relname } = alter.relation;
  const table = schemaname === undefined ? [relname] : [schemaname, relname];
  return allOf(alter.cmds, 'AlterTableCmd').flatMap(({ subtype, name }) =>
    subtype === 'AT_DropColumn' && name !== undefined ? [{ table, column: name }] : [],
  );
}
