/** The columns of a table that what reads it compares with those of other tables, and those that limit how many rows there are. */
import { type Catalog, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf } from '../../rules/engine/live/expression.ts';
import { fieldsOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { isFreeText, isTextList, type JoinedColumn, madeOf } from './joined-by-call.ts';
import { jsonPlaceOf } from './json-values.ts';
import type { Names, Scope } from './scope-names.ts';

/** What the trees join the table with: by a condition, by USING, by the columns of NATURAL JOIN, by a subquery. */
export function joinsIn({ trees, of }: Scope, names: Names, table: RelationRow, catalog: Catalog): JoinedColumn[] {
  const found: JoinedColumn[] = [];
  const join = (
    column: string | undefined,
    to: string | undefined,
    isOther: (row: RelationRow) => boolean,
    how: Omit<JoinedColumn, 'column' | 'table' | 'to'> = {},
  ): void => {
    if (column === undefined || to === undefined) return;
    for (const row of catalog.relations)
      if (row !== table && isOther(row) && row.columns.some(({ name }) => name === to))
        found.push({ column, table: qualifiedName(row), to, ...how });
  };
  const isNamed = ({ name }: RelationRow): boolean => [...names.others.values()].some((tables) => tables.has(name));
  /** A side of a comparison may be a query of one column. */
  const sides = (left: unknown, right: unknown, operator = '='): void => {
    for (const [mine, its, isMore] of [
      [left, right, operator.startsWith('>')],
      [right, left, operator.startsWith('<')],
    ] as const) {
      const ranked = /^[<>]=?$/.test(operator);
      const own = madeOf(mine);
      const other = madeOf(its);
      const { qualifier, name } = columnOf(other.node) ?? {};
      const place = jsonPlaceOf(
        mine,
        (base) => names.columnIn(base),
        () => false,
      );
      const path = place !== undefined && place.path.length > 0 ? { path: place.path } : undefined;
      const column = path === undefined ? names.columnIn(own.node) : place!.column;
      // What comes before one side is cut off there, or is put before the other.
      const before = own.before === '' ? other.prefix : own.before;
      const how = {
        ...(before === '' ? {} : { before }),
        ...(own.anyCase ? { anyCase: true as const } : {}),
      };
      const tables = qualifier === undefined ? names.othersWith(name, catalog) : names.others.get(qualifier);
      const isFired = qualifier === 'new' || qualifier === 'old';
      const isPlain = names.columnIn(mine) !== undefined && columnOf(its) !== undefined && !isFired;
      if (tables !== undefined && path !== undefined && (of === undefined || qualifier !== of.name))
        join(column, name, (row) => tables.has(row.name), path);
      else if (tables !== undefined && ranked && (of === undefined || qualifier !== of.name))
        join(column, name, (row) => tables.has(row.name), { rank: isMore ? 'more' : 'less' });
      else if (tables !== undefined && (of === undefined || qualifier !== of.name)) {
        const isList = isTextList(table, column);
        if (isList)
          join(column, name, (row) => tables.has(row.name) && isFreeText(row, name), { isList, isText: true });
        else if (isPlain || isFreeText(table, column) || isKeyList(table, column))
          join(column, name, (row) => tables.has(row.name), { ...how, ...(isPlain ? {} : { isText: true as const }) });
      }
      // Outside of a query, a policy names the columns of its own table alone.
      const isOfPolicy = qualifier === of?.name || (qualifier === undefined && isQueried(mine));
      if (of !== undefined && isOfPolicy && path !== undefined) join(column, name, (row) => row === of, path);
      else if (of !== undefined && isOfPolicy && ranked)
        join(column, name, (row) => row === of, { rank: isMore ? 'more' : 'less' });
      else if (of !== undefined && isOfPolicy && isKeyList(table, column)) join(column, name, (row) => row === of);
      else if (of !== undefined && isOfPolicy && isFreeText(of, name)) {
        if (isTextList(table, column)) join(column, name, (row) => row === of, { isList: true, isText: true });
        else if (isFreeText(table, column)) join(column, name, (row) => row === of, { ...how, isText: true });
      }
    }
  };
  walk(trees, (...[type, fields]) => {
    if (type === 'JoinExpr') {
      for (const column of stringsOf(fields.usingClause)) join(names.ownColumn(column), column, isNamed);
      if (fields.isNatural === true) for (const { name } of table.columns) join(name, name, isNamed);
    }
    if (type === 'SubLink' && fields.testexpr !== undefined)
      sides(fields.testexpr, { SubLink: { ...fields, testexpr: undefined } });
    if (type === 'FuncCall' && searching.has(stringsOf(fields.funcname).at(-1) ?? ''))
      sides(fields.args?.[0], fields.args?.[1]);
    if (type !== 'A_Expr') return;
    const operator = stringsOf(fields.name).at(-1) ?? '';
    if (matching.has(operator)) sides(fields.lexpr, fields.rexpr, operator);
  });
  return found;
}

/** The columns that say how many rows a query gives. */
export function limitsIn(trees: readonly Node[], names: Names): string[] {
  const found: string[] = [];
  walk(trees, (...[type, fields]) => {
    if (type !== 'SelectStmt') return;
    walk(fields.limitCount, (...[inner, column]) => {
      const name = inner === 'ColumnRef' ? names.columnIn({ ColumnRef: column }) : undefined;
      if (name !== undefined) found.push(name);
    });
  });
  return found;
}

/** Operators of two columns by which a value of one decides which value of the other it goes with. */
const matching = new Set(['=', '~~', '~~*', '~', '~*', '^@', '&&', '@>', '<@', '<', '>', '<=', '>=']);

/** Functions that find one text in another: a text is in itself. */
const searching = new Set(['starts_with', 'strpos', 'position', 'like', 'regexp_like']);

/** It has a list of what are no texts. */
function isKeyList({ columns }: RelationRow, name: string | undefined): boolean {
  return columns.some((column) => column.name === name && column.category === 'A' && !isTextList({ columns }, name));
}

/** It is the result of a query. */
function isQueried(node: unknown): boolean {
  return fieldsOf(node, 'SubLink') !== undefined || fieldsOf(fieldsOf(node, 'TypeCast')?.arg, 'SubLink') !== undefined;
}
