import { findTable } from '../../../sql/catalog/lookup.ts';
import type { Catalog, Table } from '../../../sql/catalog/model.ts';
import { fieldsOf, stringsOf, walk } from '../../../sql/nodes.ts';
import type { Fields } from '../../../sql/nodes.ts';
import { wordsOf } from '../../../sql/recover.ts';

/**
 * How a subquery depends on the outer row: not at all; by one comparison of a column of its own (`inner`) with a column
 * of the row, where `text` is the query from FROM on without that comparison; or in another way.
 */
export type Correlation = 'none' | 'other' | { inner: string; column: string; text: string };

/** The names that columns can be qualified with inside the subquery, and the columns that its tables have. */
function innerNames(catalog: Catalog, select: Fields<'SelectStmt'>): { aliases: Set<string>; columns: Set<string> } {
  const aliases = new Set<string>();
  const columns = new Set<string>();
  walk(select.fromClause, (type, fields) => {
    if (type !== 'RangeVar') return;
    aliases.add(fields.alias?.aliasname ?? fields.relname);
    const lookup = findTable(catalog, fields);
    if ('found' in lookup) for (const column of lookup.found.columns.keys()) columns.add(column);
  });
  return { aliases, columns };
}

/** Determines how the subquery depends on the row of `outer`. `text` is the query inside the parentheses. */
export function correlationOf(catalog: Catalog, select: Fields<'SelectStmt'>, outer: Table, text: string): Correlation {
  const { aliases, columns } = innerNames(catalog, select);
  const outside = (node: unknown): string | undefined => {
    const names = stringsOf(fieldsOf(node, 'ColumnRef')?.fields);
    // A table may be named with its schema: `public.notes.id`.
    const [column, qualifier] = [names.at(-1), names.at(-2)];
    if (column === undefined) return undefined;
    if (qualifier !== undefined) return aliases.has(qualifier) ? undefined : column;
    return columns.has(column) || !outer.columns.has(column) ? undefined : column;
  };
  const found: string[] = [];
  walk([{ SelectStmt: select }], (type, fields) => {
    const column = type === 'ColumnRef' ? outside({ ColumnRef: fields }) : undefined;
    if (column !== undefined) found.push(column);
  });
  if (found.length === 0) return 'none';
  const where = select.whereClause;
  if (found.length > 1 || where === undefined) return 'other';
  const clauses = fieldsOf(where, 'BoolExpr');
  const parts = clauses?.boolop === 'AND_EXPR' ? (clauses.args ?? []) : [where];
  const index = parts.findIndex((part) => {
    const { lexpr, rexpr, name } = fieldsOf(part, 'A_Expr') ?? {};
    return stringsOf(name)[0] === '=' && (outside(lexpr) === found[0] || outside(rexpr) === found[0]);
  });
  const rest = index === -1 ? undefined : withoutClause(text, parts.length, index);
  const comparison = fieldsOf(parts[index], 'A_Expr');
  if (rest === undefined || comparison === undefined) return 'other';
  const inner = outside(comparison.lexpr) === undefined ? comparison.lexpr : comparison.rexpr;
  const names = stringsOf(fieldsOf(inner, 'ColumnRef')?.fields);
  return names.length === 0 ? 'other' : { inner: names.join('.'), column: found[0]!, text: rest };
}

/**
 * The query from FROM on, without one of its ANDed conditions. Undefined if the text does not split the way the tree
 * does.
 */
function withoutClause(text: string, count: number, index: number): string | undefined {
  const words = wordsOf(text);
  let depth = 0;
  let from: number | undefined;
  let where: number | undefined;
  const cuts: number[] = [];
  for (const word of words) {
    if (word.text === '(') depth += 1;
    if (word.text === ')') depth -= 1;
    if (depth > 0) continue;
    if (word.text === 'from') from ??= word.start;
    if (word.text === 'where') where = word.end;
    if (where !== undefined && ['between', 'limit', 'order', 'group', 'or'].includes(word.text)) return undefined;
    if (where !== undefined && word.text === 'and') cuts.push(word.start);
  }
  if (from === undefined || where === undefined || cuts.length !== count - 1) return undefined;
  const edges = [where, ...cuts, text.length];
  const kept = edges
    .slice(0, -1)
    .map((start, at) =>
      text
        .slice(start, edges[at + 1])
        .replace(/^\s*and\b/i, '')
        .trim(),
    )
    .filter((_, at) => at !== index);
  return `${text.slice(from, where - 'where'.length)}${kept.length === 0 ? '' : `WHERE ${kept.join(' AND ')}`}`.trim();
}
