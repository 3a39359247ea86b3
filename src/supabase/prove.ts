import { randomUUID } from 'node:crypto';
import type { SupabaseClient } from '@supabase/supabase-js';
import { openClient } from './client.ts';
import type { Clock } from './clock.ts';
import { makePassword } from './password.ts';
import { proveAnonymous, type Proof, type ProvedTable } from './prove-anonymous.ts';
import { proveStorage, type ProvedBucket } from './prove-storage.ts';
import { proveProfile, type ProfileTable } from './prove-profile.ts';
import type { ProjectKeys } from './keys.ts';
import type { Secret } from './secret.ts';
import { asServiceError, persistently, serviceFailed } from './service-error.ts';

export interface ProofRequest {
  /** The project's own URL. */
  url: string;
  keys: ProjectKeys;
  clock: Clock;
  /** Tables of the exposed schemas, and whether the files declare each readable by everybody. */
  tables: readonly ProvedTable[];
  /** Where a signed-in user's own row is; undefined: the kit has none. */
  profile?: ProfileTable;
  buckets: readonly ProvedBucket[];
  /** Who to sign in as. Without, a user is made for the proof and deleted after it (an invited admin has no password yet). */
  admin?: { email: string; password: Secret };
}

/**
 * Proves through the project's public API: as nobody, as a signed-in user, and in the storage.
 * @throws MuseError `configure-failed` where signing in is not possible at all
 */
export async function proveProject(request: ProofRequest): Promise<Proof> {
  const { url, keys, clock } = request;
  const nobody = await openClient(url, keys.client);
  const service = await openClient(url, keys.server);
  const parts = [await proveAnonymous(nobody, service, request.tables, clock)];
  const notes: string[] = [];
  const guest = request.admin ? undefined : await makeGuest(service, clock);
  try {
    const user = await openClient(url, keys.client);
    const userId = await signIn(user, request.admin ?? guest?.credentials, clock);
    if (request.profile) parts.push(await proveProfile(user, userId, request.profile, clock));
    parts.push(await proveStorage({ nobody, user, service, userId, buckets: request.buckets, clock }));
  } finally {
    if (guest) {
      const { error } = await persistently(clock, () => service.auth.admin.deleteUser(guest.id));
      if (error) notes.push(`The user ${guest.credentials.email}, made for the proof, could not be deleted: ${asServiceError(error).message}`);
    }
  }
  return {
    findings: parts.flatMap((part) => part.findings),
    checks: parts.reduce((sum, part) => sum + part.checks, 0),
    notes: [...parts.flatMap((part) => part.notes), ...notes],
  };
}

interface Credentials {
  email: string;
  password: Secret;
}

async function makeGuest(service: SupabaseClient, clock: Clock): Promise<{ id: string; credentials: Credentials }> {
  const credentials = { email: `muse-proof-${randomUUID()}@example.com`, password: makePassword() };
  const attributes = { email: credentials.email, password: credentials.password.reveal(), email_confirm: true };
  const { data, error } = await persistently(clock, () => service.auth.admin.createUser(attributes));
  if (error || !data.user) throw serviceFailed('Making a user for the proof', error ?? { message: 'no user in the answer' });
  return { id: data.user.id, credentials };
}

async function signIn(client: SupabaseClient, credentials: Credentials | undefined, clock: Clock): Promise<string> {
  const { email = '', password } = credentials ?? {};
  const attempt = { email, password: password?.reveal() ?? '' };
  const { data, error } = await persistently(clock, () => client.auth.signInWithPassword(attempt));
  if (error || !data.user) throw serviceFailed(`Signing in as ${email}`, error ?? { message: 'no user in the answer' });
  return data.user.id;
}
