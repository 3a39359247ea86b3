import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import type { Finding } from '../shared/finding.ts';
import { openClient, type ProjectKeys } from './keys.ts';
import type { Clock } from './clock.ts';
import type { TableAccess } from './table-access.ts';
import { type Proof, proveStorage, type ProvedBucket } from './prove-storage.ts';
import { makePassword, type Secret } from './secret.ts';
import { asServiceError, persistently, serviceFailed } from './service-error.ts';

export interface ProofRequest {
  /** The project's own URL. */
  url: string;
  keys: ProjectKeys;
  clock: Clock;
  /** Tables of the exposed schemas, and whether the files declare them readable by everyone. */
  tables: readonly ProvedTable[];
  /** The table with a signed-in user's own row; undefined if the kit has none. */
  profile?: ProfileTable;
  buckets: readonly ProvedBucket[];
  /**
   * Who to sign in as. Default: a user that is created for the test and deleted after it (an invited admin has no
   * password yet).
   */
  admin?: { email: string; password: Secret };
}

export interface ProjectProof extends Proof {
  /** What was tried with a signed-in user's own row. */
  profile: readonly ('read' | 'change')[];
}

/**
 * Tests access through the project's public API: as an anonymous visitor, as a signed-in user, and in Storage. What a run that was
 * killed left behind is removed first: its user is known by its address, its files by their names.
 * @throws MuseError `configure-failed` if signing in is not possible at all
 */
export async function proveProject(request: ProofRequest): Promise<ProjectProof> {
  const { url, keys, clock } = request;
  const nobody = await openClient(url, keys.client);
  const service = await openClient(url, keys.server);
  const parts = [await proveAnonymous(nobody, request.tables, clock)];
  const notes: string[] = [];
  let profile: ProjectProof['profile'] = [];
  const former = await findGuests(service, clock);
  notes.push(...(await removeGuests(service, former, clock)));
  const guest = request.admin ? undefined : await makeGuest(service, clock);
  try {
    const user = await openClient(url, keys.client);
    const userId = await signIn(user, request.admin ?? guest?.credentials, clock);
    if (request.profile) {
      const own = await proveProfile(user, service, userId, request.profile, clock);
      profile = (['read', 'change'] as const).slice(0, own.checks);
      parts.push(own);
    }
    const formerIds = former.map(({ id }) => id);
    parts.push(await proveStorage({ nobody, user, service, userId, formerIds, buckets: request.buckets, clock }));
  } finally {
    if (guest) notes.push(...(await removeGuests(service, [{ id: guest.id, email: guest.credentials.email }], clock)));
  }
  return {
    findings: parts.flatMap((part) => part.findings),
    checks: parts.reduce((sum, part) => sum + part.checks, 0),
    notes: [...parts.flatMap((part) => part.notes), ...notes],
    profile,
  };
}

/** A user that was created for a test. */
interface Guest {
  id: string;
  email: string;
}

/** The address of a user that is created for the test. */
const guestAddress = /^muse-proof-[\da-f-]{36}@example\.com$/;

/** How many users are looked through for those of earlier tests, the newest first: pages, and users of a page. */
const [mostPages, perPage] = [10, 1000];

/** Users of tests that were killed. */
async function findGuests(service: SupabaseClient, clock: Clock): Promise<Guest[]> {
  const found: Guest[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    const { data, error } = await persistently(clock, () => service.auth.admin.listUsers({ page, perPage }));
    if (error) throw serviceFailed('Looking for users of earlier tests', error);
    for (const { id, email = '' } of data.users) if (guestAddress.test(email)) found.push({ id, email });
    if (data.users.length < perPage) break;
  }
  return found;
}

/** Deletes them; gives a note for each that stays. */
async function removeGuests(service: SupabaseClient, guests: readonly Guest[], clock: Clock): Promise<string[]> {
  const notes: string[] = [];
  for (const { id, email } of guests) {
    const { error } = await persistently(clock, () => service.auth.admin.deleteUser(id));
    if (error)
      notes.push(`The user ${email}, created for the test, could not be deleted: ${asServiceError(error).message}`);
  }
  return notes;
}

interface Credentials {
  email: string;
  password: Secret;
}

async function makeGuest(service: SupabaseClient, clock: Clock): Promise<{ id: string; credentials: Credentials }> {
  const credentials = { email: `muse-proof-${randomUUID()}@example.com`, password: makePassword() };
  const attributes = { email: credentials.email, password: credentials.password.reveal(), email_confirm: true };
  const { data, error } = await persistently(clock, () => service.auth.admin.createUser(attributes));
  if (error || !data.user)
    throw serviceFailed('Creating a user for the test', error ?? { message: 'no user in the answer' });
  return { id: data.user.id, credentials };
}

async function signIn(client: SupabaseClient, credentials: Credentials | undefined, clock: Clock): Promise<string> {
  const { email = '', password } = credentials ?? {};
  const attempt = { email, password: password?.reveal() ?? '' };
  const { data, error } = await persistently(clock, () => client.auth.signInWithPassword(attempt));
  if (error || !data.user) throw serviceFailed(`Signing in as ${email}`, error ?? { message: 'no user in the answer' });
  return data.user.id;
}

/** The table that has one row for each user. */
interface ProfileTable {
  schema: string;
  name: string;
  /** The column with the user's id: `id` or `user_id`. */
  userColumn: string;
  /** What its policies let a user do with that row; a missing privilege for it is a fault. */
  userMay: TableAccess['userMay'];
}

/** Columns that a trigger or the database sets: writing them proves nothing. */
const kept = new Set(['created_at', 'updated_at']);

/**
 * The signed-in user can read their own row, and write it: some column is set to its current value. Each only where a policy is
 * meant for it, and both only where the user has a row: some kits make it at sign-up, others when it is first needed.
 */
async function proveProfile(
  user: SupabaseClient,
  service: SupabaseClient,
  userId: string,
  table: ProfileTable,
  clock: Clock,
): Promise<Proof> {
  const object = `${table.schema}.${table.name}`;
  const from = (client: SupabaseClient) => client.schema(table.schema).from(table.name);
  const own = (client: SupabaseClient) =>
    persistently(clock, () => from(client).select('*').eq(table.userColumn, userId));
  if (!table.userMay.select) return { findings: [], checks: 0, notes: [] };
  const { data, error } = await own(user);
  const row = (data as Record<string, unknown>[] | null)?.[0];
  if (!row) {
    const reason = error ? asServiceError(error).message : 'there is no row';
    const isThere = error !== null || ((await own(service)).data ?? []).length > 0;
    if (isThere) return { findings: [lockedOut(object, `read their own row: ${reason}`, table)], checks: 1, notes: [] };
    const note = `A new user has no row in ${object}, so reading and changing it was not tried through the public API.`;
    return { findings: [], checks: 0, notes: [note] };
  }
  if (!table.userMay.update) return { findings: [], checks: 1, notes: [] };
  let reason = 'none of its columns can be updated';
  for (const [column, value] of Object.entries(row)) {
    if (kept.has(column) || column === table.userColumn) continue;
    const update = await persistently(clock, () =>
      from(user)
        .update({ [column]: value })
        .eq(table.userColumn, userId)
        .select(table.userColumn),
    );
    if (!update.error && update.data.length === 1) return { findings: [], checks: 2, notes: [] };
    if (update.error) reason = asServiceError(update.error).message;
  }
  return { findings: [lockedOut(object, `change their own row: ${reason}`, table)], checks: 2, notes: [] };
}

function lockedOut(object: string, what: string, table: ProfileTable): Finding {
  return {
    rule: 'owner-locked-out',
    severity: 'error',
    object,
    message: `A signed-in user cannot ${what}.`,
    suggestion:
      `grant select, update on ${object} to authenticated; create policy "own row" on ${object} for all to ` +
      `authenticated using ((select auth.uid()) = ${table.userColumn}) with check ((select auth.uid()) = ` +
      `${table.userColumn});`,
  };
}

interface ProvedTable {
  schema: string;
  name: string;
  /** Declared `public-read` in the files. */
  publicRead: boolean;
  /** What the catalog says about it; absent where the catalog does not have the table. */
  access?: TableAccess | undefined;
}

/**
 * As an anonymous visitor, no table can be read unless it is declared public, and no table can be written. No
 * row is added for it.
 */
async function proveAnonymous(nobody: SupabaseClient, tables: readonly ProvedTable[], clock: Clock): Promise<Proof> {
  const findings: Finding[] = [];
  let checks = 0;
  // New tables get into the API's schema cache together: only the first one is waited for.
  let waits = true;
  for (const table of tables) {
    const object = `${table.schema}.${table.name}`;
    if (!table.publicRead) {
      checks += 1;
      const { data, error } = await persistently(
        clock,
        () => nobody.schema(table.schema).from(table.name).select('*').limit(1),
        waits,
      );
      waits = false;
      if (!error && data.length > 0) findings.push(canRead(object));
      else if (error && !isRefusal(error)) findings.push(failed(object, asServiceError(error).message));
    }
    checks += 1;
    const writes = await canWrite(nobody, table, clock);
    if (writes === undefined) findings.push(notTried(object));
    else if (writes) findings.push(canChange(object));
  }
  return { findings, checks, notes: [] };
}

/**
 * Whether an anonymous visitor can insert. An insert of no rows is refused without a grant. Then a row is tried that no table
 * keeps: NULL in columns that refuse it, which PostgreSQL checks after the policies; so nothing has to be removed.
 * @returns undefined where such a row cannot be made and a policy may let one through
 */
async function canWrite(
  nobody: SupabaseClient,
  { schema, name, access }: ProvedTable,
  clock: Clock,
): Promise<boolean | undefined> {
  const none = await persistently(clock, () => nobody.schema(schema).from(name).insert([]), false);
  if (none.error && isRefusal(none.error)) return false;
  if (access?.mayInsert === false) return false;
  if (access === undefined || access.required.length === 0) return undefined;
  const { error } = await persistently(
    clock,
    () =>
      nobody
        .schema(schema)
        .from(name)
        .insert(Object.fromEntries(access.required.map((column) => [column, null]))),
    false,
  );
  if (!error) return true;
  if (isRefusal(error)) return false;
  return asServiceError(error).code === notNullViolation ? true : undefined;
}

/** SQLSTATE of a NULL where a column refuses it: by then the policies had let the row through. */
const notNullViolation = '23502';

/**
 * 42501 is PostgreSQL's refusal; a schema that is not exposed (PGRST106) or a table not in the API (PGRST205) refuses
 * too.
 */
function isRefusal(error: unknown): boolean {
  const { code, status } = asServiceError(error);
  return (
    ['42501', 'PGRST106', 'PGRST205', 'PGRST301', 'PGRST302'].includes(code ?? '') || status === 401 || status === 403
  );
}

function canRead(object: string): Finding {
  return {
    rule: 'anon-read',
    severity: 'error',
    object,
    message: `An anonymous visitor can read rows of ${object} through the public API.`,
    suggestion: `revoke select on ${object} from anon; -- or declare it: -- muse: public-read`,
  };
}

function notTried(object: string): Finding {
  return {
    rule: 'not-proven',
    severity: 'warning',
    object,
    message:
      `${object} is not proven: whether an anonymous visitor can insert was not tried through the public API, ` +
      'since no row can be made that the table is sure to refuse.',
    suggestion: `revoke insert on ${object} from anon; -- or look at its INSERT policies by hand`,
  };
}

function canChange(object: string): Finding {
  return {
    rule: 'anon-write',
    severity: 'error',
    object,
    message: `An anonymous visitor can insert rows into ${object} through the public API.`,
    suggestion: `revoke insert, update, delete on ${object} from anon;`,
  };
}

function failed(object: string, message: string): Finding {
  return {
    rule: 'policy-error',
    severity: 'error',
    object,
    message: `Reading ${object} through the public API as an anonymous visitor fails with an error other than a refusal: ${message}`,
    suggestion: `Look at the policies of ${object} and the functions that they call.`,
  };
}
