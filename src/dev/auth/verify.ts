/** `/verify`: the links in mails, and the codes that are typed instead. */
import { ok, redirectTarget, seeOther, type AuthCall, type Reply } from './call.ts';
import { findByToken, hashCode, isCode, isExpired, isPkceToken, type CodeType } from './codes.ts';
import { AuthError, invalid } from './errors.ts';
import { hashPassword, unknownPassword } from './passwords.ts';
import { issueCode } from './pkce.ts';
import { signIn, type Method } from './sessions.ts';
import {
  changePassword,
  clearCodes,
  confirmEmail,
  confirmPhone,
  findUserByEmail,
  findUserByPhone,
  findUsers,
  hasPassword,
  isBanned,
  saveIdentity,
  updateProviders,
  updateUser,
  type User,
} from './users.ts';
import { readFields, validEmail, validPhone } from './values.ts';

/** What a link or code proves, by the `type` that comes with it. */
const typesOfCode: Readonly<Record<string, readonly CodeType[]>> = {
  signup: ['confirmation_token'],
  invite: ['confirmation_token'],
  recovery: ['recovery_token'],
  magiclink: ['recovery_token'],
  email: ['confirmation_token', 'recovery_token'],
  email_change: ['email_change_token_current', 'email_change_token_new'],
  sms: ['confirmation_token'],
  phone_change: ['phone_change_token'],
};

/** A user and what they proved, or only half of it: the other address of a change has to agree as well. */
type Verified = { user: User } | 'half';

const half = 'Confirmation link accepted. Please proceed to confirm link sent to the other email';

/** `GET /verify`: a link was opened. It leads back to the app, also where it is refused. */
export async function openLink(call: AuthCall): Promise<Reply> {
  const { query } = call.request;
  const type = query.get('type') ?? '';
  const token = query.get('token') ?? '';
  if (type === '') throw invalid('Verify requires a verification type');
  if (token === '') throw invalid('Verify requires a token or a token hash');
  const { user, type: proven } = await byLink(call, type, token);
  const target = redirectTarget(call);
  const pkce = isPkceToken(token);
  const verified = await verify(call, user, proven, token);
  if (verified === 'half') return seeOther(withMessage(target, pkce, { message: half }));
  await updateProviders(call.sql, verified.user);
  if (pkce) return seeOther(withQuery(target, { code: await issueCode(call.sql, verified.user, methodOf(type)) }));
  const { access_token, token_type, expires_in, expires_at, refresh_token } = await signIn(call, verified.user, 'otp');
  const hash = new URLSearchParams({
    access_token,
    expires_at: String(expires_at),
    expires_in: String(expires_in),
    refresh_token,
    sb: '',
    token_type,
    type,
  });
  return seeOther(`${target}#${hash.toString()}`);
}

/** Where a refused link leads: back to the app, with the reason. Undefined for an error that is not a refusal. */
export function refusedLink(call: Pick<AuthCall, 'request' | 'auth'>, error: unknown): Reply | undefined {
  const { query } = call.request;
  // Without a type or token it is not a link of ours.
  if (!(error instanceof AuthError) || !query.get('type') || !query.get('token')) return undefined;
  const names: Readonly<Record<number, string>> = {
    400: 'invalid_request',
    401: 'unauthorized_client',
    403: 'access_denied',
  };
  const name = error.status >= 500 ? 'server_error' : names[error.status];
  const reason = {
    ...(name === undefined ? {} : { error: name }),
    error_code: error.code,
    error_description: error.message,
  };
  return seeOther(withMessage(redirectTarget(call), isPkceToken(query.get('token') ?? ''), reason));
}

function withQuery(target: string, more: Readonly<Record<string, string>>): string {
  const url = new URL(target);
  for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
  return url.href;
}

/** A message is in the fragment, and for PKCE in the query too: servers do not see fragments. */
function withMessage(target: string, pkce: boolean, message: Readonly<Record<string, string>>): string {
  const url = new URL(pkce ? withQuery(target, message) : target);
  url.hash = new URLSearchParams({ ...message, sb: '' }).toString();
  return url.href;
}

/** How a flow that such a link ends was started. */
function methodOf(type: string): Method {
  return type === 'signup' ? 'email/signup' : (type as Method);
}

/** `POST /verify`: a code was typed, or an app hands on the hash of its own link. */
export async function verifyCode(call: AuthCall): Promise<Reply> {
  const fields = readFields(call.body(), {
    type: 'text',
    token: 'text',
    token_hash: 'text',
    email: 'text',
    phone: 'text',
    redirect_to: 'text',
  });
  const { type, token, token_hash: hash, email, phone } = fields;
  if (type === '') throw invalid('Verify requires a verification type');
  if ((token === '') === (hash === '')) throw invalid('Verify requires either a token or a token hash');
  if (hash !== '' && (email !== '' || phone !== '' || fields.redirect_to !== '')) {
    throw invalid('Only the token_hash and type should be provided');
  }
  const proven = hash === '' ? await byCode(call, type, token, email, phone) : await byHash(call, type, hash);
  const verified = await verify(call, proven.user, proven.type, proven.hash);
  if (verified === 'half') return ok({ msg: half, code: '200' });
  await updateProviders(call.sql, verified.user);
  return ok(await signIn(call, verified.user, 'otp'));
}

interface Proven {
  user: User;
  type: string;
  hash: string;
}

async function byHash(call: AuthCall, type: string, hash: string): Promise<Proven> {
  return { ...(await byLink(call, type, hash)), hash };
}

/** The user whom a link was sent to. */
async function byLink(call: AuthCall, type: string, token: string): Promise<{ user: User; type: string }> {
  const types = Object.hasOwn(typesOfCode, type) ? typesOfCode[type] : undefined;
  if (!types || type === 'sms' || type === 'phone_change') throw invalid('Invalid email verification type');
  const user = await findByToken(call.sql, token, types);
  const refused = new AuthError(403, 'otp_expired', 'Email link is invalid or has expired');
  if (!user) throw refused;
  if (isBanned(user)) throw new AuthError(403, 'user_banned', 'User is banned');
  const used = types.find((name) => user[name] === token) ?? types[0];
  if (used === undefined || isExpired(call, user, used)) throw refused;
  return { user, type: type === 'email' ? emailType(used) : type };
}

/** `email` is what it turns out to be. */
function emailType(used: CodeType): string {
  return used === 'recovery_token' ? 'magiclink' : 'signup';
}

async function byCode(call: AuthCall, type: string, code: string, email: string, phone: string): Promise<Proven> {
  if ((email === '') === (phone === '')) {
    throw invalid('Only an email address or phone number should be provided on verify');
  }
  const recipient = phone === '' ? recipientEmail(email) : validPhone(phone);
  const hash = hashCode(recipient, code);
  const user = await findRecipient(call, type, recipient, hash);
  const refused = new AuthError(403, 'otp_expired', 'Token has expired or is invalid');
  if (!user) throw refused;
  if (isBanned(user)) throw new AuthError(403, 'user_banned', 'User is banned');
  const types = Object.hasOwn(typesOfCode, type) ? typesOfCode[type] : undefined;
  const used = types?.find((name) => isCode(call, user, name, hash));
  if (used === undefined) throw refused;
  return { user, type: type === 'email' ? emailType(used) : type, hash };
}

function recipientEmail(email: string): string {
  try {
    return validEmail(email);
  } catch {
    throw new AuthError(422, 'validation_failed', 'Invalid email format');
  }
}

async function findRecipient(call: AuthCall, type: string, recipient: string, hash: string): Promise<User | undefined> {
  const { sql } = call;
  if (type === 'phone_change') {
    return (await findUsers(sql, 'u.phone_change = $1 AND NOT u.is_sso_user LIMIT 1', [recipient]))[0];
  }
  if (type === 'sms') return findUserByPhone(sql, recipient);
  if (type !== 'email_change') return findUserByEmail(sql, recipient);
  const types: readonly CodeType[] = ['email_change_token_current', 'email_change_token_new'];
  return (await findByToken(sql, hash, types)) ?? (await findByToken(sql, `pkce_${hash}`, types));
}

/** Does what a link or code was for. */
async function verify(call: AuthCall, user: User, type: string, hash: string): Promise<Verified> {
  switch (type) {
    case 'signup':
    case 'invite':
      return confirmSignUp(call, user);
    case 'recovery':
    case 'magiclink':
      await updateUser(call.sql, user, { recovery_token: '' });
      await clearCodes(call.sql, user);
      if (user.email_confirmed_at === null) await confirmEmail(call.sql, user);
      return { user };
    case 'email_change':
      return confirmEmailChange(call, user, hash);
    case 'sms':
      await confirmPhone(call.sql, user);
      if (user.is_anonymous) await updateUser(call.sql, user, { is_anonymous: false });
      return { user };
    case 'phone_change':
      await applyPhoneChange(call, user, user.phone_change ?? '');
      return { user };
    default:
      throw invalid('Unsupported verification type');
  }
}

async function confirmSignUp(call: AuthCall, user: User): Promise<Verified> {
  if (!hasPassword(user) && user.invited_at !== null) {
    // Until the one who was invited sets a password, nobody knows it.
    await changePassword(call.sql, user, await hashPassword(call.sql, unknownPassword()));
  }
  await confirmEmail(call.sql, user);
  for (const { provider, email } of user.identities) {
    if (provider === 'email' && email === user.email) {
      await saveIdentity(call.sql, user, 'email', { email_verified: true });
    }
  }
  return { user };
}

async function confirmEmailChange(call: AuthCall, user: User, hash: string): Promise<Verified> {
  const { email } = call.auth.settings;
  const needsBoth = !email.autoconfirm && email.doubleConfirmChanges && user.email !== null;
  if (needsBoth && (user.email_change_confirm_status ?? 0) === 0) {
    const names: CodeType[] = ['email_change_token_current', 'email_change_token_new'];
    const used = names.find((name) => user[name] === hash || user[name] === `pkce_${hash}`);
    await updateUser(call.sql, user, { email_change_confirm_status: 1, ...(used && { [used]: '' }) });
    await call.sql.query('DELETE FROM auth.one_time_tokens WHERE user_id = $1 AND token_type::text = $2', [
      user.id,
      used ?? null,
    ]);
    return 'half';
  }
  await applyEmailChange(call, user, user.email_change ?? '');
  return { user };
}

/** Gives a user another address that is theirs. */
export async function applyEmailChange(call: AuthCall, user: User, email: string): Promise<void> {
  await saveIdentity(call.sql, user, 'email', { email, email_verified: true });
  await updateUser(call.sql, user, {
    email,
    email_change: '',
    email_change_token_current: '',
    email_change_token_new: '',
    email_change_confirm_status: 0,
    is_anonymous: false,
  });
  await clearCodes(call.sql, user);
  if (user.email_confirmed_at === null) await confirmEmail(call.sql, user);
}

/** Gives a user another phone number that is theirs. */
export async function applyPhoneChange(call: AuthCall, user: User, phone: string): Promise<void> {
  await saveIdentity(call.sql, user, 'phone', { phone, phone_verified: true });
  await updateUser(call.sql, user, {
    phone,
    phone_change: '',
    phone_change_token: '',
    phone_confirmed_at: new Date().toISOString(),
    is_anonymous: false,
  });
  await clearCodes(call.sql, user);
}
