/** `/invite` and `/admin/generate_link`: the service role invites users, and gets links to send by itself. */
import { ok, redirectTarget, type AuthCall, type Reply } from './call.ts';
import { hashCode, linkTo, randomCode, saveCode, sendInvite, type CodeType, type LinkType } from './codes.ts';
import { AuthError, emailTaken, invalid } from './errors.ts';
import { hashPassword, unknownPassword } from './passwords.ts';
import { mayRedirect } from './settings.ts';
import { saveFailure } from './sign-up.ts';
import {
  findByAnyEmail,
  findUserByEmail,
  insertIdentity,
  insertUser,
  mergeMetadata,
  updateUser,
  userJson,
  type User,
} from './users.ts';
import { checkPassword, readFields, validEmail, type JsonObject } from './values.ts';

export async function invite(call: AuthCall): Promise<Reply> {
  const { email: given, data } = readFields(call.body(), { email: 'text', data: 'object?' });
  const email = validEmail(given);
  const known = await findUserByEmail(call.sql, email);
  if (known && known.email_confirmed_at !== null) throw emailTaken;
  const user = known ?? (await insertByEmail(call, email, undefined, data ?? {}));
  await sendInvite(call, user);
  return ok(userJson(user));
}

/** A user who has not confirmed their address. */
async function insertByEmail(
  call: AuthCall,
  email: string,
  passwordHash: string | undefined,
  data: JsonObject,
): Promise<User> {
  const appMetadata = { provider: 'email', providers: ['email'] };
  const user = await insertUser(call.sql, { email, passwordHash, userMetadata: data, appMetadata }, saveFailure);
  await insertIdentity(call.sql, user, 'email', { email });
  return user;
}

/** The kinds of links, and the code that each needs. */
const codeOf: Readonly<Record<string, CodeType>> = {
  signup: 'confirmation_token',
  invite: 'confirmation_token',
  magiclink: 'recovery_token',
  recovery: 'recovery_token',
  email_change_current: 'email_change_token_current',
  email_change_new: 'email_change_token_new',
};

export async function generateLink(call: AuthCall): Promise<Reply> {
  const fields = readFields(call.body(), {
    type: 'text',
    email: 'text',
    new_email: 'text',
    password: 'text',
    data: 'object?',
    redirect_to: 'text',
  });
  const email = validEmail(fields.email);
  const known = await findUserByEmail(call.sql, email);
  const needsUser = ['recovery', 'email_change_current', 'email_change_new'].includes(fields.type);
  if (!known && needsUser) throw new AuthError(404, 'user_not_found', 'User with this email not found');
  // A link that signs in makes the user where there is none, with a password that nobody knows.
  const isNew = !known && fields.type === 'magiclink';
  const type = isNew ? 'signup' : fields.type;
  const column = Object.hasOwn(codeOf, type) ? codeOf[type] : undefined;
  if (column === undefined) throw invalid(`Invalid email action link type requested: ${type}`);

  const code = randomCode(call.auth);
  const password = isNew ? unknownPassword() : fields.password;
  const user = await prepareUser(call, { ...fields, type, email, password }, known);
  const newEmail = column.startsWith('email_change') ? await checkNewEmail(call, user, fields.new_email) : '';
  const recipient = column === 'email_change_token_new' ? newEmail : email;
  const token = hashCode(recipient, code);
  const change = newEmail === '' ? {} : { email_change: newEmail, email_change_confirm_status: 0 };
  const invitation = type === 'invite' ? { invited_at: new Date().toISOString() } : {};
  await saveCode(call.sql, user, column, token, recipient, { ...change, ...invitation });

  const { settings } = call.auth;
  const target = mayRedirect(settings, fields.redirect_to) ? fields.redirect_to : redirectTarget(call);
  const link: LinkType = newEmail === '' ? (type as LinkType) : 'email_change';
  return ok({
    ...userJson(user),
    action_link: linkTo(call, token, link, target),
    email_otp: code,
    hashed_token: token,
    verification_type: type,
    redirect_to: target,
  });
}

interface Wanted {
  type: string;
  email: string;
  password: string;
  data: JsonObject | undefined;
}

async function prepareUser(call: AuthCall, wanted: Wanted, known: User | undefined): Promise<User> {
  const { type, email, password, data } = wanted;
  const makesUser = type === 'signup' || type === 'invite';
  if (known) {
    if (makesUser && known.email_confirmed_at !== null) throw emailTaken;
    if (type === 'signup' && data !== undefined) {
      await updateUser(call.sql, known, { raw_user_meta_data: mergeMetadata(known.raw_user_meta_data, data) });
    }
    return known;
  }
  if (type === 'invite') return insertByEmail(call, email, undefined, data ?? {});
  if (password === '') throw invalid('Signup requires a valid password');
  checkPassword(password, call.auth.settings.password);
  return insertByEmail(call, email, await hashPassword(call.sql, password), data ?? {});
}

async function checkNewEmail(call: AuthCall, user: User, given: string): Promise<string> {
  const email = validEmail(given);
  if (await findByAnyEmail(call.sql, email, user)) throw emailTaken;
  return email;
}
