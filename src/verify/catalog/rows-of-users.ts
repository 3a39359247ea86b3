/** What is asked of who has no row anywhere, as a user who has just signed up. */
import { type ColumnRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Model } from './model.ts';

/**
 * Says whether policies read rows of users, so that who has none may be let through where others are not: by `coalesce(my_number(),
 * number)`, by `not exists (…)`; or whether a table has rows without a user, of which each user may get one.
 */
export function readsRowsOfUsers(model: Model): boolean {
  return [...model.tables.values()].some((table) =>
    table.columns.some(
      (column) =>
        model.meaningOf(table, column) === 'user' &&
        (isClaimable(table, column) ||
          model.dependencies.askers(qualifiedName(table)).some((asker) => asker !== table)),
    ),
  );
}

/** No two rows have the same user, and some have none: who has a row already gets no other one. */
function isClaimable(table: RelationRow, { name, notNull }: ColumnRow): boolean {
  return !notNull && uniqueSets(table).some((set) => set.join() === name);
}
