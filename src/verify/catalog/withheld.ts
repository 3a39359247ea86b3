/** Columns that nobody may read where users read the rows. */
import { type ColumnRow, type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';

/**
 * The columns of a table on which neither users nor visitors have SELECT, where they have it on others of its columns: who may read its
 * rows, does not read those.
 */
export function withheldColumns(
  { grants, columnGrants, columns }: RelationRow,
  { userRole }: Model,
): ReadonlySet<string> {
  const roles = ['anon', userRole];
  const granted = new Set(roles.flatMap((role) => columnGrants[role]?.S ?? []));
  const isWhole = roles.some((role) => grants[role]?.includes('S') === true);
  return new Set(isWhole || granted.size === 0 ? [] : columns.flatMap(({ name }) => (granted.has(name) ? [] : [name])));
}

/** Such a column, which triggers of the table may write into others: its values are found there only if they are like no others. */
export function isHeldBack({ name }: ColumnRow, table: RelationRow, model: Model): boolean {
  const own = qualifiedName(table);
  return (
    withheldColumns(table, model).has(name) &&
    table.triggers.some(({ enabled, function: oid }) => {
      const routine = enabled ? model.sources.byOid(oid) : undefined;
      return routine !== undefined && mayCarry(routine, name, own, model);
    }) &&
    model.dependencies.sideEffects(own).some((effect) => effect.table !== own)
  );
}

/** The function of a trigger names the column of its row, or the whole row, or reads the table. */
function mayCarry(routine: FunctionRow, column: string, table: string, { sources, dependencies }: Model): boolean {
  let isCarried = dependencies.namedBy(routine).has(table);
  walk(sources.body(routine).trees, (type, node) => {
    const [row, name] = type === 'ColumnRef' ? nameParts(node['fields']) : [];
    isCarried ||= /^(new|old)$/.test(row ?? '') && (name === undefined || name === column);
    return !isCarried;
  });
  return isCarried;
}

/** For such a column of numbers: what follows an ID to be a number that no other row has; undefined where such a number is too long. */
export function heldFraction(column: ColumnRow, table: RelationRow, model: Model): string | undefined {
  const [, precision, scale = '0'] = /^numeric\((\d+)(?:,(\d+))?\)$/.exec(column.type) ?? [];
  const isWide = precision === undefined || Number(precision) - Number(scale) >= 10;
  if (!/^(integer|bigint|numeric)/.test(column.base) || !isWide || !isHeldBack(column, table, model)) return undefined;
  // As many digits as it is written with.
  return scale === '0' ? '' : `.${'5'.padStart(Number(scale), '2')}`;
}
