import { MuseError } from '../shared/error.ts';
import type { Isolation } from '../shared/muse-file.ts';
import { fitName } from './names.ts';
import type { CoreFacts } from './table.ts';

/** A column of a table that exists before the extension, as a foreign key references it. */
export interface Key {
  schema: string;
  table: string;
  column: string;
  /** Its type, as in the catalog. */
  type: string;
}

/** The table of organization members. */
export interface Membership {
  schema: string;
  table: string;
  organizationColumn: string;
  organizationType: string;
  userType: string;
  /** Only these states count, if the table has a column `status`. */
  hasStatus: boolean;
  hasDeletedAt: boolean;
}

/** A function that the file calls: an existing one, or one that the file creates. */
export interface Helper {
  schema: string;
  name: string;
  exists: boolean;
}

export const splitName = (name: string): { schema: string; table: string } => {
  const dot = name.indexOf('.');
  return dot < 0 ? { schema: 'public', table: name } : { schema: name.slice(0, dot), table: name.slice(dot + 1) };
};

/** The one key of a table that exists, or undefined if it has none, or one with several columns. */
export function keyOf(core: CoreFacts, name: string): Key | undefined {
  const facts = core.tables[name];
  const [column, ...more] = facts?.primaryKey ?? [];
  if (name === 'auth.users') return { schema: 'auth', table: 'users', column: 'id', type: 'uuid' };
  const type = column === undefined ? undefined : facts?.columns[column];
  return column === undefined || type === undefined || more.length > 0
    ? undefined
    : { ...splitName(name), column, type };
}

/**
 * Where core keeps users: `profiles` if its key is the id that they sign in with, else `auth.users`. With session
 * variables there may be no such table; then the owner column has no foreign key.
 */
export function peopleKey(core: CoreFacts, isolation: Isolation): Key | undefined {
  const profiles = keyOf(core, 'public.profiles');
  // The key of a profile that also has a user_id is not what auth.uid() returns.
  const isUser =
    profiles?.type === 'uuid' &&
    (profiles.column === 'user_id' || core.tables['public.profiles']?.columns['user_id'] === undefined);
  if (profiles !== undefined && isUser) return profiles;
  if (isolation === 'auth-uid') return keyOf(core, 'auth.users');
  const users = keyOf(core, 'public.users');
  return users?.type === 'uuid' ? users : undefined;
}

/** The table of organizations that core has, by its key; undefined if there is none. */
export function organizationKey(core: CoreFacts): Key | undefined {
  return ['public.organizations', 'public.organisations', 'public.orgs']
    .map((name) => keyOf(core, name))
    .find((key) => key !== undefined);
}

const plain = /^[a-z_][a-z0-9_]*$/;

/** The table of memberships, known by its columns; undefined if core has none. */
export function membershipOf(core: CoreFacts): Membership | undefined {
  const found = Object.entries(core.tables).flatMap(([name, { columns }]) => {
    const organizationColumn = ['organization_id', 'org_id'].find((column) => columns[column] !== undefined);
    const { schema, table } = splitName(name);
    // Invitations, posts and others have the same two columns; a table of members has that word in its name.
    const fits = /(^|_)(members?|memberships?)$/.test(table) && plain.test(table) && plain.test(schema);
    if (organizationColumn === undefined || columns['user_id'] === undefined || !fits) return [];
    return [
      {
        schema,
        table,
        organizationColumn,
        organizationType: columns[organizationColumn] ?? 'uuid',
        userType: columns['user_id'],
        hasStatus: columns['status'] !== undefined,
        hasDeletedAt: columns['deleted_at'] !== undefined,
      },
    ];
  });
  return found.find(({ table }) => table === 'organization_members') ?? found[0];
}

/** The function that returns the ids of the signed-in user's organizations as an array. */
export function organizationsHelper(core: CoreFacts, muse: string): Helper {
  return helper(core, muse, 'user_organization_ids');
}

/** The trigger function that sets `updated_at`. */
export function updatedAtHelper(core: CoreFacts, muse: string): Helper {
  return helper(core, muse, 'set_updated_at');
}

function helper(core: CoreFacts, muse: string, name: string): Helper {
  const own = fitName([muse], name);
  const known = [name, own].find((candidate) => core.functions.includes(`private.${candidate}()`));
  return { schema: 'private', name: known ?? own, exists: known !== undefined };
}

/**
 * Checks that core has what a table whose rows belong to organizations needs.
 * @throws MuseError `bad-table` naming what is missing
 */
export function requireMembership(core: CoreFacts, table: string): Membership {
  const membership = membershipOf(core);
  if (membership !== undefined) return membership;
  throw new MuseError({
    code: 'bad-table',
    message: `The rows of "${table}" belong to organizations, but core has no table of organization members.`,
    detail:
      'Looked for a table of members, e.g. organization_members, with the columns organization_id (or org_id) and user_id.',
    suggestion: 'Use a kit that has one, e.g. the built-in kit, or let the rows belong to a user: owner user.',
  });
}
