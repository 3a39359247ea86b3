import { type Catalog, isPlatformSchema, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Isolation } from '../../shared/muse-file.ts';
import { findPersons } from './persons.ts';
import { findMembership, findPlainMembers, findStaffOf, findValuedMembers, withGrades } from './members.ts';
import {
  type ComparedKeys,
  foreignKeyOf,
  isOrganizationColumn,
  isTable,
  mostReferred,
  organizationTables,
  type Persons,
  primaryKey,
  type Tenancy,
  typeOf,
} from './tenancy-columns.ts';

export { isOrganizationColumn, isTable, isUserColumn, primaryKey, type Tenancy } from './tenancy-columns.ts';

/**
 * Finds users, organizations and memberships by foreign keys, and by name where there are none.
 */
export function findTenancy(catalog: Catalog, isolation: Isolation, compared: ComparedKeys): Tenancy {
  const { isOwnKey, isTenantKey } = compared;
  const tables = catalog.relations.filter((row) => isTable(row) && !isPlatformSchema(row.schema));
  const authUsers = catalog.relations.find((row) => qualifiedName(row) === 'auth.users');
  const own = mostReferred(tables, /^(app_)?(users?|profiles?)$/);
  // A kit may reference Supabase's users from its profiles and still isolate by session variables.
  const isBehind = own !== undefined && foreignKeyOf(own, primaryKey(own)[0] ?? '')?.target === 'auth.users';
  const users = authUsers !== undefined && (isolation === 'auth-uid' || isBehind) ? authUsers : own;
  const userTables = users === undefined ? new Set<string>() : tablesOfUsers(tables, users, isOwnKey);
  // What a table of members joins them to is no user, even where a policy compares its key with who asks.
  const joined = findMembership(tables, userTables, findPersons(tables, userTables))?.organizations;
  if (joined !== undefined && typeof foreignKeyOf(joined, primaryKey(joined)[0] ?? '')?.target !== 'string')
    userTables.delete(qualifiedName(joined));
  const persons = findPersons(tables, userTables);
  const membership =
    withGrades(findMembership(tables, userTables, persons), compared) ??
    findStaffOf(tables, userTables, persons, compared) ??
    findValuedMembers(tables, userTables, persons, compared) ??
    findPlainMembers(tables, userTables, persons, compared);
  // An organization without any known table of members does not determine who owns a row.
  const hasUsers = (named: RelationRow): boolean =>
    isolation === 'session' ||
    tables.some((table) =>
      table.columns.some(
        (column) => isTenantKey(table, column.name) && (table === named || isOrganizationColumn(table, column, named)),
      ),
    ) ||
    tables.some(
      (table) =>
        userTables.has(qualifiedName(table)) &&
        table.columns.some((column) => isOrganizationColumn(table, column, named)),
    );
  const others = tables.filter((table) => !userTables.has(qualifiedName(table)));
  const ofProfiles = organizationsOfProfiles(tables, userTables, persons, compared);
  const organizations =
    membership?.organizations ??
    [mostReferred(others, organizationTables), ofProfiles, organizationsOfClaims(others, compared)].find(
      (named) => named !== undefined && hasUsers(named),
    );
  return {
    users,
    userTables,
    persons: findPersons(tables, userTables),
    organizations,
    isList: organizations !== undefined && organizations === ofProfiles && isList(organizations, others),
    membership: membership?.membership,
  };
}

/** The table has one row for a person and something else, as the captains of a league. */
function joinsToMore(table: RelationRow, { table: people, through }: Persons): boolean {
  const targets = primaryKey(table).map((column) => foreignKeyOf(table, column)?.target ?? undefined);
  return (
    table !== through.table &&
    targets.length === 2 &&
    targets.includes(qualifiedName(people)) &&
    targets.some((target) => target !== undefined && target !== qualifiedName(people))
  );
}

/** What users belong to by their profiles alone, without a name of organizations, and of which they write nothing, as the lessons of a plan. */
function isList(organizations: RelationRow, others: readonly RelationRow[]): boolean {
  return (
    !organizationTables.test(organizations.name) &&
    !others.some(
      (table) =>
        table.columns.some((column) => isOrganizationColumn(table, column, organizations)) &&
        table.policies.some(({ permissive, command }) => permissive && command !== 'r'),
    )
  );
}

/** What the rows of users belong to, whatever it is called, if policies let those of the same one do more with rows of other tables. */
function organizationsOfProfiles(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  persons: readonly Persons[],
  { isOfProfile, isAsked }: ComparedKeys,
): RelationRow | undefined {
  const found = tables
    .filter((table) => userTables.has(qualifiedName(table)))
    .flatMap((profiles) =>
      profiles.constraints.flatMap(({ type, columns: [own], target }) => {
        const parent = tables.find((table) => qualifiedName(table) === target);
        if (type !== 'f' || own === undefined || parent === undefined || userTables.has(target!)) return [];
        // People are not what users belong to: what stands for one user alone, or is itself joined to what policies ask about.
        const isOfPeople = persons.some(
          (one) =>
            one.table === parent &&
            one.through.table === profiles &&
            (!one.isShared || tables.some((table) => isAsked(table) && joinsToMore(table, one))),
        );
        if (isOfPeople) return [];
        const asking = tables.filter(
          (table) =>
            table !== profiles &&
            table.constraints.some(
              ({ type: kind, columns: [column], target: other }) =>
                kind === 'f' && other === target && column !== undefined && isOfProfile(table, column, profiles, own),
            ),
        );
        return asking.length === 0 || primaryKey(parent).length !== 1 ? [] : [{ parent, count: asking.length }];
      }),
    );
  return found.sort((a, b) => b.count - a.count)[0]?.parent;
}

/** What rows belong to by a key that policies compare with a claim of the token, which the server signs. */
function organizationsOfClaims(tables: readonly RelationRow[], { isTenantKey }: ComparedKeys): RelationRow | undefined {
  const count = (parent: RelationRow): number =>
    tables.filter((table) =>
      table.constraints.some(
        ({ type, columns: [column, ...more], target }) =>
          type === 'f' &&
          target === qualifiedName(parent) &&
          column !== undefined &&
          more.length === 0 &&
          isTenantKey(table, column),
      ),
    ).length;
  return tables
    .filter((table) => primaryKey(table).length === 1 && count(table) > 0)
    .sort((a, b) => count(b) - count(a))[0];
}

function tablesOfUsers(
  tables: readonly RelationRow[],
  users: RelationRow,
  isOwnKey: (table: RelationRow, column: string) => boolean,
): Set<string> {
  const found = new Set([qualifiedName(users)]);
  // A user column beside the key may only note who wrote the row; what policies compare with who asks is whose the row is.
  const refersToAsker = (table: RelationRow): boolean =>
    table.constraints.some(
      (key) => key.target !== null && found.has(key.target) && key.columns.some((column) => isOwnKey(table, column)),
    );
  // A key that the database makes up is no user's ID where another column must hold one.
  const isMadeForRow = (table: RelationRow, column: string): boolean =>
    table.columns.some(({ name, default: value }) => name === column && value !== null) &&
    table.constraints.some(
      ({ type, target, columns }) =>
        type === 'f' &&
        target !== null &&
        found.has(target) &&
        columns.every((name) => table.columns.some((one) => one.name === name && one.notNull)),
    );
  for (let before = 0; before < found.size;) {
    before = found.size;
    const own: RelationRow[] = [];
    for (const table of tables) {
      const [column, ...more] = primaryKey(table);
      const target = column === undefined || more.length > 0 ? undefined : foreignKeyOf(table, column)?.target;
      const isOwn =
        column !== undefined &&
        target === undefined &&
        typeOf(table, column) === typeOf(users, primaryKey(users)[0] ?? '') &&
        isOwnKey(table, column) &&
        !refersToAsker(table) &&
        !isMadeForRow(table, column);
      const isProfile =
        users.schema === 'auth' &&
        /^profiles?$/.test(table.name) &&
        column === 'id' &&
        typeOf(table, column) === 'uuid' &&
        !refersToAsker(table);
      if ((typeof target === 'string' && found.has(target)) || isProfile) found.add(qualifiedName(table));
      else if (isOwn) own.push(table);
    }
    if (found.size > before) continue;
    // Where such a table refers to another one by whose it is, the other one is of users.
    const names = new Set(own.map(qualifiedName));
    for (const table of own) {
      const targets = table.columns.map(({ name }) =>
        isOwnKey(table, name) ? foreignKeyOf(table, name)?.target : null,
      );
      if (!targets.some((target) => names.has(target ?? '') && target !== qualifiedName(table)))
        found.add(qualifiedName(table));
    }
  }
  return found;
}
