/** Seats that let a user in until a date, or until the owner has ended them. Users who may change that put themselves back in. */
import { type ColumnRow, isPlatformSchema, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Denial } from './denials.ts';
import type { Model } from './model.ts';
import { policiesFor, scopeOf } from './scope.ts';
import { findSeats } from './seats.ts';
import { isTable } from './tenancy.ts';

/** A state, such as that an invitation was accepted, is for its user to change; how long it lasts is not. */
export function isOfTime({ base }: ColumnRow): boolean {
  return /^(timestamp|date$)/.test(base) || base.endsWith('range');
}

/** The tables of such seats of which users may change what is asked. */
export function findLapsedSeats(model: Model): Denial[] {
  return [...findSeats(model), ...pairsOf(model)].flatMap(({ table, user, parent }): Denial[] => {
    if (table.rls && policiesFor(table, 'U', model).length === 0) return [];
    const { named } = model.dependencies.decidingColumns(qualifiedName(table));
    const isGranted = (name: string): boolean =>
      table.grants[model.userRole]?.includes('U') === true ||
      table.columnGrants[model.userRole]?.U?.includes(name) === true;
    const asked = table.columns
      .filter(
        (column) =>
          named.has(column.name) &&
          isOfTime(column) &&
          isGranted(column.name) &&
          !parent.columns.includes(column.name) &&
          model.meaningOf(table, column) === undefined &&
          !table.constraints.some(({ type, columns }) => type === 'f' && columns.includes(column.name)),
      )
      .map(({ name }) => name);
    const askers = model.dependencies.askers(qualifiedName(table)).filter((asker) => asker !== table);
    return asked.length === 0 ? [] : [{ table, holding: [user], asked: new Set(asked), askers, isSeat: true }];
  });
}

/** Rows by which a user lets another one in, as a patient does a doctor: the one who owns the row, and the other. */
function pairsOf(model: Model): { table: RelationRow; user: string; parent: { columns: readonly string[] } }[] {
  const known = new Set(findSeats(model).map(({ table }) => table));
  return [...model.tables.values()].flatMap((table) => {
    if (!isTable(table) || isPlatformSchema(table.schema) || known.has(table)) return [];
    if (table.partition || table === model.tenancy.membership?.table) return [];
    const users = table.columns.filter((column) => model.meaningOf(table, column) === 'user').map(({ name }) => name);
    const { owner, columns, parent } = scopeOf(table, model);
    const { named } = model.dependencies.decidingColumns(qualifiedName(table));
    const [user, ...more] = users.filter((name) => !columns.includes(name));
    const isPair = user !== undefined && more.length === 0 && owner === 'user' && parent === undefined;
    return isPair && users.every((name) => named.has(name)) ? [{ table, user, parent: { columns } }] : [];
  });
}
