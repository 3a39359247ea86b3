import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { password, serveAuth, sharedDatabase, signedIn, strictly, type AuthServer } from './auth-support.ts';

let auth: AuthServer;
let strict: AuthServer;

beforeAll(async () => {
  auth = await serveAuth({ code: { everySeconds: 0 } });
  strict = await serveAuth(strictly);
});

afterAll(async () => {
  await Promise.all([auth.close(), strict.close()]);
  await (await sharedDatabase()).close();
});

/** What a request that is refused answers, by its method, path and body. */
describe('what is refused', () => {
  const taken = 'taken@example.com';
  const nobody = '10000000-0000-4000-8000-000000000000';
  beforeAll(async () => void (await signedIn(auth, taken)));

  it.each<[string, string, string, unknown, number, string, string]>([
    [
      'no password',
      'POST',
      '/signup',
      { email: 'x@example.com' },
      400,
      'validation_failed',
      'Signup requires a valid password',
    ],
    [
      'a short one',
      'POST',
      '/signup',
      { email: 'x@example.com', password: '1' },
      422,
      'weak_password',
      'Password should be at least 6 characters.',
    ],
    [
      'a long one',
      'POST',
      '/signup',
      { email: 'x@example.com', password: 'x'.repeat(73) },
      400,
      'validation_failed',
      'Password cannot be longer than 72 characters',
    ],
    [
      'no address',
      'POST',
      '/signup',
      { email: 'xx:;x@x.x', password },
      400,
      'validation_failed',
      'Unable to validate email address: invalid format',
    ],
    [
      'a long address',
      'POST',
      '/signup',
      { email: `${'x'.repeat(250)}@example.com`, password },
      400,
      'validation_failed',
      'An email address is too long',
    ],
    [
      'a known address',
      'POST',
      '/signup',
      { email: taken, password },
      422,
      'user_already_exists',
      'User already registered',
    ],
    [
      'address and phone',
      'POST',
      '/signup',
      { email: 'x@example.com', phone: '123', password },
      400,
      'validation_failed',
      'Only an email address or phone number should be provided on signup.',
    ],
    [
      'a phone',
      'POST',
      '/signup',
      { phone: '+4912345678', password },
      400,
      'phone_provider_disabled',
      'Phone signups are disabled',
    ],
    [
      'an anonymous visitor',
      'POST',
      '/signup',
      {},
      422,
      'anonymous_provider_disabled',
      'Anonymous sign-ins are disabled',
    ],
    [
      'a challenge without a method',
      'POST',
      '/signup',
      { email: 'x@example.com', password, code_challenge: 'x' },
      400,
      'validation_failed',
      'PKCE flow requires code_challenge_method and code_challenge',
    ],
    ['no JSON', 'POST', '/signup', '{', 400, 'bad_json', 'Could not parse request body as JSON'],
    ['an array', 'POST', '/signup', '[]', 400, 'bad_json', 'json: cannot unmarshal array'],
    [
      'a number',
      'POST',
      '/signup',
      { email: 1 },
      400,
      'bad_json',
      'json: cannot unmarshal number into Go struct field .email of type string',
    ],
    [
      'too much',
      'POST',
      '/signup',
      { email: 'x'.repeat(1 << 20) },
      413,
      'request_entity_too_large',
      'Request body too large (max 1048576 bytes)',
    ],
    [
      'a NUL',
      'POST',
      '/token?grant_type=password',
      { email: 'a\0b', password },
      400,
      'validation_failed',
      'invalid byte sequence',
    ],
    [
      'a link without a type',
      'GET',
      '/verify?token=x',
      undefined,
      400,
      'validation_failed',
      'Verify requires a verification type',
    ],
    ['no grant', 'POST', '/token', {}, 400, 'invalid_credentials', 'unsupported_grant_type'],
    [
      'a grant of the prototype',
      'POST',
      '/token?grant_type=constructor',
      {},
      400,
      'invalid_credentials',
      'unsupported_grant_type',
    ],
    [
      'a wrong password',
      'POST',
      '/token?grant_type=password',
      { email: taken, password: 'wrong1' },
      400,
      'invalid_credentials',
      'Invalid login credentials',
    ],
    [
      'an unknown address',
      'POST',
      '/token?grant_type=password',
      { email: 'x@x.de', password },
      400,
      'invalid_credentials',
      'Invalid login credentials',
    ],
    ['nobody', 'POST', '/token?grant_type=password', {}, 400, 'validation_failed', 'missing email or phone'],
    [
      'a phone number',
      'POST',
      '/token?grant_type=password',
      { phone: '1', password },
      422,
      'phone_provider_disabled',
      'Phone logins are disabled',
    ],
    [
      'no refresh token',
      'POST',
      '/token?grant_type=refresh_token',
      {},
      400,
      'validation_failed',
      'Refresh token is not valid',
    ],
    [
      'an unknown refresh token',
      'POST',
      '/token?grant_type=refresh_token',
      { refresh_token: 'abcdefghijkl' },
      400,
      'refresh_token_not_found',
      'Invalid Refresh Token: Refresh Token Not Found',
    ],
    [
      'no code of PKCE',
      'POST',
      '/token?grant_type=pkce',
      {},
      400,
      'validation_failed',
      'invalid request: both auth code and code verifier should be non-empty',
    ],
    [
      'an unknown code',
      'POST',
      '/token?grant_type=pkce',
      { auth_code: 'x', code_verifier: 'x' },
      404,
      'flow_state_not_found',
      'invalid flow state, no valid flow state found',
    ],
    [
      'an ID token',
      'POST',
      '/token?grant_type=id_token',
      { provider: 'google', id_token: 'x' },
      400,
      'provider_disabled',
      'Provider (issuer "https://accounts.google.com") is not enabled',
    ],
    ['Web3', 'POST', '/token?grant_type=web3', {}, 422, 'web3_provider_disabled', 'Web3 provider is disabled'],
    ['a code for nobody', 'POST', '/otp', {}, 400, 'validation_failed', 'One of email or phone must be set'],
    [
      'a code for somebody new',
      'POST',
      '/otp',
      { email: 'new@x.de', create_user: false },
      422,
      'otp_disabled',
      'Signups not allowed for otp',
    ],
    ['a code by phone', 'POST', '/otp', { phone: '123' }, 400, 'phone_provider_disabled', 'Unsupported phone provider'],
    [
      'a magic link to nobody',
      'POST',
      '/magiclink',
      {},
      422,
      'validation_failed',
      'Password recovery requires an email',
    ],
    ['recovery of nobody', 'POST', '/recover', {}, 400, 'validation_failed', 'Password recovery requires an email'],
    [
      'to send something else again',
      'POST',
      '/resend',
      { type: 'x' },
      400,
      'validation_failed',
      'Missing one of these types: signup, email_change, sms, phone_change',
    ],
    [
      'to send to nobody again',
      'POST',
      '/resend',
      { type: 'signup' },
      400,
      'validation_failed',
      'Type provided requires an email address',
    ],
    ['no type', 'POST', '/verify', {}, 400, 'validation_failed', 'Verify requires a verification type'],
    [
      'no token',
      'POST',
      '/verify',
      { type: 'signup' },
      400,
      'validation_failed',
      'Verify requires either a token or a token hash',
    ],
    [
      'a code of nobody',
      'POST',
      '/verify',
      { type: 'signup', token: '1' },
      400,
      'validation_failed',
      'Only an email address or phone number should be provided on verify',
    ],
    [
      'a hash and an address',
      'POST',
      '/verify',
      { type: 'signup', token_hash: '1', email: taken },
      400,
      'validation_failed',
      'Only the token_hash and type should be provided',
    ],
    [
      'a wrong code',
      'POST',
      '/verify',
      { type: 'email', token: '123456', email: taken },
      403,
      'otp_expired',
      'Token has expired or is invalid',
    ],
    [
      'a wrong hash',
      'POST',
      '/verify',
      { type: 'email', token_hash: 'x' },
      403,
      'otp_expired',
      'Email link is invalid or has expired',
    ],
    [
      'a bad number',
      'POST',
      '/verify',
      { type: 'sms', token: '123456', phone: '1-2' },
      400,
      'validation_failed',
      'Invalid phone number format (E.164 required)',
    ],
    [
      'a provider',
      'GET',
      '/authorize?provider=google',
      undefined,
      400,
      'validation_failed',
      'Unsupported provider: provider is not enabled',
    ],
    ['SAML', 'POST', '/sso', { domain: 'x.de' }, 404, 'saml_provider_disabled', 'SAML 2.0 is disabled'],
    [
      'signing in by an OAuth client',
      'POST',
      '/oauth/clients/register',
      {},
      501,
      'feature_disabled',
      'Of the OAuth server, only its clients are here: nobody can sign in by it.',
    ],
    ['a visitor as a user', 'GET', '/user', undefined, 403, 'bad_jwt', 'invalid claim: missing sub claim'],
    ['a visitor as the service', 'GET', '/admin/users', undefined, 403, 'not_admin', 'User not allowed'],
    ['a visitor who invites', 'POST', '/invite', { email: 'x@x.de' }, 403, 'not_admin', 'User not allowed'],
    ['an unknown path', 'GET', '/nothing', undefined, 404, 'validation_failed', 'There is nothing at /nothing'],
    ['another method', 'DELETE', '/signup', undefined, 405, 'validation_failed', 'DELETE is not a method of /signup'],
  ])('%s', async (_, method, path, body, status, code, message) => {
    const old = await auth.ask(method, path, body);
    expect([old.status, old.body['code'], old.body['error_code']]).toEqual([status, status, code]);
    expect(old.body['msg']).toContain(message);
    const since2024 = await auth.ask(method, path, body, { 'x-supabase-api-version': '2024-01-01' });
    expect([since2024.status, since2024.body['code']]).toEqual([status, code]);
    expect(since2024.body['message']).toContain(message);
    expect(since2024.headers.get('x-supabase-api-version')).toBe('2024-01-01');
  });

  it.each<[string, string, string, unknown, number, string, string]>([
    [
      'a user without contact',
      'POST',
      '/admin/users',
      {},
      400,
      'validation_failed',
      'Cannot create a user without either an email or phone',
    ],
    [
      'a known address',
      'POST',
      '/admin/users',
      { email: taken },
      422,
      'email_exists',
      'A user with this email address has already been registered',
    ],
    [
      'password and hash',
      'POST',
      '/admin/users',
      { email: 'a@x.de', password, password_hash: 'x' },
      400,
      'validation_failed',
      'Only a password or a password hash should be provided',
    ],
    [
      'a hash that is no bcrypt',
      'POST',
      '/admin/users',
      { email: 'a@x.de', password_hash: 'x' },
      501,
      'feature_disabled',
      'A password_hash has to be bcrypt here',
    ],
    [
      'an ID that is none',
      'POST',
      '/admin/users',
      { email: 'a@x.de', id: 'x' },
      400,
      'validation_failed',
      'ID must conform to the uuid v4 format',
    ],
    [
      'a ban that is none',
      'POST',
      '/admin/users',
      { email: 'a@x.de', ban_duration: '1y' },
      400,
      'validation_failed',
      'invalid format for ban duration: time: unknown unit "y" in duration "1y"',
    ],
    ['an unknown user', 'GET', `/admin/users/${nobody}`, undefined, 404, 'user_not_found', 'User not found'],
    ['a user that is no ID', 'GET', '/admin/users/x', undefined, 404, 'validation_failed', 'user_id must be an UUID'],
    [
      'a page before the first',
      'GET',
      '/admin/users?page=-1',
      undefined,
      400,
      'validation_failed',
      'Bad Pagination Parameters: strconv.ParseUint: parsing "-1": invalid syntax',
    ],
    [
      'another order',
      'GET',
      '/admin/users?sort=email',
      undefined,
      400,
      'validation_failed',
      "Bad Sort Parameters: bad field for sort 'email'",
    ],
    [
      'an invitation of a user',
      'POST',
      '/invite',
      { email: taken },
      422,
      'email_exists',
      'A user with this email address has already been registered',
    ],
    [
      'a link of another kind',
      'POST',
      '/admin/generate_link',
      { type: 'x', email: taken },
      400,
      'validation_failed',
      'Invalid email action link type requested: x',
    ],
    [
      'a link for nobody',
      'POST',
      '/admin/generate_link',
      { type: 'recovery', email: 'n@x.de' },
      404,
      'user_not_found',
      'User with this email not found',
    ],
    [
      'a sign-up link for a user',
      'POST',
      '/admin/generate_link',
      { type: 'signup', email: taken, password },
      422,
      'email_exists',
      'A user with this email address has already been registered',
    ],
    ['SSO providers', 'GET', '/admin/sso/providers', undefined, 501, 'feature_disabled', 'SSO providers need SAML 2.0'],
    ['the audit log', 'GET', '/admin/audit', undefined, 501, 'feature_disabled', 'No audit log is kept here'],
  ])('to the service role: %s', async (_, method, path, body, status, code, message) => {
    const asked = await auth.ask(method, path, body, { apikey: auth.keys.secret });
    expect([asked.status, asked.body['error_code']]).toEqual([status, code]);
    expect(asked.body['msg']).toContain(message);
  });

  it.each<[string, (server: AuthServer) => Promise<string>, number, string, string]>([
    ['no token', () => Promise.resolve(''), 401, 'no_authorization', 'This endpoint requires a valid Bearer token'],
    [
      'a token that is none',
      () => Promise.resolve('x'),
      403,
      'bad_jwt',
      'invalid JWT: unable to parse or verify signature, token is malformed',
    ],
    ['an expired one', ({ keys }) => keys.sign({ sub: nobody, exp: 1 }), 403, 'bad_jwt', 'token is expired'],
    [
      'one of nobody',
      ({ keys }) => keys.sign({ sub: nobody, role: 'authenticated' }),
      403,
      'user_not_found',
      'User from sub claim in JWT does not exist',
    ],
    [
      'one that names nobody',
      ({ keys }) => keys.sign({ role: 'authenticated' }),
      403,
      'bad_jwt',
      'invalid claim: missing sub claim',
    ],
    [
      'one with another ID',
      ({ keys }) => keys.sign({ sub: 'x', role: 'authenticated' }),
      400,
      'bad_jwt',
      'invalid claim: sub claim must be a UUID',
    ],
  ])('%s', async (_, makeToken, status, code, message) => {
    const token = await makeToken(auth);
    const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` };
    const { body, status: given } = await auth.ask('GET', '/user', undefined, {
      apikey: auth.keys.anonToken,
      ...headers,
    });
    expect([given, body['error_code']]).toEqual([status, code]);
    expect(body['msg']).toContain(message);
  });

  it('a password without the characters that are required, with the reasons', async () => {
    const { body } = await strict.ask('POST', '/signup', { email: 'x@example.com', password: 'ab' });
    expect(body['weak_password']).toEqual({ reasons: ['length', 'characters'] });
    expect(body['msg']).toBe(
      'Password should be at least 6 characters. Password should contain at least one character of each: ' +
        'abcdefghijklmnopqrstuvwxyz, 0123456789.',
    );
  });

  it('a second code within a second', async () => {
    const server = await serveAuth();
    const { email } = await signedIn(server);
    expect((await server.ask('POST', '/recover', { email })).status).toBe(200);
    expect((await server.ask('POST', '/recover', { email })).body).toMatchObject({
      code: 429,
      error_code: 'over_email_send_rate_limit',
      msg: 'For security purposes, you can only request this after 0 seconds.',
    });
    await server.close();
  });

  it.each([
    ['sign-ups', { signup: false }, { email: 'x@example.com', password }, 'Signups not allowed for this instance'],
    ['e-mail', { email: { enabled: false } }, { email: 'x@example.com', password }, 'Email signups are disabled'],
  ])('%s where they are turned off', async (_, settings, body, message) => {
    const server = await serveAuth(settings);
    expect((await server.ask('POST', '/signup', body)).body['msg']).toBe(message);
    await server.close();
  });
});
