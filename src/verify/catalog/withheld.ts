/** Columns that nobody may read where users read the rows. */
import type { RelationRow } from '../../rules/engine/live/catalog.ts';
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
