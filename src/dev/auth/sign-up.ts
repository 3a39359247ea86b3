/** `POST /signup`: by e-mail, by phone, or anonymously. */
import { randomUUID } from 'node:crypto';
import { ok, type AuthCall, type Reply } from './call.ts';
import { sendConfirmation, sendPhoneCode } from './codes.ts';
import { AuthError, invalid } from './errors.ts';
import { hashPassword } from './passwords.ts';
import { challengeFields, startFlow, usesPkce, type Challenge } from './pkce.ts';
import { signIn } from './sessions.ts';
import {
  audience,
  confirmEmail,
  confirmPhone,
  findByAnyEmail,
  findUserByPhone,
  insertIdentity,
  insertUser,
  userJson,
  type User,
} from './users.ts';
import { checkChannel, checkPassword, readFields, validEmail, validPhone, type JsonObject } from './values.ts';

/** What PostgreSQL refused when a user was saved: often a trigger of the muse on `auth.users`. */
export const saveFailure = 'Database error saving new user';

interface Newcomer extends Challenge {
  /** One of the two is empty. */
  email: string;
  phone: string;
  password: string;
  data: JsonObject;
}

/** The user that there is, or undefined for a new one. */
interface SignedUp {
  user: User;
  /** This address or number was confirmed before: nothing was done. */
  exists: boolean;
}

export async function signUp(call: AuthCall): Promise<Reply> {
  const { settings } = call.auth;
  const fields = readFields(call.body(), {
    email: 'text',
    phone: 'text',
    password: 'text',
    data: 'object?',
    channel: 'text',
    ...challengeFields,
  });
  if (fields.email === '' && fields.phone === '') return signUpAnonymously(call, fields.data ?? {});
  if (!settings.signup) throw signupDisabled();
  if (fields.password === '') throw invalid('Signup requires a valid password');
  checkPassword(fields.password, settings.password);
  if (fields.email !== '' && fields.phone !== '') {
    throw invalid('Only an email address or phone number should be provided on signup.');
  }
  if (fields.phone !== '') checkChannel(fields.channel);
  if (fields.phone !== '' && fields.code_challenge !== '') throw invalid('PKCE not supported for phone signups');

  const { user, exists } = await register(call, { ...fields, data: fields.data ?? {} });
  if (exists) {
    // Where addresses are confirmed by mail, nobody may find out who is registered.
    if (settings.email.autoconfirm) throw new AuthError(422, 'user_already_exists', 'User already registered');
    return ok(unknownUser(user, fields.data ?? {}));
  }
  if (user.email_confirmed_at === null && user.phone_confirmed_at === null) return ok(userJson(user));
  return ok(await signIn(call, user, 'password'));
}

function signupDisabled(): AuthError {
  return new AuthError(422, 'signup_disabled', 'Signups not allowed for this instance');
}

async function signUpAnonymously(call: AuthCall, data: JsonObject): Promise<Reply> {
  if (!call.auth.settings.anonymous) {
    throw new AuthError(422, 'anonymous_provider_disabled', 'Anonymous sign-ins are disabled');
  }
  if (!call.auth.settings.signup) throw signupDisabled();
  const failure = 'Database error creating anonymous user';
  const user = await insertUser(call.sql, { anonymous: true, appMetadata: {}, userMetadata: data }, failure);
  return ok(await signIn(call, user, 'anonymous'));
}

/** Makes a user, or finds the one that never confirmed, and confirms them or sends what confirms them. */
export async function register(call: AuthCall, newcomer: Newcomer): Promise<SignedUp> {
  const { settings } = call.auth;
  if (!settings.signup) throw signupDisabled();
  const pkce = usesPkce(newcomer);
  const provider = newcomer.email === '' ? 'phone' : 'email';
  if (!settings[provider].enabled) {
    const [code, message] =
      provider === 'email'
        ? (['email_provider_disabled', 'Email signups are disabled'] as const)
        : (['phone_provider_disabled', 'Phone signups are disabled'] as const);
    throw new AuthError(400, code, message);
  }
  const contact = provider === 'email' ? validEmail(newcomer.email) : validPhone(newcomer.phone);
  const known = await (provider === 'email' ? findByAnyEmail : findUserByPhone)(call.sql, contact);
  const confirmed = provider === 'email' ? known?.email_confirmed_at : known?.phone_confirmed_at;
  if (known && typeof confirmed === 'string') return { user: known, exists: true };

  // One who never confirmed is not changed: this may be another person.
  const user = known ?? (await insertNewcomer(call, newcomer, provider, contact));
  if (!user.identities.some((identity) => identity.provider === provider)) {
    const address = provider === 'email' ? { email: contact } : {};
    await insertIdentity(call.sql, user, provider, { ...newcomer.data, ...address });
  }
  if (settings[provider].autoconfirm) {
    await (provider === 'email' ? confirmEmail : confirmPhone)(call.sql, user);
  } else if (provider === 'email') {
    if (pkce) await startFlow(call.sql, user, newcomer, 'email/signup', 'email');
    await sendConfirmation(call, user, pkce);
  } else {
    await sendPhoneCode(call, user, contact, 'confirmation_token');
  }
  return { user, exists: false };
}

async function insertNewcomer(
  call: AuthCall,
  { password, data }: Newcomer,
  provider: 'email' | 'phone',
  contact: string,
): Promise<User> {
  const passwordHash = await hashPassword(call.sql, password);
  const appMetadata = { provider, providers: [provider] };
  return insertUser(call.sql, { [provider]: contact, passwordHash, userMetadata: data, appMetadata }, saveFailure);
}

/** An answer that looks like a new user's, even where the address is taken. */
function unknownUser(user: User, data: JsonObject): object {
  const now = new Date().toISOString();
  const provider = user.raw_app_meta_data?.['provider'] ?? 'email';
  return {
    id: randomUUID(),
    aud: audience,
    role: '',
    email: provider === 'email' ? (user.email ?? '') : '',
    phone: provider === 'phone' ? (user.phone ?? '') : '',
    confirmation_sent_at: now,
    app_metadata: { provider, providers: [provider] },
    user_metadata: data,
    identities: [],
    created_at: now,
    updated_at: now,
    is_anonymous: false,
  };
}
