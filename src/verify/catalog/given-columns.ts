/** Which column of a table an expression gives: itself, by a query for one value, or by a helper that has one. */
import type { Catalog, FunctionRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, fields, type Node, nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { RoutineBody } from './bodies.ts';
import type { Sources } from './effects.ts';

/** What it needs of a model. */
export interface Routines {
  catalog: Pick<Catalog, 'functions'>;
  sources: Pick<Sources, 'body'>;
}

/** How deep helpers are followed. */
const deepest = 3;

/**
 * The name of the column of the table's rows: of `(select p.role from profiles p where …)`, of `my_role()`; undefined where it is none, or
 * where the column is named as it is.
 */
export function givenColumn(node: unknown, table: RelationRow, model: Routines, depth = 0): string | undefined {
  if (depth > deepest) return undefined;
  const cast = fields(node, 'TypeCast');
  if (cast !== undefined) return givenColumn(cast['arg'], table, model, depth);
  const chosen = fields(node, 'CoalesceExpr');
  if (chosen !== undefined) return givenColumn((chosen['args'] as unknown[])[0], table, model, depth);
  const select = fields(fields(node, 'SubLink')?.['subselect'], 'SelectStmt');
  if (select !== undefined) return givenBy(select, table, model, depth);
  const call = fields(node, 'FuncCall');
  const parts = nameParts(call?.['funcname']);
  const routine = model.catalog.functions.find(
    ({ name, schema }) => name === parts.at(-1) && (parts.length === 1 || schema === parts.at(-2)),
  );
  return routine === undefined ? undefined : returned(routine, table, model, depth + 1);
}

/** The column that a query for one value gives. */
function givenBy(
  select: Record<string, unknown>,
  table: RelationRow,
  model: Routines,
  depth: number,
): string | undefined {
  const [target, ...more] = ((select['targetList'] as unknown[] | undefined) ?? []).map((one) =>
    fields(one, 'ResTarget'),
  );
  if (target === undefined || more.length > 0) return undefined;
  const column = columnOf(target['val'])?.name;
  if (column === undefined) return givenColumn(target['val'], table, model, depth);
  return readsFrom(select['fromClause'], table) && table.columns.some(({ name }) => name === column)
    ? column
    : undefined;
}

/** The column that the last query of a helper gives, or the variable that it returns. */
function returned(routine: FunctionRow, table: RelationRow, model: Routines, depth: number): string | undefined {
  const { trees, assigned } = model.sources.body(routine);
  const select = fields(trees.at(-1), 'SelectStmt');
  if (select === undefined) return undefined;
  const [target] = (select['targetList'] as unknown[] | undefined) ?? [];
  const value = valueOf(columnOf(fields(target, 'ResTarget')?.['val'])?.name, assigned);
  return givenBy(fields(value, 'SelectStmt') ?? select, table, model, depth);
}

/** What a variable of a helper is given first. */
function valueOf(variable: string | undefined, assigned: RoutineBody['assigned']): unknown {
  return assigned.find(({ variables }) => variable !== undefined && variables.includes(variable))?.value;
}

/** The column that a query gives to a variable of a helper, as {@link givenColumn}. */
export function givenToVariable(
  variable: string | undefined,
  assigned: RoutineBody['assigned'],
  table: RelationRow,
  model: Routines,
): string | undefined {
  const select = fields(valueOf(variable, assigned), 'SelectStmt');
  return select === undefined ? undefined : givenBy(select, table, model, 0);
}

/** Says whether a FROM names the table. */
export function readsFrom(clause: unknown, table: RelationRow): boolean {
  let reads = false;
  walk(clause, (type, range) => {
    reads ||=
      type === 'RangeVar' && range['relname'] === table.name && (range['schemaname'] ?? table.schema) === table.schema;
  });
  return reads;
}

/** An expression in which columns stand for what is looked up. */
export interface WithLookedUp {
  tree: unknown;
  /** The qualifiers of those columns, one for each row that is looked up. */
  rows: readonly string[];
}

/**
 * The expression with a column in place of each value that a query or a helper looks up in the table by what the reader's own row
 * names: of `(select p.status from projects p where p.id = tasks.project_id)`, of `status_of(project_id)`. What is looked up by who asks
 * stays as it is, and so does what queries ask within.
 * @param isLooked says of a column of the table whether its value matters
 */
export function withLookedUp(
  tree: unknown,
  table: RelationRow,
  model: Routines,
  isLooked: (column: string) => boolean,
): WithLookedUp {
  const rows: string[] = [];
  const rowOf = (by: unknown): string => {
    const name = `looked up by ${JSON.stringify(by, (key, value: unknown) => (key === 'location' ? undefined : value))}`;
    if (!rows.includes(name)) rows.push(name);
    return name;
  };
  const copy = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(copy);
    if (typeof part !== 'object' || part === null) return part;
    const by = lookedUpBy(part);
    const column = by === undefined ? undefined : givenColumn(part, table, model);
    if (column !== undefined && isLooked(column))
      return { ColumnRef: { fields: [{ String: { sval: rowOf(by) } }, { String: { sval: column } }] } };
    if (fields(part, 'SelectStmt') !== undefined) return part;
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, copy(value)]));
  };
  const copied = copy(tree);
  return rows.length === 0 ? { tree, rows } : { tree: copied, rows };
}

/** What a query for one value, or a call, looks a row up by; undefined where that is nothing that the reader's own row names. */
function lookedUpBy(node: unknown): unknown {
  const call = fields(node, 'FuncCall');
  if (call !== undefined) return namesOutside(call['args'], new Set()) ? call['args'] : undefined;
  const link = fields(node, 'SubLink');
  const select = link?.['subLinkType'] === 'EXPR_SUBLINK' ? fields(link['subselect'], 'SelectStmt') : undefined;
  return namesOutside(select?.['whereClause'], namesIn(select)) ? select?.['whereClause'] : undefined;
}

/** What the FROM clause of a query calls its tables. */
function namesIn(select: Node | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  walk(select?.['fromClause'], (type, range) => {
    if (type === 'RangeVar') names.add(String((range['alias'] as Node | undefined)?.['aliasname'] ?? range['relname']));
  });
  return names;
}

/** It names an argument, or a column of something else than those. */
function namesOutside(tree: unknown, inside: ReadonlySet<string>): boolean {
  let isOutside = false;
  walk(tree, (type, node) => {
    const { qualifier } = (type === 'ColumnRef' ? columnOf({ ColumnRef: node }) : undefined) ?? {};
    isOutside ||=
      type === 'ParamRef' ||
      (type === 'ColumnRef' && (qualifier === undefined ? inside.size === 0 : !inside.has(qualifier)));
    return !isOutside;
  });
  return isOutside;
}
