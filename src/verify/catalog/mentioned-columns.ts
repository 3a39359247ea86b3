/** The columns that a policy, a view or a body mentions. */
import { type Node, stringOf, stringsOf, walk } from '../../sql/nodes.ts';

/** What an UPDATE changed of a table: nothing but these columns. */
export interface ColumnChange {
  /** `schema.name`. */
  table: string;
  columns: ReadonlySet<string>;
}

/** Names of columns; {@link every} stands for all. */
export interface MentionedColumns {
  /** The names of the tables, without their schemas. */
  tables: ReadonlySet<string>;
  /** Of any of them. */
  any: ReadonlySet<string>;
  /** Of one. */
  of: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Stands for every column: of `*`, of a whole row, of NATURAL JOIN. */
const every = '*';

/**
 * The columns that trees mention.
 * @param own the table whose policies they are: the catalog prints its columns without the table's name, outside of subqueries,
 *   and those of other tables always with theirs
 */
export function mentionedColumns(trees: readonly Node[], own?: string): MentionedColumns {
  const any = new Set<string>();
  /** By what stands before a column's name: names of tables. */
  const tables = new Map<string, Set<string>>(own === undefined ? [] : [[own, new Set([own])]]);
  const qualified: [qualifier: string, column: string][] = [];
  const bare = new Set<string>();
  walk(trees, (type, fields) => {
    if (type === 'RangeVar') {
      const { alias, relname = '' } = fields;
      const name = alias?.aliasname ?? relname;
      tables.set(name, new Set([...(tables.get(name) ?? []), relname]));
      // Its columns have other names here.
      if (alias?.colnames !== undefined) qualified.push([name, every]);
    }
    if (type === 'ColumnRef') {
      const names = (fields.fields ?? []).map((field) => stringOf(field) || every);
      const column = names.at(-1) ?? every;
      const qualifier = names.at(-2) ?? own;
      if (qualifier !== undefined) qualified.push([qualifier, column]);
      else any.add(column);
      if (names.length === 1) bare.add(column);
    }
    if (type === 'JoinExpr') {
      for (const name of stringsOf(fields.usingClause)) any.add(name);
      if (fields.isNatural === true) any.add(every);
    }
  });
  // A table's own name, or its alias, is its whole row.
  for (const name of tables.keys()) if (bare.has(name)) qualified.push([name, every]);
  const of = new Map<string, Set<string>>();
  for (const [qualifier, column] of qualified) {
    const known = tables.get(qualifier);
    // A variable, or the alias of something in FROM that is not a table.
    if (known === undefined) any.add(column);
    for (const table of known ?? []) of.set(table, new Set([...(of.get(table) ?? []), column]));
  }
  return { any, of, tables: new Set([...tables.values()].flatMap((names) => [...names])) };
}

/**
 * Returns whether one of the changed columns is among those that are mentioned. What does not name the table has its columns from
 * something that does, such as a view.
 */
export function mentions({ any, of, tables }: MentionedColumns, { table, columns }: ColumnChange): boolean {
  const name = table.slice(table.indexOf('.') + 1);
  if (!tables.has(name)) return false;
  const ofTable = of.get(name);
  return [every, ...columns].some((column) => any.has(column) || ofTable?.has(column) === true);
}
