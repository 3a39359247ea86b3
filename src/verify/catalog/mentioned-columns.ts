/** The columns that a policy, a view or a body mentions. */
import { type Node, stringsOf, walk } from '../../sql/nodes.ts';

/** What an UPDATE changed of a table: nothing but these columns. */
export interface ColumnChange {
  /** `schema.name`. */
  table: string;
  columns: ReadonlySet<string>;
}

/** Stands for every column: of `*`, of a whole row, of NATURAL JOIN. */
const every = '*';

/** The names of all columns, whatever they are of; {@link every} where it may be any. */
export function mentionedColumns(trees: readonly Node[]): ReadonlySet<string> {
  const [found, rows] = [new Set<string>(), new Set<string>()];
  walk(trees, (type, fields) => {
    if (type === 'RangeVar') {
      rows.add(fields.alias?.aliasname ?? fields.relname ?? '');
      // Its columns have other names here.
      if (fields.alias?.colnames !== undefined) found.add(every);
    }
    if (type === 'ColumnRef') {
      const last = fields.fields?.at(-1);
      found.add((last !== undefined && 'String' in last ? last.String.sval : undefined) ?? every);
    }
    if (type === 'JoinExpr') {
      for (const name of stringsOf(fields.usingClause)) found.add(name);
      if (fields.isNatural === true) found.add(every);
    }
  });
  // A table's own name, or its alias, is its whole row.
  for (const name of rows) if (found.has(name)) found.add(every);
  return found;
}

/** Returns whether one of the changed columns is among those that are mentioned. */
export function mentions(mentioned: ReadonlySet<string>, { columns }: ColumnChange): boolean {
  return mentioned.has(every) || [...columns].some((name) => mentioned.has(name));
}
