/** The rows of `auth.users` with their identities and factors: found, made, changed, and as GoTrue answers them. */
import { createHash, randomUUID } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import { orDatabaseError } from './errors.ts';
import type { JsonObject } from './values.ts';

/** A row as PostgreSQL's `to_jsonb` has it: times are ISO 8601 with an offset. */
export interface UserRow {
  id: string;
  aud: string;
  role: string;
  email: string | null;
  phone: string | null;
  encrypted_password: string | null;
  email_confirmed_at: string | null;
  phone_confirmed_at: string | null;
  confirmed_at: string | null;
  invited_at: string | null;
  confirmation_token: string | null;
  confirmation_sent_at: string | null;
  recovery_token: string | null;
  recovery_sent_at: string | null;
  email_change: string | null;
  email_change_token_new: string | null;
  email_change_token_current: string | null;
  email_change_sent_at: string | null;
  email_change_confirm_status: number | null;
  phone_change: string | null;
  phone_change_token: string | null;
  phone_change_sent_at: string | null;
  reauthentication_token: string | null;
  reauthentication_sent_at: string | null;
  last_sign_in_at: string | null;
  raw_app_meta_data: JsonObject | null;
  raw_user_meta_data: JsonObject | null;
  created_at: string;
  updated_at: string;
  banned_until: string | null;
  deleted_at: string | null;
  is_anonymous: boolean;
  is_sso_user: boolean;
}

export interface Identity {
  id: string;
  provider_id: string;
  user_id: string;
  identity_data: JsonObject;
  provider: string;
  last_sign_in_at: string | null;
  created_at: string;
  updated_at: string;
  email: string | null;
}

export interface Factor {
  id: string;
  user_id: string;
  friendly_name: string | null;
  factor_type: 'totp' | 'phone' | 'webauthn';
  status: 'unverified' | 'verified';
  created_at: string;
  updated_at: string;
  secret: string | null;
  phone: string | null;
  last_challenged_at: string | null;
  /** What GoTrue's library for WebAuthn keeps: bytes are base64. */
  web_authn_credential: { id: string; publicKey: string } | null;
}

export interface User extends UserRow {
  identities: Identity[];
  factors: Factor[];
}

/** The audience of every user: a local Supabase has one. */
export const audience = 'authenticated';

/** GoTrue's only instance. */
export const instanceId = '00000000-0000-0000-0000-000000000000';

const userSql = `SELECT to_jsonb(u) AS "user",
  coalesce((SELECT jsonb_agg(to_jsonb(i) ORDER BY i.created_at, i.id) FROM auth.identities i
    WHERE i.user_id = u.id), '[]') AS identities,
  coalesce((SELECT jsonb_agg(to_jsonb(f) ORDER BY f.created_at, f.id) FROM auth.mfa_factors f
    WHERE f.user_id = u.id), '[]') AS factors
FROM auth.users u WHERE u.instance_id = '${instanceId}' AND `;

interface Found {
  user: UserRow;
  identities: Identity[];
  factors: Factor[];
}

/** Finds users by a condition on `u`; values are `$1` … */
export async function findUsers(sql: Session, condition: string, values: readonly unknown[]): Promise<User[]> {
  const { rows } = await sql.query<Found>(userSql + condition, values);
  return rows.map(({ user, identities, factors }) => ({ ...user, identities, factors }));
}

const local = `u.aud = '${audience}' AND NOT u.is_sso_user`;

export async function findUserById(sql: Session, id: string): Promise<User | undefined> {
  return (await findUsers(sql, 'u.id = $1', [id]))[0];
}

export async function findUserByEmail(sql: Session, email: string): Promise<User | undefined> {
  return (await findUsers(sql, `lower(u.email) = lower($1) AND ${local} LIMIT 1`, [email]))[0];
}

export async function findUserByPhone(sql: Session, phone: string): Promise<User | undefined> {
  return (await findUsers(sql, `u.phone = $1 AND ${local} LIMIT 1`, [phone]))[0];
}

/** The user who has an address, in their row or in an identity; not `except`. */
export async function findByAnyEmail(sql: Session, email: string, except?: User): Promise<User | undefined> {
  const condition = `${local} AND u.id IS DISTINCT FROM $2::uuid AND (lower(u.email) = lower($1) OR EXISTS (
    SELECT FROM auth.identities i WHERE i.user_id = u.id AND i.email = lower($1) AND i.provider NOT LIKE 'sso:%'))
    LIMIT 1`;
  return (await findUsers(sql, condition, [email, except?.id ?? null]))[0];
}

export interface NewUser {
  id?: string | undefined;
  email?: string | undefined;
  phone?: string | undefined;
  /** bcrypt; none for a user without a password. */
  passwordHash?: string | undefined;
  userMetadata?: JsonObject | undefined;
  appMetadata: JsonObject;
  role?: string | undefined;
  anonymous?: boolean;
}

/**
 * Inserts a user as GoTrue does, so that triggers on `auth.users` see what they see on Supabase: first the row, not
 * confirmed and without a role, then the role.
 * @throws AuthError 500 where a trigger or constraint refuses it
 */
export async function insertUser(sql: Session, user: NewUser, failure: string): Promise<User> {
  const id = user.id ?? randomUUID();
  const columns = {
    instance_id: instanceId,
    id,
    aud: audience,
    role: '',
    email: user.email?.toLowerCase() ?? null,
    phone: user.phone ?? null,
    encrypted_password: user.passwordHash ?? '',
    raw_app_meta_data: user.appMetadata,
    raw_user_meta_data: user.userMetadata ?? {},
    is_anonymous: user.anonymous ?? false,
    confirmation_token: '',
    recovery_token: '',
    email_change: '',
    email_change_token_new: '',
    email_change_token_current: '',
    email_change_confirm_status: 0,
    phone_change: '',
    phone_change_token: '',
    reauthentication_token: '',
  };
  const names = Object.keys(columns);
  const insert = `INSERT INTO auth.users (${names.map(quoteIdentifier).join(', ')}, created_at, updated_at)
    VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')}, now(), now())`;
  await orDatabaseError(failure, sql.query(insert, Object.values(columns)));
  const role = 'UPDATE auth.users SET role = $2, updated_at = now() WHERE id = $1';
  await orDatabaseError(failure, sql.query(role, [id, user.role?.trim() ?? audience]));
  const [inserted] = await findUsers(sql, 'u.id = $1', [id]);
  if (!inserted) throw new Error(`A trigger removed the user ${id} that was just inserted.`);
  return inserted;
}

/** Changes columns of a user, in the database and in `user`. */
export async function updateUser(sql: Session, user: User, changes: Partial<UserRow>): Promise<void> {
  const names = Object.keys(changes);
  const set = names.map((name, index) => `${quoteIdentifier(name)} = $${index + 2}`).join(', ');
  const { rows } = await orDatabaseError(
    'Database error updating user',
    sql.query<{ user: UserRow }>(
      `UPDATE auth.users u SET ${set}, updated_at = now() WHERE id = $1 RETURNING to_jsonb(u) AS "user"`,
      [user.id, ...Object.values(changes)],
    ),
  );
  Object.assign(user, rows[0]?.user);
}

/** Reads the user's identities again. */
async function reloadIdentities(sql: Session, user: User): Promise<void> {
  const { rows } = await sql.query<{ identity: Identity }>(
    'SELECT to_jsonb(i) AS identity FROM auth.identities i WHERE user_id = $1 ORDER BY created_at, id',
    [user.id],
  );
  user.identities = rows.map(({ identity }) => identity);
}

/** Makes an identity: `email` or `phone` with the user's ID as the provider's. */
export async function insertIdentity(
  sql: Session,
  user: User,
  provider: 'email' | 'phone',
  data: JsonObject,
): Promise<void> {
  // GoTrue's claims are a struct, so the flags are there even where they say no.
  const identityData = { email_verified: false, phone_verified: false, ...data, sub: user.id };
  await orDatabaseError(
    'Error creating identity',
    sql.query(
      `INSERT INTO auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
       VALUES ($1, $2, $3, $4, now(), now(), now())`,
      [user.id, user.id, identityData, provider],
    ),
  );
  await reloadIdentities(sql, user);
}

/** Sets what an identity knows, or makes it where the user has none of this provider. */
export async function saveIdentity(
  sql: Session,
  user: User,
  provider: 'email' | 'phone',
  data: JsonObject,
): Promise<void> {
  const existing = user.identities.find((identity) => identity.provider === provider);
  if (!existing) return insertIdentity(sql, user, provider, data);
  await sql.query('UPDATE auth.identities SET identity_data = $2, updated_at = now() WHERE id = $1', [
    existing.id,
    { ...existing.identity_data, ...data },
  ]);
  return reloadIdentities(sql, user);
}

/** Adds keys to metadata; one that is null is removed. */
export function mergeMetadata(current: JsonObject | null, updates: JsonObject): JsonObject {
  const merged = Object.entries({ ...current, ...updates }).filter(([key, value]) => {
    return value !== null || !Object.hasOwn(updates, key);
  });
  return Object.fromEntries(merged);
}

/** `app_metadata.providers` from the identities. */
export async function updateProviders(sql: Session, user: User): Promise<void> {
  const providers = [...new Set(user.identities.map(({ provider }) => provider))];
  const [provider] = providers;
  const updates = { providers, ...(provider === undefined ? {} : { provider }) };
  await updateUser(sql, user, { raw_app_meta_data: mergeMetadata(user.raw_app_meta_data, updates) });
}

export async function confirmEmail(sql: Session, user: User): Promise<void> {
  await updateUser(sql, user, { confirmation_token: '', email_confirmed_at: new Date().toISOString() });
  const metadata = mergeMetadata(user.raw_user_meta_data, { email_verified: true });
  await updateUser(sql, user, { raw_user_meta_data: metadata });
  await clearCodes(sql, user);
}

export async function confirmPhone(sql: Session, user: User): Promise<void> {
  await updateUser(sql, user, { confirmation_token: '', phone_confirmed_at: new Date().toISOString() });
  await clearCodes(sql, user);
}

/** Ends all links and codes of a user that are not used yet. */
export async function clearCodes(sql: Session, user: User): Promise<void> {
  await sql.query('DELETE FROM auth.one_time_tokens WHERE user_id = $1', [user.id]);
}

/** Saves a new password: other sessions end, and so do all links and codes. */
export async function changePassword(
  sql: Session,
  user: User,
  passwordHash: string | null,
  keepSession?: string,
): Promise<void> {
  await updateUser(sql, user, {
    encrypted_password: passwordHash,
    confirmation_token: '',
    confirmation_sent_at: null,
    recovery_token: '',
    recovery_sent_at: null,
    email_change_token_current: '',
    email_change_token_new: '',
    email_change_sent_at: null,
    phone_change_token: '',
    phone_change_sent_at: null,
    reauthentication_token: '',
    reauthentication_sent_at: null,
  });
  await clearCodes(sql, user);
  await sql.query('DELETE FROM auth.sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2::uuid', [
    user.id,
    keepSession ?? null,
  ]);
}

/** Keeps the row and its ID, without anything that tells who it was; the same values as GoTrue's. */
export async function softDelete(sql: Session, user: User): Promise<void> {
  const hidden = (value: string | null): string =>
    createHash('sha256')
      .update(user.id + (value ?? ''))
      .digest('base64url');
  await updateUser(sql, user, {
    email: hidden(user.email),
    phone: hidden(user.phone).slice(0, 15),
    email_change: hidden(user.email_change),
    phone_change: hidden(user.phone_change).slice(0, 15),
    encrypted_password: null,
    confirmation_token: '',
    recovery_token: '',
    email_change_token_current: '',
    email_change_token_new: '',
    phone_change_token: '',
    raw_user_meta_data: {},
    raw_app_meta_data: {},
    deleted_at: new Date().toISOString(),
  });
  await clearCodes(sql, user);
  for (const { id, provider, provider_id } of user.identities) {
    await sql.query(`UPDATE auth.identities SET identity_data = '{}', provider_id = $2 WHERE id = $1`, [
      id,
      hidden(`${provider}:${provider_id}`),
    ]);
  }
  await sql.query('DELETE FROM auth.mfa_factors WHERE user_id = $1', [user.id]);
  await sql.query('DELETE FROM auth.sessions WHERE user_id = $1', [user.id]);
}

export function isBanned(user: UserRow): boolean {
  return user.banned_until !== null && Date.parse(user.banned_until) > Date.now();
}

export function hasPassword(user: UserRow): boolean {
  return user.encrypted_password !== null && user.encrypted_password !== '';
}

/** Whether a second factor is set up. */
export function hasVerifiedFactor(user: User): boolean {
  return user.factors.some(({ status }) => status === 'verified');
}

/** ISO 8601 in UTC; undefined is left out of JSON. */
export function time(value: string | null): string | undefined {
  return value === null ? undefined : new Date(value).toISOString();
}

/** A user as every endpoint answers it. */
export function userJson(user: User): object {
  return {
    id: user.id,
    aud: user.aud,
    role: user.role,
    email: user.email ?? '',
    email_confirmed_at: time(user.email_confirmed_at),
    invited_at: time(user.invited_at),
    phone: user.phone ?? '',
    phone_confirmed_at: time(user.phone_confirmed_at),
    confirmation_sent_at: time(user.confirmation_sent_at),
    confirmed_at: time(user.confirmed_at),
    recovery_sent_at: time(user.recovery_sent_at),
    new_email: user.email_change || undefined,
    email_change_sent_at: time(user.email_change_sent_at),
    new_phone: user.phone_change || undefined,
    phone_change_sent_at: time(user.phone_change_sent_at),
    reauthentication_sent_at: time(user.reauthentication_sent_at),
    last_sign_in_at: time(user.last_sign_in_at),
    app_metadata: user.raw_app_meta_data ?? {},
    user_metadata: user.raw_user_meta_data ?? {},
    factors: user.factors.length === 0 ? undefined : user.factors.map(factorJson),
    identities: user.identities.map((identity) => ({
      identity_id: identity.id,
      id: identity.provider_id,
      user_id: identity.user_id,
      identity_data: identity.identity_data,
      provider: identity.provider,
      last_sign_in_at: time(identity.last_sign_in_at),
      created_at: time(identity.created_at),
      updated_at: time(identity.updated_at),
      email: identity.email || undefined,
    })),
    created_at: time(user.created_at),
    updated_at: time(user.updated_at),
    banned_until: time(user.banned_until),
    deleted_at: time(user.deleted_at),
    is_anonymous: user.is_anonymous,
  };
}

/** A factor as it is answered, without its secret. */
export function factorJson(factor: Factor): object {
  return {
    id: factor.id,
    created_at: time(factor.created_at),
    updated_at: time(factor.updated_at),
    status: factor.status,
    friendly_name: factor.friendly_name || undefined,
    factor_type: factor.factor_type,
    phone: factor.phone,
    last_challenged_at: time(factor.last_challenged_at) ?? null,
  };
}
