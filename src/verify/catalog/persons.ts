/** Rows that stand for users: people with keys of their own, as the players of a league. */
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import {
  foreignKeyOf,
  isTable,
  isUserColumn,
  type Persons,
  primaryKey,
  type Tenancy,
  typeOf,
} from './tenancy-columns.ts';

/** The tables of people: each user is one of its rows at most, which has a key of its own. What joins users to rows that may be of several has nothing else. */
export function findPersons(tables: readonly RelationRow[], userTables: ReadonlySet<string>): Persons[] {
  return tables.filter(isTable).flatMap((table): Persons[] => {
    const [key, ...more] = primaryKey(table);
    if (key === undefined || more.length > 0 || userTables.has(qualifiedName(table))) return [];
    const users = usersIn(table, userTables);
    const [user] = users;
    if (user !== undefined)
      return users.length === 1 && isUnique(table, user) && foreignKeyOf(table, user) !== undefined
        ? [{ table, key, through: { table, key, user }, isShared: false }]
        : [];
    return tables.flatMap((through): Persons[] => {
      const [of, ...others] = usersIn(through, userTables);
      const link = through.columns.find(({ name }) => foreignKeyOf(through, name)?.target === qualifiedName(table));
      return of !== undefined &&
        others.length === 0 &&
        link !== undefined &&
        isUnique(through, of) &&
        (isUnique(through, link.name) || through.columns.length === 2) &&
        link.base === typeOf(table, key)
        ? [
            {
              table,
              key,
              through: { table: through, key: link.name, user: of },
              isShared: !isUnique(through, link.name),
            },
          ]
        : [];
    });
  });
}

function usersIn(table: RelationRow, userTables: ReadonlySet<string>): string[] {
  return table.columns.filter((column) => isUserColumn(table, column, userTables)).map(({ name }) => name);
}

/** No two rows have the same in it. */
function isUnique(table: RelationRow, column: string): boolean {
  return (
    primaryKey(table).join() === column ||
    table.indexes.some(
      ({ unique, predicate, columns }) => unique && predicate === null && columns.length === 1 && columns[0] === column,
    )
  );
}

/** Each user has a row there: people of whom some are members, or who are joined to their users by another table, or that one. */
export function isOfPersons(table: RelationRow, { membership, persons }: Tenancy): boolean {
  return (
    [membership?.persons?.table, membership?.persons?.through.table].includes(table) ||
    persons.some((one) => isJoinedToUsers(one) && [one.table, one.through.table].includes(table))
  );
}

/** The people to whom the column refers. */
export function personsOf(table: RelationRow, column: string, persons: readonly Persons[]): Persons | undefined {
  const key = foreignKeyOf(table, column);
  return persons.find(
    (one) => key?.target === qualifiedName(one.table) && key.targetColumns?.join() === one.key && one.table !== table,
  );
}

/** Another table says which user each person is, and one user alone. */
export function isJoinedToUsers({ table, through, isShared }: Persons): boolean {
  return through.table !== table && !isShared;
}
