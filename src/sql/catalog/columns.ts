import { allOf, fieldsOf, open, stringsOf } from '../nodes.ts';
import type { Fields, Node } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { findTable } from './lookup.ts';
import type { Catalog, Report, Table } from './model.ts';
import { bare, describedTable } from './tables.ts';

/** A source of columns in a query. `columns` is undefined if they are not known. */
interface Item {
  alias: string;
  name: string;
  columns?: ReadonlyMap<string, unknown> | undefined;
}

interface Scope {
  items: Item[];
  /** Names of output columns, which ORDER BY and GROUP BY may use. */
  outputs: Set<string>;
  outer?: Scope | undefined;
}

const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);

function itemOf(table: Table, alias = table.name.slice(table.name.indexOf('.') + 1)): Item {
  return { alias, name: table.name, columns: table.open ? undefined : table.columns };
}

function itemsOf(catalog: Catalog, from: unknown, local: ReadonlySet<string>): Item[] {
  const nodes = Array.isArray(from) ? from : from === undefined ? [] : [from];
  return nodes.flatMap((node: Node): Item[] => {
    const [type, fields] = open(node);
    if (type === 'RangeVar') {
      const lookup =
        fields.schemaname === undefined && local.has(fields.relname) ? undefined : findTable(catalog, fields);
      const alias = fields.alias?.aliasname ?? fields.relname;
      const renames = fields.alias?.colnames !== undefined;
      return lookup !== undefined && 'found' in lookup && !renames
        ? [itemOf(lookup.found, alias)]
        : [{ alias, name: fields.relname }];
    }
    // An alias hides the tables of the join, and may rename its columns.
    if (type === 'JoinExpr' && fields.alias?.aliasname !== undefined)
      return [{ alias: fields.alias.aliasname, name: fields.alias.aliasname }];
    if (type === 'JoinExpr') return [...itemsOf(catalog, fields.larg, local), ...itemsOf(catalog, fields.rarg, local)];
    const alias = ('alias' in fields ? fields.alias?.aliasname : undefined) ?? '';
    return [{ alias, name: alias }];
  });
}

/** Whether a function of that name takes a row of the table: `row.name` calls it, as a column that is computed. */
function isComputed(catalog: Catalog, { name: table }: Item, name: string): boolean {
  const type = table.replace(/^public\./, '');
  return [...catalog.routines.values()].some((overloads) =>
    overloads.some(({ name: routine, arguments: types }) => bare(routine) === name && types.join() === type),
  );
}

function check(
  catalog: Catalog,
  names: readonly string[],
  location: number | undefined,
  scope: Scope,
  report: Report,
): void {
  const [first = '', second] = names;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    if (second === undefined) {
      if (systemColumns.has(first) || at.outputs.has(first)) return;
      if (at.items.some(({ alias, columns }) => columns === undefined || alias === first || columns.has(first))) return;
    } else {
      const item = at.items.find(({ alias }) => alias === first);
      if (item === undefined) continue;
      const isKnown = item.columns === undefined || item.columns.has(second) || systemColumns.has(second);
      if (!isKnown && second !== '' && !isComputed(catalog, item, second))
        report('column', `${item.name}.${second}`, location);
      return;
    }
  }
  // A qualifier that is not a FROM item may be a parameter or a schema, which is not reported.
  const [only, more] = scope.items;
  if (second === undefined && only !== undefined)
    report('column', more === undefined ? `${only.name}.${first}` : first, location);
}

/** Walks an expression or query. Each subquery opens a scope inside the enclosing one. */
function visit(catalog: Catalog, value: unknown, scope: Scope, local: ReadonlySet<string>, report: Report): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(catalog, item, scope, local, report);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== 'object' || inner === null) continue;
    if (key === 'ColumnRef') {
      const { fields = [], location } = inner as Fields<'ColumnRef'>;
      if (fields.every((field) => fieldsOf(field, 'String') !== undefined))
        check(catalog, stringsOf(fields), location, scope, report);
    } else if (key === 'SelectStmt' || key === 'larg' || key === 'rarg') {
      visitSelect(catalog, inner as Fields<'SelectStmt'>, scope, local, report);
    } else if (key !== 'TypeName' && key !== 'typeName') {
      visit(catalog, inner, scope, local, report);
    }
  }
}

function visitSelect(
  catalog: Catalog,
  select: Fields<'SelectStmt'>,
  outer: Scope | undefined,
  local: ReadonlySet<string>,
  report: Report,
): void {
  if (select.op === undefined) {
    visit(catalog, select, outer ?? { items: [], outputs: new Set() }, local, report);
    return;
  }
  const ctes = allOf(select.withClause?.ctes, 'CommonTableExpr').map(({ ctename = '' }) => ctename);
  const names = ctes.length === 0 ? local : new Set([...local, ...ctes]);
  const outputs = allOf(select.targetList, 'ResTarget').flatMap(({ name }) => (name === undefined ? [] : [name]));
  const scope: Scope = { items: itemsOf(catalog, select.fromClause, names), outputs: new Set(outputs), outer };
  visit(catalog, select, scope, names, report);
}

/** The expressions of the CHECKs in a CREATE TABLE. */
function checksIn(elements: unknown): Node[] {
  const own = allOf(elements, 'Constraint');
  const beside = allOf(elements, 'ColumnDef').flatMap(({ constraints }) => allOf(constraints, 'Constraint'));
  return [...own, ...beside].flatMap(({ contype, raw_expr: expression }) =>
    contype === 'CONSTR_CHECK' && expression !== undefined ? [expression] : [],
  );
}

/**
 * Columns that are named in the expressions of a policy, view, index, check or query and that no table in scope has.
 */
export function missingColumns(catalog: Catalog, piece: Piece, report: Report): void {
  const none = new Set<string>();
  if (piece.type === 'CreatePolicyStmt' || piece.type === 'AlterPolicyStmt') {
    const { table, qual, with_check: withCheck } = piece.node;
    const lookup = findTable(catalog, table);
    if (!('found' in lookup)) return;
    const scope = { items: [itemOf(lookup.found)], outputs: none };
    visit(catalog, [qual, withCheck], scope, none, report);
  } else if (piece.type === 'ViewStmt' || piece.type === 'CreateTableAsStmt') {
    visit(catalog, piece.node.query, { items: [], outputs: none }, none, report);
  } else if (piece.type === 'IndexStmt') {
    const lookup = findTable(catalog, piece.node.relation);
    if ('found' in lookup)
      visit(
        catalog,
        [piece.node.whereClause, piece.node.indexParams],
        { items: [itemOf(lookup.found)], outputs: none },
        none,
        report,
      );
  } else if (piece.type === 'CreateStmt') {
    const table = describedTable(catalog, piece);
    if (!table.open)
      visit(catalog, checksIn(piece.node.tableElts), { items: [itemOf(table)], outputs: none }, none, report);
  } else if (piece.type === 'SelectStmt' && piece.inside === undefined) {
    visitSelect(catalog, piece.node, undefined, none, report);
  }
}
