/** What statements write, by column. */
import { fields, type Node, walk } from '../../rules/engine/live/expression.ts';
import type { Node as Tree } from '../../sql/nodes.ts';

/** The columns that an INSERT names, each with an expression for it. */
export function insertedValues(insert: Node): [column: string, value: unknown][] {
  const columns = ((insert['cols'] ?? []) as unknown[]).map((target) =>
    String(fields(target, 'ResTarget')?.['name'] ?? ''),
  );
  const select = fields(insert['selectStmt'], 'SelectStmt');
  const lists = ((select?.['valuesLists'] ?? []) as unknown[]).map(
    (list) => (fields(list, 'List')?.['items'] ?? []) as unknown[],
  );
  const rows = [...lists, (select?.['targetList'] ?? []) as unknown[]];
  return rows.flatMap((row) =>
    row.map((value, index): [string, unknown] => [columns[index] ?? '', value]).filter(([column]) => column !== ''),
  );
}

/** An expression, with the column that it is written to. */
interface WrittenValue {
  /** The name of the table, without its schema. */
  relname: string;
  column: string;
  value: unknown;
}

/** What INSERT and UPDATE statements write, by column. */
export function writtenValues(trees: readonly Tree[]): WrittenValue[] {
  const found: WrittenValue[] = [];
  walk(trees, (type, node) => {
    const relname = String((node['relation'] as Node | undefined)?.['relname'] ?? '');
    for (const [column, value] of valuesOf(type, node)) found.push({ relname, column, value });
  });
  return found;
}

/** The columns that an INSERT or UPDATE writes, each with an expression for it; none for any other node. */
export function valuesOf(type: string, statement: unknown): [column: string, value: unknown][] {
  if (type !== 'InsertStmt' && type !== 'UpdateStmt') return [];
  const node = statement as Node;
  const conflict = node['onConflictClause'] as Node | undefined;
  const targets = (type === 'UpdateStmt' ? node['targetList'] : conflict?.['targetList']) as unknown[] | undefined;
  const set = (targets ?? []).map((target): [string, unknown] => {
    const { name, val } = (fields(target, 'ResTarget') ?? {}) as { name?: string; val?: unknown };
    return [name ?? '', val];
  });
  return [...(type === 'InsertStmt' ? insertedValues(node) : []), ...set];
}
