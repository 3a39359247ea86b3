/** One-time codes and links: made, sent to the list of mails, and found again. */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import type { Session } from '../../database/database.ts';
import type { Mail } from '../service.ts';
import { redirectTarget, type AuthCall, type AuthContext } from './call.ts';
import { AuthError } from './errors.ts';
import { findUserById, updateUser, type User, type UserRow } from './users.ts';

/** The kinds of `auth.one_time_tokens`. */
export type CodeType =
  | 'confirmation_token'
  | 'reauthentication_token'
  | 'recovery_token'
  | 'email_change_token_new'
  | 'email_change_token_current'
  | 'phone_change_token';

/** When the last code of each kind was sent. */
const sentColumn = {
  confirmation_token: 'confirmation_sent_at',
  reauthentication_token: 'reauthentication_sent_at',
  recovery_token: 'recovery_sent_at',
  email_change_token_new: 'email_change_sent_at',
  email_change_token_current: 'email_change_sent_at',
  phone_change_token: 'phone_change_sent_at',
} as const satisfies Record<CodeType, keyof UserRow>;

/** What a link says in `type`. */
export type LinkType = 'signup' | 'invite' | 'recovery' | 'magiclink' | 'email_change';

const pkcePrefix = 'pkce_';

export function randomCode({ settings }: AuthContext): string {
  const { digits } = settings.code;
  return String(randomInt(10 ** digits)).padStart(digits, '0');
}

/** A code is kept as a hash together with whom it was sent to. */
export function hashCode(recipient: string, code: string): string {
  return createHash('sha224')
    .update(recipient + code)
    .digest('hex');
}

/** Whether a link belongs to PKCE: it then leads to a code instead of a session. */
export function isPkceToken(token: string): boolean {
  return token.startsWith(pkcePrefix);
}

/** The address in a mail. */
export function linkTo(call: AuthCall, token: string, type: LinkType, target = redirectTarget(call)): string {
  const query = new URLSearchParams({ token, type, redirect_to: target });
  return `${call.auth.url()}/auth/v1/verify?${query.toString()}`;
}

/** @throws AuthError 429 where the last code of this kind was sent a moment ago */
export function checkFrequency(call: AuthCall, user: User, type: CodeType, medium: 'email' | 'sms' = 'email'): void {
  const sentAt = user[sentColumn[type]];
  if (sentAt === null) return;
  const left = Date.parse(sentAt) + call.auth.settings.code.everySeconds * 1000 - Date.now();
  if (left <= 0) return;
  throw new AuthError(
    429,
    medium === 'email' ? 'over_email_send_rate_limit' : 'over_sms_send_rate_limit',
    `For security purposes, you can only request this after ${Math.floor(left / 1000)} seconds.`,
  );
}

/** Saves a code's hash for a user, in the place of the last one of its kind. */
export async function saveCode(
  sql: Session,
  user: User,
  type: CodeType,
  token: string,
  recipient: string,
  more: Partial<UserRow> = {},
): Promise<void> {
  await updateUser(sql, user, { [type]: token, [sentColumn[type]]: new Date().toISOString(), ...more });
  await sql.query('DELETE FROM auth.one_time_tokens WHERE user_id = $1 AND token_type = $2', [user.id, type]);
  await sql.query(
    `INSERT INTO auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to, created_at, updated_at)
     VALUES ($1, $2, $3, $4, lower($5), now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')`,
    [randomUUID(), user.id, type, token, recipient],
  );
}

interface Sending {
  to: string;
  type: CodeType;
  kind: Mail['kind'];
  /** None for a mail with a code only. */
  link?: LinkType;
  /** The link leads to a code for PKCE. */
  pkce?: boolean;
  /** Columns that change with it. */
  more?: Partial<UserRow>;
}

/** Makes a code for a user and sends it. */
export async function sendCode(call: AuthCall, user: User, sending: Sending): Promise<void> {
  const { to, type, kind, link, pkce, more } = sending;
  const code = randomCode(call.auth);
  const token = (pkce === true ? pkcePrefix : '') + hashCode(to, code);
  await saveCode(call.sql, user, type, token, to, more);
  const address = link === undefined ? '' : linkTo(call, token, link);
  call.auth.mails.push({ at: new Date().toISOString(), to, kind, code, link: address });
}

/** Sends a mail that confirms the user's address. */
export async function sendConfirmation(call: AuthCall, user: User, pkce: boolean): Promise<void> {
  checkFrequency(call, user, 'confirmation_token');
  const to = user.email ?? '';
  await sendCode(call, user, { to, type: 'confirmation_token', kind: 'confirmation', link: 'signup', pkce });
}

/** Sends an invitation; there is no limit of its frequency. */
export async function sendInvite(call: AuthCall, user: User): Promise<void> {
  await sendCode(call, user, {
    to: user.email ?? '',
    type: 'confirmation_token',
    kind: 'invite',
    link: 'invite',
    more: { invited_at: new Date().toISOString() },
  });
}

/** Sends a link that signs in, to set a new password or only to sign in. */
export async function sendRecovery(
  call: AuthCall,
  user: User,
  link: 'recovery' | 'magiclink',
  pkce: boolean,
): Promise<void> {
  checkFrequency(call, user, 'recovery_token');
  const kind = link === 'recovery' ? 'recovery' : 'magic-link';
  await sendCode(call, user, { to: user.email ?? '', type: 'recovery_token', kind, link, pkce });
}

/** Sends the links that confirm another address: one to it and, where both have to agree, one to the current address. */
export async function sendEmailChange(call: AuthCall, user: User, email: string, pkce: boolean): Promise<void> {
  checkFrequency(call, user, 'email_change_token_new');
  const start = { email_change: email, email_change_confirm_status: 0 };
  const mail = { kind: 'email-change', link: 'email_change', pkce } as const;
  await sendCode(call, user, { ...mail, to: email, type: 'email_change_token_new', more: start });
  if (call.auth.settings.email.doubleConfirmChanges && user.email !== null) {
    await sendCode(call, user, { ...mail, to: user.email, type: 'email_change_token_current' });
  }
}

/**
 * Sends a code to a phone: to the list of mails, because nothing here sends texts.
 * @throws AuthError 500 where there is no provider of texts
 */
export async function sendPhoneCode(
  call: AuthCall,
  user: User,
  phone: string,
  type: 'confirmation_token' | 'phone_change_token' | 'reauthentication_token',
): Promise<void> {
  checkFrequency(call, user, type, 'sms');
  if (!call.auth.settings.phone.codes) {
    throw new AuthError(500, 'unexpected_failure', 'Unable to get SMS provider');
  }
  const kind = type === 'reauthentication_token' ? 'reauthentication' : 'confirmation';
  const more = type === 'phone_change_token' ? { phone_change: phone } : {};
  await sendCode(call, user, { to: phone, type, kind, more });
}

/** The user of a link's token, where it is of one of these kinds. */
export async function findByToken(sql: Session, token: string, types: readonly CodeType[]): Promise<User | undefined> {
  const { rows } = await sql.query<{ user_id: string }>(
    'SELECT user_id FROM auth.one_time_tokens WHERE token_hash = $1 AND token_type::text = ANY ($2::text[]) LIMIT 1',
    [token, types],
  );
  return rows[0] && findUserById(sql, rows[0].user_id);
}

/** Whether the last code of a kind is this one, with or without PKCE, and not too old. */
export function isCode(call: AuthCall, user: User, type: CodeType, hash: string): boolean {
  const expected = user[type];
  if (expected === null || expected === '' || isExpired(call, user, type)) return false;
  return expected === hash || expected === pkcePrefix + hash;
}

export function isExpired(call: AuthCall, user: User, type: CodeType): boolean {
  const sentAt = user[sentColumn[type]];
  if (sentAt === null) return true;
  return Date.now() > Date.parse(sentAt) + call.auth.settings.code.seconds * 1000;
}
