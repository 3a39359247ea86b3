/** Which column of a table an expression gives: itself, by a query for one value, or by a helper that has one. */
import type { Catalog, FunctionRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { Sources } from './effects.ts';

/** What it needs of a model. */
interface Routines {
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
  const variable = columnOf(fields(target, 'ResTarget')?.['val'])?.name;
  const value = assigned.find(({ variables }) => variable !== undefined && variables.includes(variable))?.value;
  return givenBy(fields(value, 'SelectStmt') ?? select, table, model, depth);
}

function readsFrom(clause: unknown, table: RelationRow): boolean {
  let reads = false;
  walk(clause, (type, range) => {
    reads ||=
      type === 'RangeVar' && range['relname'] === table.name && (range['schemaname'] ?? table.schema) === table.schema;
  });
  return reads;
}
