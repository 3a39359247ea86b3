/** What a signed-in user does with their own account: `/user`, `/reauthenticate`, `/logout`. */
import { ok, type AuthCall, type Reply, type UserCall } from './call.ts';
import { checkFrequency, hashCode, isCode, sendCode, sendEmailChange, sendPhoneCode } from './codes.ts';
import { AuthError, emailTaken, invalid, phoneTaken } from './errors.ts';
import { hashPassword, isPassword } from './passwords.ts';
import { challengeFields, startFlow, usesPkce, type Challenge } from './pkce.ts';
import { endSessions } from './sessions.ts';
import {
  audience,
  changePassword,
  clearCodes,
  findByAnyEmail,
  findUserByPhone,
  hasVerifiedFactor,
  mergeMetadata,
  updateUser,
  userJson,
} from './users.ts';
import { checkChannel, checkPassword, readFields, validEmail, validPhone, type JsonObject } from './values.ts';
import { applyEmailChange, applyPhoneChange } from './verify.ts';

export async function getUser({ user, claims }: UserCall): Promise<Reply> {
  if (claims['aud'] !== audience) throw invalid("Token audience doesn't match request audience");
  return ok(userJson(user));
}

interface Update extends Challenge {
  email: string;
  phone: string;
  password: string | undefined;
  nonce: string;
  data: JsonObject | undefined;
}

export async function updateOwnUser(call: UserCall): Promise<Reply> {
  const fields = readFields(call.body(), {
    email: 'text',
    phone: 'text',
    password: 'text?',
    nonce: 'text',
    data: 'object?',
    app_metadata: 'object?',
    channel: 'text',
    ...challengeFields,
  });
  const { user, sql } = call;
  if (fields.phone !== '') checkChannel(fields.channel);
  const update: Update = {
    ...fields,
    email: fields.email === '' ? '' : validEmail(fields.email),
    phone: fields.phone === '' ? '' : validPhone(fields.phone),
  };
  if (update.password !== undefined) checkPassword(update.password, call.auth.settings.password);
  if (fields.app_metadata !== undefined) {
    throw new AuthError(403, 'not_admin', 'Updating app_metadata requires admin privileges');
  }
  const changesEmail = update.email !== '' && update.email !== user.email;
  const changesPhone = update.phone !== '' && update.phone !== user.phone;
  checkMayChange(call, update, changesEmail || changesPhone);
  if (changesEmail && (await findByAnyEmail(sql, update.email, user))) throw emailTaken;
  if (changesPhone && (await findUserByPhone(sql, update.phone))) throw phoneTaken;

  if (update.password !== undefined) await updatePassword(call, update.password, update.nonce);
  if (update.data !== undefined) {
    await updateUser(sql, user, { raw_user_meta_data: mergeMetadata(user.raw_user_meta_data, update.data) });
  }
  if (changesEmail) await startEmailChange(call, update);
  if (changesPhone) {
    if (call.auth.settings.phone.autoconfirm) await applyPhoneChange(call, user, update.phone);
    else await sendPhoneCode(call, user, update.phone, 'phone_change_token');
  }
  return ok(userJson(user));
}

function checkMayChange({ user, login }: UserCall, update: Update, changesContact: boolean): void {
  const setsPassword = update.password !== undefined && update.password !== '';
  if (hasVerifiedFactor(user) && login?.aal !== 'aal2' && (setsPassword || changesContact)) {
    throw new AuthError(
      401,
      'insufficient_aal',
      'AAL2 session is required to update email or password when MFA is enabled.',
    );
  }
  if (user.is_anonymous && setsPassword && update.email === '' && update.phone === '') {
    throw new AuthError(
      422,
      'validation_failed',
      'Updating password of an anonymous user without an email or phone is not allowed',
    );
  }
  if (user.is_sso_user && (setsPassword || changesContact || update.nonce !== '')) {
    throw new AuthError(
      422,
      'user_sso_managed',
      'Updating email, phone, password of a SSO account only possible via SSO',
    );
  }
}

const day = 24 * 60 * 60 * 1000;

async function updatePassword(call: UserCall, password: string, nonce: string): Promise<void> {
  const { user, login, sql } = call;
  const isOld = login === undefined || Date.parse(login.created_at) + day < Date.now();
  if (call.auth.settings.password.secureChange && isOld) {
    if (nonce === '') {
      throw new AuthError(400, 'reauthentication_needed', 'Password update requires reauthentication');
    }
    await checkNonce(call, nonce);
  }
  if (password !== '' && (await isPassword(sql, user, password))) {
    throw new AuthError(422, 'same_password', 'New password should be different from the old password.');
  }
  await changePassword(sql, user, password === '' ? null : await hashPassword(sql, password), login?.id);
}

async function checkNonce(call: UserCall, nonce: string): Promise<void> {
  const { user, sql } = call;
  const hash = hashCode(user.email ?? user.phone ?? '', nonce);
  if (!isCode(call, user, 'reauthentication_token', hash)) {
    throw new AuthError(422, 'reauthentication_not_valid', 'Nonce has expired or is invalid');
  }
  await updateUser(sql, user, { reauthentication_token: '' });
  await clearCodes(sql, user);
}

async function startEmailChange(call: UserCall, update: Update): Promise<void> {
  const { user, sql } = call;
  // An anonymous user's first address is like signing up; a change of address is always confirmed.
  if (user.is_anonymous && call.auth.settings.email.autoconfirm) return applyEmailChange(call, user, update.email);
  const pkce = usesPkce(update);
  if (pkce) await startFlow(sql, user, update, 'email_change');
  return sendEmailChange(call, user, update.email, pkce);
}

/** Sends a nonce for a change of password. */
export async function reauthenticate(call: UserCall): Promise<Reply> {
  const { user } = call;
  if (user.email !== null && user.email !== '') {
    if (user.email_confirmed_at === null) {
      throw new AuthError(422, 'email_not_confirmed', 'Please verify your email first.');
    }
    checkFrequency(call, user, 'reauthentication_token');
    await sendCode(call, user, { to: user.email, type: 'reauthentication_token', kind: 'reauthentication' });
  } else if (user.phone !== null && user.phone !== '') {
    if (user.phone_confirmed_at === null) {
      throw new AuthError(422, 'phone_not_confirmed', 'Please verify your phone first.');
    }
    await sendPhoneCode(call, user, user.phone, 'reauthentication_token');
  } else {
    throw invalid('Reauthentication requires the user to have an email or a phone number');
  }
  return ok({});
}

export async function logOut({ request, sql, user, login }: UserCall): Promise<Reply> {
  const scope = request.query.get('scope') || 'global';
  if (!['global', 'local', 'others'].includes(scope)) {
    throw invalid(`Unsupported logout scope ${JSON.stringify(scope)}`);
  }
  await endSessions(sql, user.id, login?.id, scope);
  return { status: 204 };
}

/** What needs `[auth] enable_manual_linking`, which is off. */
export function refuseLinking(_call: AuthCall): never {
  throw new AuthError(404, 'manual_linking_disabled', 'Manual linking is disabled');
}
