import type { Table } from '../../sql/catalog/model.ts';
import { fieldsOf } from '../../sql/nodes.ts';
import { indexName, quoteIdentifier, quoteQualified } from '../../shared/quote.ts';
import { tableOfObject } from './check.ts';
import { problemsOf } from './fix/fix.ts';
import type { FixResult, Situation } from './fix/fix.ts';
import { noteText, placed, whereNamed } from './fix/place.ts';
import type { Texts } from './fix/place.ts';

/** Returns whether an index, a key or a unique constraint begins with these columns, in any order. */
export function isIndexed(table: Table, columns: readonly string[]): boolean {
  const lists = [
    table.primaryKey,
    ...table.unique,
    ...[...table.indexes.values()]
      .filter(({ partial, columns: [first] }) => !partial || first === undefined)
      .map((index) => index.columns),
    ...partialOnNotNull(table),
  ];
  return lists.some((list) => columns.every((column) => list.slice(0, columns.length).includes(column)));
}

/** A partial index on rows where its own column is not null serves foreign keys too. */
function partialOnNotNull(table: Table): string[][] {
  return [...table.indexes.values()]
    .filter(
      ({ partial, site }) => partial && site?.piece.type === 'IndexStmt' && notNullOnly(site.piece.node.whereClause),
    )
    .map(({ columns }) => columns);
}

function notNullOnly(clause: unknown): boolean {
  return fieldsOf(clause, 'NullTest')?.nulltesttype === 'IS_NOT_NULL';
}

/** The statement that adds an index. @param table `schema.name`, unquoted */
export function indexStatement(table: string, columns: readonly string[]): string {
  const name = indexName(table.slice(table.indexOf('.') + 1), columns);
  return `CREATE INDEX IF NOT EXISTS ${quoteIdentifier(name)} ON ${quoteQualified(table)} (${columns.map(quoteIdentifier).join(', ')});`;
}

/** Adds the indexes that the findings of a rule suggest. */
export function addIndexes(situation: Situation, rule: string): FixResult {
  const texts: Texts = new Map();
  const seen = new Set<string>();
  for (const { source, suggestion, object } of problemsOf(situation, rule)) {
    if (seen.has(suggestion)) continue;
    seen.add(suggestion);
    const table = situation.catalog.tables.get(tableOfObject(object ?? ''));
    noteText(texts, table === undefined ? source : whereNamed(situation, table, source), suggestion);
  }
  return placed(situation, texts);
}
