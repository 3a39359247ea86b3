/** What is asked of who has no row anywhere, as a user who has just signed up. */
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Model } from './model.ts';

/**
 * Says whether policies read rows of users, so that who has none may be let through where others are not: by `coalesce(my_number(),
 * number)`, by `not exists (…)`.
 */
export function readsRowsOfUsers(model: Model): boolean {
  return [...model.tables.values()].some(
    (table) =>
      table.columns.some((column) => model.meaningOf(table, column) === 'user') &&
      model.dependencies.askers(qualifiedName(table)).some((asker) => asker !== table),
  );
}
