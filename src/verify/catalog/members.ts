/** The tables of who belongs to which organization. */
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { personsOf } from './persons.ts';
import {
  type ComparedKeys,
  isUserColumn,
  organizationOf,
  organizationTables,
  type Persons,
  primaryKey,
  roleColumns,
  type Tenancy,
} from './tenancy-columns.ts';

type Membership = NonNullable<Tenancy['membership']>;

/** A table of members, and what it joins users to. */
export interface FoundMembers {
  score: number;
  organizations: RelationRow;
  membership: NonNullable<Tenancy['membership']>;
}

/** The columns that say who is a member: users, or else people who stand for users. */
interface Joined {
  user: string;
  persons: Persons | undefined;
}

function joinedIn(table: RelationRow, userTables: ReadonlySet<string>, persons: readonly Persons[]): Joined[] {
  const users = table.columns.filter((column) => isUserColumn(table, column, userTables));
  if (users.length > 0) return users.map(({ name }) => ({ user: name, persons: undefined }));
  return table.columns.flatMap(({ name }) => {
    const found = personsOf(table, name, persons);
    return found === undefined || found.isShared || found.through.table === table
      ? []
      : [{ user: name, persons: found }];
  });
}

/** The table of members that is called so. */
export function findMembership(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  persons: readonly Persons[],
): FoundMembers | undefined {
  const found = tables
    .filter((table) => !organizationTables.test(table.name) || /member/.test(table.name))
    .flatMap((table) => {
      const [joined] = joinedIn(table, userTables, persons);
      const organization = table.columns.find(
        (column) => organizationOf(table, column, tables) !== undefined && column.name !== joined?.user,
      );
      if (joined === undefined || organization === undefined) return [];
      const role = table.columns.find(({ name }) => roleColumns.test(name));
      const unique = table.constraints.some(
        (key) =>
          (key.type === 'u' || key.type === 'p') &&
          key.columns.includes(joined.user) &&
          key.columns.includes(organization.name),
      );
      const score =
        (/member/.test(table.name) ? 4 : 0) +
        (unique ? 2 : 0) +
        (role === undefined ? 0 : 2) +
        (/^(user|organi[sz]ation|org|team|account|tenant)s?_(users?|organi[sz]ations?|teams?|accounts?|tenants?|roles?)$/.test(
          table.name,
        )
          ? 3
          : 0) -
        (/invit/.test(table.name) ? 6 : 0);
      const organizations = organizationOf(table, organization, tables)!;
      return score < 4
        ? []
        : [
            {
              score,
              organizations,
              membership: { table, organization: organization.name, ...joined, role: role?.name },
            },
          ];
    });
  return found.sort((a, b) => b.score - a.score)[0];
}

/** The same with its role, where that is a number: a level, or a permission for each of its bits. */
export function withGrades(found: FoundMembers | undefined, { valuedRole }: ComparedKeys): FoundMembers | undefined {
  const { table, user, role } = found?.membership ?? {};
  if (found === undefined || table === undefined || user === undefined || role !== undefined) return found;
  const valued = valuedRole(table, keyColumns(table, user));
  const isNumber = table.columns.some(({ name, category }) => name === valued?.column && category === 'N');
  return valued === undefined || !isNumber
    ? found
    : { ...found, membership: { ...found.membership, role: valued.column, values: valued.values } };
}

/**
 * The table of who works where, whatever it is called: one row for each user and each row of another table that nobody owns, with a
 * role, and policies ask for it.
 */
export function findStaffOf(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  persons: readonly Persons[],
  { isOwnKey, isAsked, isAskedFor }: ComparedKeys,
): FoundMembers | undefined {
  const references = (target: RelationRow): number =>
    tables.filter(({ constraints }) => constraints.some((key) => key.target === qualifiedName(target))).length;
  const found = tables.flatMap((table) => {
    const [joined] = joinedIn(table, userTables, persons);
    const role = table.columns.find(({ name }) => roleColumns.test(name));
    if (joined === undefined || role === undefined || !(isOwnKey(table, joined.user) || isAsked(table))) return [];
    return table.constraints.flatMap((key) => {
      const [organization, ...more] = key.columns;
      const organizations = tables.find((other) => qualifiedName(other) === key.target);
      const isOfBoth = table.constraints.some(
        ({ type, columns }) =>
          (type === 'u' || type === 'p') && [joined.user, organization].sort().join() === columns.toSorted().join(),
      );
      if (organization === joined.user) return [];
      if (key.type !== 'f' || organization === undefined || more.length > 0 || organizations === undefined || !isOfBoth)
        return [];
      // Who has asked to join, or was invited, works there no more than a stranger.
      const hasStates = table.columns.some(
        ({ name, category, labels }) =>
          name !== role.name &&
          !key.columns.includes(name) &&
          (category === 'S' || labels !== null) &&
          isAskedFor(table, name),
      );
      const isOther =
        hasStates ||
        userTables.has(qualifiedName(organizations)) ||
        primaryKey(organizations).length !== 1 ||
        organizations.columns.some((column) => isUserColumn(organizations, column, userTables));
      const membership = { table, organization, ...joined, role: role.name };
      return isOther ? [] : [{ score: references(organizations), organizations, membership }];
    });
  });
  return found.sort((a, b) => b.score - a.score)[0];
}

/**
 * The same where the role is no column that is called so: a row for a user and a row of another table that nobody owns. That one asks for
 * it, and others do that belong to that one.
 */
export function findValuedMembers(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  persons: readonly Persons[],
  compared: ComparedKeys,
): FoundMembers | undefined {
  return findMembersBy(tables, userTables, persons, compared, (table, user, organization) => {
    const role = compared.valuedRole(table, keyColumns(table, user.user));
    return role && { table, organization, ...user, role: role.column, values: role.values };
  });
}

/**
 * The same where all members may do the same: one row for both, without a state that anything asks for, and something that names no user
 * belongs to the organization. What has only rows of users is no organization, as a chat.
 */
export function findPlainMembers(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  persons: readonly Persons[],
  compared: ComparedKeys,
): FoundMembers | undefined {
  return findMembersBy(tables, userTables, persons, compared, (table, user, organization, belonging) => {
    const isOfBoth = table.constraints.some(
      ({ type, columns }) =>
        (type === 'u' || type === 'p') && [user.user, organization].sort().join() === columns.toSorted().join(),
    );
    const keys = keyColumns(table, user.user);
    const hasStates = table.columns.some(({ name }) => !keys.has(name) && compared.isAskedFor(table, name));
    const isOfNobody = (other: RelationRow): boolean =>
      !other.columns.some((column) => isUserColumn(other, column, userTables));
    return isOfBoth && !hasStates && belonging.some(isOfNobody)
      ? { table, organization, ...user, role: undefined }
      : undefined;
  });
}

function keyColumns(table: RelationRow, user: string): Set<string> {
  const foreign = table.constraints.flatMap((key) => (key.type === 'f' ? key.columns : []));
  return new Set([...primaryKey(table), ...foreign, user]);
}

function findMembersBy(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  persons: readonly Persons[],
  { isAskedBy }: ComparedKeys,
  membershipOf: (
    table: RelationRow,
    user: Joined,
    organization: string,
    belonging: readonly RelationRow[],
  ) => Membership | undefined,
): FoundMembers | undefined {
  const found = tables.flatMap((table) => {
    // Who has a row for itself there is a user, with an organization in its profile.
    if (userTables.has(qualifiedName(table))) return [];
    const [user, ...others] = joinedIn(table, userTables, persons);
    if (user === undefined || others.length > 0) return [];
    return table.constraints.flatMap(({ type, columns, target }): FoundMembers[] => {
      const [organization, ...more] = columns;
      const organizations = tables.find((other) => qualifiedName(other) === target);
      if (type !== 'f' || organization === undefined || more.length > 0 || organizations === undefined) return [];
      if (organization === user.user) return [];
      if (organizations === table || userTables.has(target!) || primaryKey(organizations).length !== 1) return [];
      if (organizations.columns.some((column) => isUserColumn(organizations, column, userTables))) return [];
      const belonging = tables.filter(
        (other) =>
          other !== table &&
          other !== organizations &&
          other.constraints.some((key) => key.target === target) &&
          isAskedBy(table, other),
      );
      if (belonging.length === 0 || !isAskedBy(table, organizations)) return [];
      const membership = membershipOf(table, user, organization, belonging);
      return membership === undefined ? [] : [{ score: belonging.length, organizations, membership }];
    });
  });
  return found.sort((a, b) => b.score - a.score)[0];
}
