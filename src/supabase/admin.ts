import type { SupabaseClient } from '@supabase/supabase-js';
import type { Clock } from './clock.ts';
import type { Secret } from './secret.ts';
import { asServiceError, isUnknownTable, persistently, serviceFailed } from './service-error.ts';

interface AdminRequest {
  email: string;
  /** With a password the user can sign in at once; without, an invitation is mailed. */
  password?: Secret;
  /** The target of the invitation's link. */
  redirectTo?: string;
  /** Sets the password of an existing user: only if an earlier run stopped while it created them. */
  resetPassword?: boolean;
}

interface Admin {
  userId: string;
  /** False if the user existed; then their password is unchanged, unless it was reset. */
  created: boolean;
}

/**
 * Creates the first admin, or finds the one that an earlier run created.
 * @param client with the project's server key
 * @throws MuseError `configure-failed`
 */
export async function ensureAdmin(client: SupabaseClient, request: AdminRequest, clock: Clock): Promise<Admin> {
  const there = await findUser(client, request.email, clock);
  if (there) {
    if (request.resetPassword && request.password) {
      const attributes = { password: request.password.reveal(), email_confirm: true };
      const { error } = await persistently(clock, () => client.auth.admin.updateUserById(there, attributes));
      if (error) throw serviceFailed("Setting the admin's password", error);
    }
    return { userId: there, created: false };
  }
  const made = await persistently(clock, () => makeUser(client, request));
  if (made.data?.user) return { userId: made.data.user.id, created: true };
  // An earlier attempt may have created the user even if its answer was lost.
  const found = isTaken(made.error) ? await findUser(client, request.email, clock) : undefined;
  if (found) return { userId: found, created: true };
  throw serviceFailed(`Creating the admin ${request.email}`, made.error ?? { message: 'no user in the answer' });
}

/**
 * Gives the user a role in the kit's table of roles, if the kit has one and the user has no role.
 * @returns `granted`, `there` if they already had a row (with any role), `no-table`
 * @throws MuseError `configure-failed`
 */
export async function grantRole(
  client: SupabaseClient,
  userId: string,
  role: { table: string; value: string },
  clock: Clock,
): Promise<'granted' | 'there' | 'no-table'> {
  const rows = await persistently(clock, () => client.from(role.table).select('role').eq('user_id', userId));
  if (rows.error) {
    if (isUnknownTable(rows.error)) return 'no-table';
    throw serviceFailed(`Reading ${role.table}`, rows.error);
  }
  if (Array.isArray(rows.data) && rows.data.length > 0) return 'there';
  const { error } = await client.from(role.table).insert({ user_id: userId, role: role.value });
  if (error && error.code !== '23505') throw serviceFailed(`Writing the admin's row in ${role.table}`, error);
  return 'granted';
}

async function makeUser(
  client: SupabaseClient,
  request: AdminRequest,
): Promise<{ data: { user: { id: string } | null }; error: unknown }> {
  const { email, password, redirectTo } = request;
  return password
    ? client.auth.admin.createUser({ email, password: password.reveal(), email_confirm: true })
    : client.auth.admin.inviteUserByEmail(email, redirectTo === undefined ? {} : { redirectTo });
}

async function findUser(client: SupabaseClient, email: string, clock: Clock): Promise<string | undefined> {
  const perPage = 200;
  for (let page = 1; ; page += 1) {
    const { data, error } = await persistently(clock, () => client.auth.admin.listUsers({ page, perPage }));
    if (error) throw serviceFailed('Listing the users', error);
    const found = data.users.find((user) => user.email?.toLowerCase() === email.toLowerCase());
    if (found) return found.id;
    if (data.users.length < perPage) return undefined;
  }
}

function isTaken(error: unknown): boolean {
  if (!error) return false;
  const { code, message } = asServiceError(error);
  return code === 'email_exists' || code === 'user_already_exists' || /already (?:been )?registered/i.test(message);
}
