/** Rows that belong to users only by a text that functions look up in both tables: the phone number to which a code was sent. */
import { type ColumnRow, type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { comparedColumns } from './compared-columns.ts';
import type { Model } from './model.ts';
import { scopeOf } from './scope.ts';

const known = new WeakMap<Model, Map<ColumnRow, { table: string; column: string } | undefined>>();

/**
 * The column of a table of users that a function compares with the same argument as that column of a table without an owner. Cached
 * per model.
 */
export function soughtTogether(
  column: ColumnRow,
  table: RelationRow,
  model: Model,
): { table: string; column: string } | undefined {
  const ofModel = known.get(model) ?? new Map<ColumnRow, { table: string; column: string } | undefined>();
  known.set(model, ofModel);
  if (!ofModel.has(column)) ofModel.set(column, findTogether(column, table, model));
  return ofModel.get(column);
}

function findTogether(
  column: ColumnRow,
  table: RelationRow,
  model: Model,
): { table: string; column: string } | undefined {
  const isText = column.category === 'S' && column.labels === null && column.default === null;
  if (!isText || scopeOf(table, model).owner !== undefined) return undefined;
  const name = qualifiedName(table);
  for (const routine of model.catalog.functions) {
    if (routine.kind === 't' || !routine.definer || !model.dependencies.namedBy(routine).has(name)) continue;
    for (const names of argumentsOf(routine, model)) {
      if (!names.has(column.name)) continue;
      for (const other of model.dependencies.namedBy(routine)) {
        const users = other === name ? undefined : model.tables.get(other);
        const isOfUsers = users?.columns.some((one) => model.meaningOf(users, one) === 'user') === true;
        const same = isOfUsers
          ? users?.columns.find((one) => names.has(one.name) && one.category === 'S' && one.labels === null)
          : undefined;
        if (same !== undefined) return { table: other, column: same.name };
      }
    }
  }
  return undefined;
}

/** Of each argument, the columns that it is compared with. */
function argumentsOf(routine: FunctionRow, model: Model): ReadonlySet<string>[] {
  const names = routine.argumentNames.filter((one) => one !== '');
  return [...comparedColumns(names, model.sources.body(routine).trees).values()];
}
