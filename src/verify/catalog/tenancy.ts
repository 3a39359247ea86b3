import {
  type Catalog,
  type ColumnRow,
  type ConstraintRow,
  isPlatformSchema,
  qualifiedName,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import type { Isolation } from '../../shared/muse-file.ts';
import type { ValuedRole } from './valued-roles.ts';

/** The tables of users, organizations and memberships in this database. */
export interface Tenancy {
  /** The table of users, `auth.users` or the kit's own; undefined if there is none. */
  users: RelationRow | undefined;
  /** Tables whose primary key is a user's ID, including `users`. */
  userTables: ReadonlySet<string>;
  organizations: RelationRow | undefined;
  membership:
    | {
        table: RelationRow;
        organization: string;
        user: string;
        role: string | undefined;
        /** What the role's column holds, by the name of the role in the proof; only where the two differ. */
        values?: ReadonlyMap<string, string>;
      }
    | undefined;
}

const organizationTables =
  /^(.*_)?(organi[sz]ations?|orgs?|teams?|tenants?|workspaces?|compan(y|ies)|accounts?|groups?|business(es)?|agenc(y|ies)|dealerships?)$/;
const organizationColumns =
  /^(organi[sz]ation|org|team|tenant|workspace|company|account|group|business|agency|dealership)_id$/;
const userColumns =
  /^(user|owner|profile|author|creator|member|sender|recipient|customer|client|affiliate|actor)(_user)?_id$|^(.*_)?user_id$|^(created|updated|invited|assigned|approved|uploaded|reviewed|deleted|requested|sent|suspended)_(by|to)(_id)?$|^(owner|author|assignee|uploader)$/;

const roleColumns = /^((member|user|org|organization|account|team)_)?role$/;

/** The tables that rows can be inserted into. */
export function isTable(row: RelationRow): boolean {
  return row.kind === 'r' || row.kind === 'p';
}

/** Columns of the primary key. */
export function primaryKey(table: RelationRow): string[] {
  return table.constraints.find((constraint) => constraint.type === 'p')?.columns ?? [];
}

/** The foreign key of that column alone. */
function foreignKeyOf(table: RelationRow, column: string): ConstraintRow | undefined {
  return table.constraints.find((key) => key.type === 'f' && key.columns.length === 1 && key.columns[0] === column);
}

/** What policies compare a column with. */
export interface ComparedKeys {
  /** The current user. */
  isOwnKey(table: RelationRow, column: string): boolean;
  /** A claim that the server signs and that is not a user's ID. */
  isTenantKey(table: RelationRow, column: string): boolean;
  /** Policies of other tables read the table. */
  isAsked(table: RelationRow): boolean;
  /** Policies of the table compare the column with what the user's own row in a table of users has in a column of its own. */
  isOfProfile(table: RelationRow, column: string, profiles: RelationRow, own: string): boolean;
  /** The column by which policies let some members do more than others, if it is none that is called a role. */
  valuedRole(table: RelationRow, keys: ReadonlySet<string>): ValuedRole | undefined;
  /** Policies of the table, or the functions that they call, name the other one. */
  isAskedBy(table: RelationRow, asker: RelationRow): boolean;
  /** Something asks what is in the column of the table's rows. */
  isAskedFor(table: RelationRow, column: string): boolean;
}

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
  const joined = findMembership(tables, userTables)?.organizations;
  if (joined !== undefined && typeof foreignKeyOf(joined, primaryKey(joined)[0] ?? '')?.target !== 'string')
    userTables.delete(qualifiedName(joined));
  const membership =
    findMembership(tables, userTables) ??
    findStaffOf(tables, userTables, compared) ??
    findValuedMembers(tables, userTables, compared);
  const named =
    membership?.organizations ??
    mostReferred(
      tables.filter((table) => !userTables.has(qualifiedName(table))),
      organizationTables,
    ) ??
    organizationsOfProfiles(tables, userTables, compared);
  // An organization without any known table of members does not determine who owns a row.
  const hasUsers =
    membership !== undefined ||
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
  const organizations = hasUsers ? named : undefined;
  return { users, userTables, organizations, membership: membership?.membership };
}

/** What the rows of users belong to, whatever it is called, if policies let those of the same one do more with rows of other tables. */
function organizationsOfProfiles(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  { isOfProfile }: ComparedKeys,
): RelationRow | undefined {
  const found = tables
    .filter((table) => userTables.has(qualifiedName(table)))
    .flatMap((profiles) =>
      profiles.constraints.flatMap(({ type, columns: [own], target }) => {
        const parent = tables.find((table) => qualifiedName(table) === target);
        if (type !== 'f' || own === undefined || parent === undefined || userTables.has(target!)) return [];
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

function mostReferred(tables: readonly RelationRow[], name: RegExp): RelationRow | undefined {
  const count = (table: RelationRow): number =>
    tables.flatMap((other) => other.constraints).filter((key) => key.target === qualifiedName(table)).length;
  return tables
    .filter((table) => name.test(table.name) && primaryKey(table).length === 1)
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

function typeOf(table: RelationRow, column: string): string | undefined {
  return table.columns.find(({ name }) => name === column)?.base;
}

interface FoundMembers {
  score: number;
  organizations: RelationRow;
  membership: NonNullable<Tenancy['membership']>;
}

function findMembership(tables: readonly RelationRow[], userTables: ReadonlySet<string>): FoundMembers | undefined {
  const found = tables
    .filter((table) => !organizationTables.test(table.name) || /member/.test(table.name))
    .flatMap((table) => {
      const user = table.columns.find((column) => isUserColumn(table, column, userTables));
      const organization = table.columns.find((column) => organizationOf(table, column, tables) !== undefined);
      if (user === undefined || organization === undefined) return [];
      const role = table.columns.find(({ name }) => roleColumns.test(name));
      const unique = table.constraints.some(
        (key) =>
          (key.type === 'u' || key.type === 'p') &&
          key.columns.includes(user.name) &&
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
              membership: { table, organization: organization.name, user: user.name, role: role?.name },
            },
          ];
    });
  return found.sort((a, b) => b.score - a.score)[0];
}

/**
 * The table of who works where, whatever it is called: one row for each user and each row of another table that nobody owns, with a
 * role, and policies ask for it.
 */
function findStaffOf(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  { isOwnKey, isAsked, isAskedFor }: ComparedKeys,
): FoundMembers | undefined {
  const references = (target: RelationRow): number =>
    tables.filter(({ constraints }) => constraints.some((key) => key.target === qualifiedName(target))).length;
  const found = tables.flatMap((table) => {
    const user = table.columns.find((column) => isUserColumn(table, column, userTables));
    const role = table.columns.find(({ name }) => roleColumns.test(name));
    if (user === undefined || role === undefined || !(isOwnKey(table, user.name) || isAsked(table))) return [];
    return table.constraints.flatMap((key) => {
      const [organization, ...more] = key.columns;
      const organizations = tables.find((other) => qualifiedName(other) === key.target);
      const isOfBoth = table.constraints.some(
        ({ type, columns }) =>
          (type === 'u' || type === 'p') && [user.name, organization].sort().join() === columns.toSorted().join(),
      );
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
      const membership = { table, organization, user: user.name, role: role.name };
      return isOther ? [] : [{ score: references(organizations), organizations, membership }];
    });
  });
  return found.sort((a, b) => b.score - a.score)[0];
}

/**
 * The same where the role is no column that is called so: a row for a user and a row of another table that nobody owns. That one asks for
 * it, and others do that belong to that one.
 */
function findValuedMembers(
  tables: readonly RelationRow[],
  userTables: ReadonlySet<string>,
  { valuedRole, isAskedBy }: ComparedKeys,
): FoundMembers | undefined {
  const found = tables.flatMap((table) => {
    // Who has a row for itself there is a user, with an organization in its profile.
    if (userTables.has(qualifiedName(table))) return [];
    const [user, ...others] = table.columns.filter((column) => isUserColumn(table, column, userTables));
    // A profile, which may name what its user belongs to, is known by itself.
    if (user === undefined || others.length > 0 || userTables.has(qualifiedName(table))) return [];
    return table.constraints.flatMap(({ type, columns, target }): FoundMembers[] => {
      const [organization, ...more] = columns;
      const organizations = tables.find((other) => qualifiedName(other) === target);
      if (type !== 'f' || organization === undefined || more.length > 0 || organizations === undefined) return [];
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
      const keys = new Set([
        ...primaryKey(table),
        ...table.constraints.flatMap((key) => (key.type === 'f' ? key.columns : [])),
        user.name,
      ]);
      const role = valuedRole(table, keys);
      if (role === undefined) return [];
      const membership = { table, organization, user: user.name, role: role.column, values: role.values };
      return [{ score: belonging.length, organizations, membership }];
    });
  });
  return found.sort((a, b) => b.score - a.score)[0];
}

function organizationOf(
  table: RelationRow,
  column: ColumnRow,
  tables: readonly RelationRow[],
): RelationRow | undefined {
  const target = foreignKeyOf(table, column.name)?.target;
  if (typeof target === 'string')
    return tables.find((other) => qualifiedName(other) === target && organizationTables.test(other.name));
  if (!organizationColumns.test(column.name)) return undefined;
  return mostReferred(tables, organizationTables);
}

/** Returns whether a column holds a user's ID. */
export function isUserColumn(table: RelationRow, column: ColumnRow, userTables: ReadonlySet<string>): boolean {
  const target = foreignKeyOf(table, column.name)?.target;
  if (typeof target === 'string') return userTables.has(target);
  return userColumns.test(column.name) && /^(uuid|text|character varying)/.test(column.base);
}

/** Says of a column whether it refers to the row by its primary key. */
function isKeyOf(target: RelationRow, table: RelationRow): (column: ColumnRow) => boolean {
  const key = primaryKey(target);
  return ({ name }) => {
    const reference = foreignKeyOf(table, name);
    const referred = reference?.targetColumns?.[reference.columns.indexOf(name)];
    return reference?.target === qualifiedName(target) && referred !== undefined && key.includes(referred);
  };
}

/** Returns whether a column holds an organization's ID. */
export function isOrganizationColumn(
  table: RelationRow,
  column: ColumnRow,
  organizations: RelationRow | undefined,
): boolean {
  if (organizations === undefined) return false;
  const target = foreignKeyOf(table, column.name)?.target;
  if (typeof target === 'string') {
    // Beside the key of an organization, a row may hold its name.
    const isKey = isKeyOf(organizations, table);
    return (
      target === qualifiedName(organizations) &&
      (isKey(column) || !table.columns.some((other) => other !== column && isKey(other)))
    );
  }
  return (
    organizationColumns.test(column.name) && column.base === typeOf(organizations, primaryKey(organizations)[0] ?? '')
  );
}
