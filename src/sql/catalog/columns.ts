import { allOf, fieldsOf, open, stringsOf } from '../nodes.ts';
import type { Fields, Node, RangeVar } from '../nodes.ts';
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

/** What is looked up in, and told to. */
interface Search {
  catalog: Catalog;
  report: Report;
}

const noNames: ReadonlySet<string> = new Set();
const nowhere: Scope = { items: [], outputs: new Set() };

const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);

function itemOf(table: Table, alias = bare(table.name)): Item {
  return { alias, name: table.name, columns: table.open ? undefined : table.columns };
}

/** The relation that a statement names, as a source; under its alias, if it has one. */
function sourceOf(catalog: Catalog, relation: RangeVar, local: ReadonlySet<string>): Item {
  const lookup =
    relation.schemaname === undefined && local.has(relation.relname) ? undefined : findTable(catalog, relation);
  const alias = relation.alias?.aliasname ?? relation.relname;
  const renames = relation.alias?.colnames !== undefined;
  return lookup !== undefined && 'found' in lookup && !renames
    ? itemOf(lookup.found, alias)
    : { alias, name: relation.relname };
}

/** What a function in FROM is called that has no alias. */
function functionName({ functions }: Fields<'RangeFunction'>): string {
  const [first] = allOf(functions, 'List');
  return stringsOf(fieldsOf(first?.items?.[0], 'FuncCall')?.funcname).at(-1) ?? '';
}

/** What sources that are no tables are called without an alias. */
const ownAlias: Partial<Record<string, string>> = { RangeTableFunc: 'xmltable', JsonTable: 'json_table' };

function itemsOf(catalog: Catalog, from: unknown, local: ReadonlySet<string>): Item[] {
  const nodes = Array.isArray(from) ? from : from === undefined ? [] : [from];
  return nodes.flatMap((node: Node): Item[] => {
    const [type, fields] = open(node);
    if (type === 'RangeVar') return [sourceOf(catalog, fields, local)];
    if (type === 'RangeTableSample') return itemsOf(catalog, fields.relation, local);
    if (type === 'JoinExpr') {
      // An alias hides the tables of the join, and may rename its columns; one of USING stands beside them.
      const { alias, join_using_alias: using } = fields;
      const names = [alias?.aliasname, using?.aliasname].filter((name) => name !== undefined);
      const inner =
        alias === undefined ? [...itemsOf(catalog, fields.larg, local), ...itemsOf(catalog, fields.rarg, local)] : [];
      return [...inner, ...names.map((name) => ({ alias: name, name }))];
    }
    const alias =
      ('alias' in fields ? fields.alias?.aliasname : undefined) ??
      (type === 'RangeFunction' ? functionName(fields) : (ownAlias[type] ?? ''));
    return [{ alias, name: alias }];
  });
}

/** Whether a function of that name takes a row of the table: `row.name` calls it, as a column that is computed. */
function isComputed(catalog: Catalog, { name: table }: Item, name: string): boolean {
  const type = table.replace(/^(?:public|pg_temp)\./, '');
  return [...catalog.routines.values()].some((overloads) =>
    overloads.some(({ name: routine, arguments: types }) => bare(routine) === name && types.join() === type),
  );
}

/** Checks `source.column`; without a column, `source.*`. */
function checkQualified(
  { catalog, report }: Search,
  [source, column]: readonly [source: string, column: string | undefined],
  location: number | undefined,
  scope: Scope,
): void {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const item = at.items.find(({ alias }) => alias === source);
    if (item === undefined) continue;
    const isKnown =
      column === undefined || item.columns === undefined || item.columns.has(column) || systemColumns.has(column);
    if (!isKnown && column !== '' && !isComputed(catalog, item, column))
      report('column', `${item.name}.${column}`, location);
    return;
  }
  report('alias', source, location);
}

function checkColumn({ report }: Search, name: string, location: number | undefined, scope: Scope): void {
  let some = false;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    if (systemColumns.has(name) || at.outputs.has(name)) return;
    if (at.items.some(({ alias, columns }) => columns === undefined || alias === name || columns.has(name))) return;
    some ||= at.items.length > 0;
  }
  const [only, more] = scope.items;
  if (only !== undefined && more === undefined) report('column', `${only.name}.${name}`, location);
  else if (only !== undefined || !some) report('column', name, location);
}

function check(search: Search, { fields = [], location }: Fields<'ColumnRef'>, scope: Scope): void {
  const names = stringsOf(fields);
  const isAll = fieldsOf(fields.at(-1), 'A_Star') !== undefined;
  const [first = '', second] = names;
  if (isAll) {
    if (names.length === 2) checkQualified(search, [first, undefined], location, scope);
  } else if (names.length === 1) checkColumn(search, first, location, scope);
  else if (names.length === 2) checkQualified(search, [first, second!], location, scope);
}

/** Statements in a query that have sources of their own. */
const statements: { [type: string]: typeof visitSelect | undefined } = {
  SelectStmt: visitSelect,
  InsertStmt: visitInsert as typeof visitSelect,
  UpdateStmt: visitUpdate as typeof visitSelect,
  DeleteStmt: visitDelete as typeof visitSelect,
  MergeStmt: visitMerge as typeof visitSelect,
};

/** Walks an expression or query. Each subquery opens a scope inside the enclosing one. */
function visit(search: Search, value: unknown, scope: Scope, local: ReadonlySet<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(search, item, scope, local);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== 'object' || inner === null) continue;
    const statement = statements[key];
    if (key === 'ColumnRef') check(search, inner as Fields<'ColumnRef'>, scope);
    else if (statement !== undefined) statement(search, inner as Fields<'SelectStmt'>, scope, local);
    // A subquery in FROM sees what is beside it only with LATERAL.
    else if (key === 'RangeSubselect' && (inner as Fields<'RangeSubselect'>).lateral !== true)
      visit(search, (inner as Fields<'RangeSubselect'>).subquery, scope.outer ?? nowhere, local);
    else if (key !== 'TypeName' && key !== 'typeName' && key !== 'alias') visit(search, inner, scope, local);
  }
}

/** The names of common table expressions that a statement sees, its own among them, whose queries are visited. */
function visitWith(
  search: Search,
  clause: Fields<'WithClause'> | undefined,
  outer: Scope,
  local: ReadonlySet<string>,
): ReadonlySet<string> {
  const names = allOf(clause?.ctes, 'CommonTableExpr').map(({ ctename = '' }) => ctename);
  if (names.length === 0) return local;
  const visible = new Set([...local, ...names]);
  for (const { ctequery } of allOf(clause?.ctes, 'CommonTableExpr')) visit(search, [ctequery], outer, visible);
  return visible;
}

function visitSelect(search: Search, select: Fields<'SelectStmt'>, outer: Scope, local: ReadonlySet<string>): void {
  const { withClause, larg, rarg, lockingClause, ...rest } = select;
  const names = visitWith(search, withClause, outer, local);
  for (const side of [larg, rarg]) if (side !== undefined) visitSelect(search, side, outer, names);
  if (larg !== undefined) {
    // ORDER BY of a UNION names columns of the result.
    visit(search, [rest.limitCount, rest.limitOffset], outer, names);
    return;
  }
  const outputs = allOf(rest.targetList, 'ResTarget').flatMap(({ name }) => (name === undefined ? [] : [name]));
  const items = itemsOf(search.catalog, rest.fromClause, names);
  // FOR UPDATE OF names what is in FROM, by its alias.
  for (const { lockedRels } of allOf(lockingClause, 'LockingClause'))
    for (const { relname, location } of allOf(lockedRels, 'RangeVar'))
      if (!items.some(({ alias }) => alias === relname)) search.report('alias', relname, location);
  visit(search, rest, { items, outputs: new Set(outputs), outer }, names);
}

/** The sources of a statement that writes: the table, and others beside it. */
function written(search: Search, relation: RangeVar, others: unknown, outer: Scope, names: ReadonlySet<string>): Scope {
  const items = [sourceOf(search.catalog, relation, noNames), ...itemsOf(search.catalog, others, names)];
  return { items, outputs: new Set(), outer };
}

function visitInsert(
  search: Search,
  { withClause, relation, selectStmt, onConflictClause, returningList }: Fields<'InsertStmt'>,
  outer: Scope,
  local: ReadonlySet<string>,
): void {
  const names = visitWith(search, withClause, outer, local);
  visit(search, [selectStmt], outer, names);
  const scope = written(search, relation, undefined, outer, names);
  const { infer, targetList, whereClause } = onConflictClause ?? {};
  visit(search, [infer, returningList], scope, names);
  // The row that was not inserted has the columns of the table.
  const excluded = { ...scope.items[0]!, alias: 'excluded' };
  const target = { ...scope, items: [...scope.items, excluded] };
  for (const { name } of allOf(infer?.indexElems, 'IndexElem'))
    if (name !== undefined) checkQualified(search, [scope.items[0]!.alias, name], undefined, scope);
  assigned(search, targetList, scope);
  visit(
    search,
    allOf(targetList, 'ResTarget').map(({ val }) => val),
    target,
    names,
  );
  visit(search, [whereClause], target, names);
}

/** The columns that a SET or an INSERT names are those of the table. */
function assigned(search: Search, targets: unknown, { items: [table], outer }: Scope): void {
  if (table === undefined) return;
  for (const { name, location } of allOf(targets, 'ResTarget'))
    if (name !== undefined)
      checkQualified(search, [table.alias, name], location, { items: [table], outputs: new Set(), outer });
}

function visitUpdate(
  search: Search,
  { withClause, relation, fromClause, targetList, whereClause, returningList }: Fields<'UpdateStmt'>,
  outer: Scope,
  local: ReadonlySet<string>,
): void {
  const names = visitWith(search, withClause, outer, local);
  const scope = written(search, relation, fromClause, outer, names);
  assigned(search, targetList, scope);
  visit(
    search,
    [allOf(targetList, 'ResTarget').map(({ val }) => val), fromClause, whereClause, returningList],
    scope,
    names,
  );
}

function visitDelete(
  search: Search,
  { withClause, relation, usingClause, whereClause, returningList }: Fields<'DeleteStmt'>,
  outer: Scope,
  local: ReadonlySet<string>,
): void {
  const names = visitWith(search, withClause, outer, local);
  visit(search, [usingClause, whereClause, returningList], written(search, relation, usingClause, outer, names), names);
}

function visitMerge(
  search: Search,
  { withClause, relation, sourceRelation, joinCondition, mergeWhenClauses, returningList }: Fields<'MergeStmt'>,
  outer: Scope,
  local: ReadonlySet<string>,
): void {
  const names = visitWith(search, withClause, outer, local);
  const scope = written(search, relation as RangeVar, [sourceRelation], outer, names);
  // The source does not see the target.
  visit(search, [sourceRelation], { ...scope, items: scope.items.slice(1) }, names);
  visit(search, [joinCondition, returningList], scope, names);
  for (const { commandType, targetList, values, condition, matchKind } of allOf(mergeWhenClauses, 'MergeWhenClause')) {
    // A row of the source that matches none of the target has only itself.
    const seen = matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_TARGET' ? { ...scope, items: scope.items.slice(1) } : scope;
    if (commandType === 'CMD_UPDATE' || commandType === 'CMD_INSERT') assigned(search, targetList, scope);
    visit(search, [allOf(targetList, 'ResTarget').map(({ val }) => val), values, condition], seen, names);
  }
}

/** The expressions of the CHECKs and generated columns in a CREATE TABLE or ADD COLUMN. */
function checksIn(elements: unknown): Node[] {
  const own = allOf(elements, 'Constraint');
  const beside = allOf(elements, 'ColumnDef').flatMap(({ constraints }) => allOf(constraints, 'Constraint'));
  return [...own, ...beside].flatMap(({ contype, raw_expr: expression }) =>
    (contype === 'CONSTR_CHECK' || contype === 'CONSTR_GENERATED') && expression !== undefined ? [expression] : [],
  );
}

/** The table with the columns that a statement adds. */
function withColumns(table: Table, added: readonly Fields<'ColumnDef'>[]): Table {
  const columns = new Map(table.columns);
  for (const { colname: name } of added) columns.set(name, { name, type: '', notNull: false, generated: false });
  return { ...table, columns };
}

/** Visits expressions about one table. */
function visitOf(search: Search, table: Table, expressions: unknown): void {
  visit(search, expressions, { items: [itemOf(table)], outputs: new Set() }, noNames);
}

/**
 * Columns that are named in the expressions of a policy, view, index, check or statement and that no table in scope has,
 * and names before a column that no table in scope has.
 */
export function missingColumns(catalog: Catalog, piece: Piece, report: Report): void {
  const search = { catalog, report };
  const tableIn = (relation: RangeVar): Table | undefined => {
    const lookup = findTable(catalog, relation);
    return 'found' in lookup ? lookup.found : undefined;
  };
  if (piece.type === 'CreatePolicyStmt' || piece.type === 'AlterPolicyStmt') {
    const { table: relation, qual, with_check: withCheck } = piece.node;
    const table = tableIn(relation);
    if (table !== undefined) visitOf(search, table, [qual, withCheck]);
  } else if (piece.type === 'ViewStmt' || (piece.type === 'CreateTableAsStmt' && piece.inside === undefined)) {
    visit(search, piece.node.query, nowhere, noNames);
  } else if (piece.type === 'IndexStmt') {
    const table = tableIn(piece.node.relation);
    if (table !== undefined) visitOf(search, table, [piece.node.whereClause, piece.node.indexParams]);
  } else if (piece.type === 'AlterTableStmt') {
    const table = tableIn(piece.node.relation);
    const added = allOf(piece.node.cmds, 'AlterTableCmd').map(({ def }) => def);
    // What the statement adds is there for its own checks.
    if (table !== undefined) visitOf(search, withColumns(table, allOf(added, 'ColumnDef')), checksIn(added));
  } else if (piece.type === 'CreateStmt') {
    const table = describedTable(catalog, piece);
    if (!table.open) visitOf(search, table, checksIn(piece.node.tableElts));
  } else if (piece.type === 'CreateTrigStmt') {
    const table = tableIn(piece.node.relation);
    if (table === undefined) return;
    const items = ['new', 'old'].map((alias) => itemOf(table, alias));
    visit(search, [piece.node.whenClause], { items, outputs: new Set() }, noNames);
  } else if (piece.inside === undefined)
    statements[piece.type]?.(search, piece.node as Fields<'SelectStmt'>, nowhere, noNames);
}
