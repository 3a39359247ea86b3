/** `POST /token`: signing in by password, by refresh token and by a code of PKCE. */
import { ok, type AuthCall, type Reply } from './call.ts';
import { AuthError, GrantError, invalid } from './errors.ts';
import { isPassword } from './passwords.ts';
import { exchangeCode } from './pkce.ts';
import { refresh, signIn } from './sessions.ts';
import { findUserByEmail, findUserByPhone, hasPassword, isBanned } from './users.ts';
import { plainPhone, readFields, weakness } from './values.ts';

const grants: Readonly<Record<string, (call: AuthCall) => Promise<Reply>>> = {
  password: signInWithPassword,
  refresh_token: refresh,
  pkce: exchangeCode,
  id_token: refuseIdToken,
  web3: () => {
    throw new AuthError(422, 'web3_provider_disabled', 'Web3 provider is disabled');
  },
};

export async function token(call: AuthCall): Promise<Reply> {
  const type = call.request.query.get('grant_type') ?? '';
  const grant = Object.hasOwn(grants, type) ? grants[type] : undefined;
  if (!grant) throw new AuthError(400, 'invalid_credentials', 'unsupported_grant_type');
  return grant(call);
}

async function signInWithPassword(call: AuthCall): Promise<Reply> {
  const { email, phone, password } = readFields(call.body(), { email: 'text', phone: 'text', password: 'text' });
  const { settings } = call.auth;
  if (email !== '' && phone !== '') {
    throw invalid('Only an email address or phone number should be provided on login.');
  }
  if (email === '' && phone === '') throw invalid('missing email or phone');
  if (email !== '' && !settings.email.enabled) {
    throw new AuthError(422, 'email_provider_disabled', 'Email logins are disabled');
  }
  if (phone !== '' && !settings.phone.enabled) {
    throw new AuthError(422, 'phone_provider_disabled', 'Phone logins are disabled');
  }
  const user =
    email === '' ? await findUserByPhone(call.sql, plainPhone(phone)) : await findUserByEmail(call.sql, email);
  const wrong = new AuthError(400, 'invalid_credentials', 'Invalid login credentials');
  if (!user || !hasPassword(user)) throw wrong;
  if (isBanned(user)) throw new AuthError(400, 'user_banned', 'User is banned');
  if (!(await isPassword(call.sql, user, password))) throw wrong;
  if (email !== '' && user.email_confirmed_at === null) {
    throw new AuthError(400, 'email_not_confirmed', 'Email not confirmed');
  }
  if (phone !== '' && user.phone_confirmed_at === null) {
    throw new AuthError(400, 'phone_not_confirmed', 'Phone not confirmed');
  }
  const tokens = await signIn(call, user, 'password');
  const weak = weakness(password, settings.password);
  if (weak?.reasons === undefined) return ok(tokens);
  return ok({ ...tokens, weak_password: { message: weak.message, reasons: weak.reasons } });
}

/** Issuers of ID tokens by the name that clients give. */
const issuers: Readonly<Record<string, string>> = {
  apple: 'https://appleid.apple.com',
  azure: 'https://login.microsoftonline.com/common/v2.0',
  facebook: 'https://www.facebook.com',
  google: 'https://accounts.google.com',
  kakao: 'https://kauth.kakao.com',
};

/** No provider is configured, so there is nobody whose ID tokens would count. */
function refuseIdToken(call: AuthCall): Promise<Reply> {
  const fields = readFields(call.body(), { id_token: 'text', provider: 'text', client_id: 'text', issuer: 'text' });
  if (fields.id_token === '') throw new GrantError('invalid request', 'id_token required');
  const { provider, issuer } = fields;
  if (provider === '' && (fields.client_id === '' || issuer === '')) {
    throw new GrantError('invalid request', 'provider or client_id and issuer required');
  }
  const known = Object.hasOwn(issuers, provider) ? issuers[provider] : undefined;
  if (known === undefined) throw invalid(`Custom OIDC provider ${JSON.stringify(provider)} not allowed`);
  throw new AuthError(400, 'provider_disabled', `Provider (issuer ${JSON.stringify(known)}) is not enabled`);
}
