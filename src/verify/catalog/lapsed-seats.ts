/** Seats that let a user in until a date, or until the owner has ended them. Users who may change that put themselves back in. */
import { type ColumnRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Denial } from './denials.ts';
import type { Model } from './model.ts';
import { policiesFor } from './scope.ts';
import { findSeats } from './seats.ts';

/** A state, such as that an invitation was accepted, is for its user to change; how long it lasts is not. */
function isOfTime({ base }: ColumnRow): boolean {
  return /^(timestamp|date$)/.test(base) || base.endsWith('range');
}

/** The tables of such seats of which users may change what is asked. */
export function findLapsedSeats(model: Model): Denial[] {
  return findSeats(model).flatMap(({ table, user, parent }): Denial[] => {
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
