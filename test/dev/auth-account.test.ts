import type { SupabaseClient } from '@supabase/supabase-js';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeAt } from '../../src/dev/auth/totp.ts';
import {
  fragment,
  newEmail,
  open,
  password,
  serveAuth,
  sharedDatabase,
  signedIn,
  strictly,
  type AuthServer,
} from './auth-support.ts';

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

const tokenOf = async (client: SupabaseClient): Promise<string> =>
  (await client.auth.getSession()).data.session?.access_token ?? '';

const asUser = async (server: AuthServer, client: SupabaseClient, method: string, path: string, body?: unknown) =>
  server.ask(method, path, body, { authorization: `Bearer ${await tokenOf(client)}` });

describe("a user's own account", () => {
  it('keeps the metadata that is not changed', async () => {
    const { client } = await signedIn(auth);
    await client.auth.updateUser({ data: { a: 1, b: { c: [2] } } });
    const { data } = await client.auth.updateUser({ data: { a: null, d: 'e' } });
    expect(data.user?.user_metadata).toEqual({ b: { c: [2] }, d: 'e', email_verified: true });
  });

  it.each<[string, object, number, string, string]>([
    [
      'another address',
      { email: 'known@example.com' },
      422,
      'email_exists',
      'A user with this email address has already been registered',
    ],
    [
      'an address that is none',
      { email: 'x' },
      400,
      'validation_failed',
      'Unable to validate email address: invalid format',
    ],
    [
      'the same password',
      { password },
      422,
      'same_password',
      'New password should be different from the old password.',
    ],
    ['a short password', { password: 'x' }, 422, 'weak_password', 'Password should be at least 6 characters.'],
    [
      'metadata of the app',
      { app_metadata: { admin: true } },
      403,
      'not_admin',
      'Updating app_metadata requires admin privileges',
    ],
    ['a number that is none', { phone: 'x' }, 400, 'validation_failed', 'Invalid phone number format (E.164 required)'],
  ])('refuses %s', async (_, body, status, code, message) => {
    await auth.service.auth.admin.createUser({ email: 'known@example.com' });
    const { client } = await signedIn(auth);
    const asked = await asUser(auth, client, 'PUT', '/user', body);
    expect([asked.status, asked.body['error_code'], asked.body['msg']]).toEqual([status, code, message]);
  });

  it('has another password, which ends the other sessions', async () => {
    const { client, email } = await signedIn(auth);
    const other = auth.visitor();
    await other.auth.signInWithPassword({ email, password });
    await client.auth.updateUser({ password: 'another1' });
    expect((await client.auth.getUser()).error).toBeNull();
    expect((await asUser(auth, other, 'GET', '/user')).body['error_code']).toBe('session_not_found');
    expect((await auth.visitor().auth.signInWithPassword({ email, password })).error?.code).toBe('invalid_credentials');
    expect((await auth.visitor().auth.signInWithPassword({ email, password: 'another1' })).error).toBeNull();
  });

  it('needs a nonce for it in an old session, where that is set', async () => {
    const { client, id } = await signedIn(strict);
    await strict.sql(`UPDATE auth.sessions SET created_at = now() - interval '25 hours' WHERE user_id = $1`, [id]);
    const change = { password: 'another1' };
    expect((await client.auth.updateUser(change)).error?.code).toBe('reauthentication_needed');
    await client.auth.reauthenticate();
    const { code, kind } = strict.mails.at(-1)!;
    expect(kind).toBe('reauthentication');
    expect((await client.auth.updateUser({ ...change, nonce: 'wrong' })).error?.code).toBe(
      'reauthentication_not_valid',
    );
    expect((await client.auth.updateUser({ ...change, nonce: code })).error).toBeNull();
  });

  it('has another address when both have agreed', async () => {
    const { client, email } = await signedIn(strict);
    const wanted = newEmail();
    const { data } = await client.auth.updateUser({ email: wanted });
    expect(data.user).toMatchObject({ email, new_email: wanted });
    const [toNew, toOld] = strict.mails.slice(-2);
    expect([toNew?.to, toOld?.to]).toEqual([wanted, email]);
    expect(fragment(await open(toNew!.link))['message']).toBe(
      'Confirmation link accepted. Please proceed to confirm link sent to the other email',
    );
    expect((await client.auth.getUser()).data.user?.email).toBe(email);
    expect(fragment(await open(toOld!.link))['type']).toBe('email_change');
    const { data: after } = await client.auth.getUser();
    expect(after.user).toMatchObject({ email: wanted, identities: [{ identity_data: { email: wanted } }] });
    expect(after.user).not.toHaveProperty('new_email');
  });

  it('has another address by code', async () => {
    const { client } = await signedIn(auth);
    const email = newEmail();
    await client.auth.updateUser({ email });
    const mail = auth.mails.findLast(({ to }) => to === email)!;
    const { data, error } = await client.auth.verifyOtp({ email, token: mail.code, type: 'email_change' });
    expect(error).toBeNull();
    expect(data.user?.email).toBe(email);
  });

  it.each<['global' | 'local' | 'others', boolean, boolean]>([
    ['global', false, false],
    ['local', false, true],
    ['others', true, false],
  ])('signs out: %s', async (scope, meStays, otherStays) => {
    const { client, email } = await signedIn(auth);
    const other = auth.visitor();
    await other.auth.signInWithPassword({ email, password });
    const tokens = [await tokenOf(client), await tokenOf(other)];
    expect((await client.auth.signOut({ scope })).error).toBeNull();
    const answers = tokens.map((token) => auth.ask('GET', '/user', undefined, { authorization: `Bearer ${token}` }));
    const stays = (await Promise.all(answers)).map(({ status }) => status === 200);
    expect(stays).toEqual([meStays, otherStays]);
  });

  it('is not linked by hand, and cannot sign out anyhow', async () => {
    const { client } = await signedIn(auth);
    const asked = await Promise.all([
      asUser(auth, client, 'GET', '/user/identities/authorize?provider=google'),
      asUser(auth, client, 'DELETE', '/user/identities/10000000-0000-4000-8000-000000000000'),
      asUser(auth, client, 'POST', '/logout?scope=x'),
    ]);
    expect(asked.map(({ body }) => body['msg'])).toEqual([
      'Manual linking is disabled',
      'Manual linking is disabled',
      'Unsupported logout scope "x"',
    ]);
  });

  it('is nothing of an anonymous user with a password only', async () => {
    const client = strict.visitor();
    await client.auth.signInAnonymously();
    expect((await client.auth.updateUser({ password: 'another1' })).error?.message).toBe(
      'Updating password of an anonymous user without an email or phone is not allowed',
    );
    expect((await client.auth.mfa.enroll({ factorType: 'totp' })).error?.message).toBe(
      'Anonymous user not allowed to perform these actions',
    );
  });
});

describe('a second factor', () => {
  async function enrolled() {
    const user = await signedIn(auth);
    const { data, error } = await user.client.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' });
    if (error) throw error;
    return { ...user, factor: data };
  }

  it('raises the session, and is needed from then on', async () => {
    const { client, email, factor } = await enrolled();
    expect(factor.totp.uri).toBe(
      `otpauth://totp/localhost%3A3000:${encodeURIComponent(email)}?algorithm=SHA1&digits=6&issuer=localhost%3A3000` +
        `&period=30&secret=${factor.totp.secret}`,
    );
    expect(decodeURIComponent(factor.totp.qr_code)).toMatch(/^data:image\/svg\+xml;utf-8,<svg /);
    const other = auth.visitor();
    await other.auth.signInWithPassword({ email, password });
    const before = (await client.auth.getSession()).data.session!.refresh_token;
    const code = codeAt(factor.totp.secret, Date.now());
    const { data, error } = await client.auth.mfa.challengeAndVerify({ factorId: factor.id, code });
    expect(error).toBeNull();
    expect(decodeJwt(data!.access_token)).toMatchObject({
      aal: 'aal2',
      amr: [{ method: 'totp' }, { method: 'password' }],
    });
    expect(data!.refresh_token).not.toBe(before);
    expect((await asUser(auth, other, 'GET', '/user')).body['error_code']).toBe('session_not_found');
    expect((await client.auth.mfa.listFactors()).data?.totp).toMatchObject([
      { friendly_name: 'phone', status: 'verified' },
    ]);

    await other.auth.signInWithPassword({ email, password });
    expect((await other.auth.mfa.getAuthenticatorAssuranceLevel()).data).toMatchObject({
      currentLevel: 'aal1',
      nextLevel: 'aal2',
    });
    expect((await other.auth.updateUser({ password: 'another1' })).error?.code).toBe('insufficient_aal');
    expect((await other.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'b' })).error?.code).toBe(
      'insufficient_aal',
    );
    expect((await other.auth.mfa.unenroll({ factorId: factor.id })).error?.message).toBe(
      'AAL2 required to unenroll verified factor',
    );
    expect((await client.auth.mfa.unenroll({ factorId: factor.id })).data).toEqual({ id: factor.id });
    const { data: after } = await client.auth.refreshSession();
    expect(decodeJwt(after.session!.access_token)).toMatchObject({ aal: 'aal1' });
  });

  it.each<[string, (client: SupabaseClient, factorId: string, secret: string) => Promise<{ error: unknown }>, string]>([
    [
      'a wrong code',
      (client, factorId) => client.auth.mfa.challengeAndVerify({ factorId, code: '000000' }),
      'Invalid TOTP code entered',
    ],
    [
      'an unknown challenge',
      (client, factorId, secret) =>
        client.auth.mfa.verify({ factorId, challengeId: factorId, code: codeAt(secret, Date.now()) }),
      'MFA factor with the provided challenge ID not found',
    ],
    [
      'another factor of the same name',
      (client) => client.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'phone' }),
      'A factor with the friendly name "phone" for this user already exists',
    ],
    [
      'a phone',
      (client) => client.auth.mfa.enroll({ factorType: 'phone', phone: '+4912345678' }),
      'MFA enroll is disabled for Phone',
    ],
    [
      'an issuer that no picture holds',
      (client) => client.auth.mfa.enroll({ factorType: 'totp', friendlyName: 'b', issuer: 'x'.repeat(700) }),
      'The issuer is too long for a QR code',
    ],
    ['what is none', (client) => client.auth.mfa.unenroll({ factorId: 'x' }), 'factor_id must be an UUID'],
    [
      "somebody else's",
      async () => (await signedIn(auth)).client.auth.mfa.challenge({ factorId: (await enrolled()).factor.id }),
      'Factor not found',
    ],
  ])('is not %s', async (_, attempt, message) => {
    const { client, factor } = await enrolled();
    const { error } = await attempt(client, factor.id, factor.totp.secret);
    expect((error as Error).message).toBe(message);
  });

  it('is answered once', async () => {
    const { client, factor } = await enrolled();
    const { data: challenge } = await client.auth.mfa.challenge({ factorId: factor.id });
    const answer = { factorId: factor.id, challengeId: challenge!.id, code: codeAt(factor.totp.secret, Date.now()) };
    expect((await client.auth.mfa.verify(answer)).error).toBeNull();
    expect((await client.auth.mfa.verify(answer)).error?.code).toBe('mfa_ip_address_mismatch');
  });

  // RFC 6238, appendix B: the secret is "12345678901234567890"; the last six of its eight digits.
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ])('has the code of RFC 6238 at second %d', (seconds, code) => {
    expect(codeAt('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', seconds * 1000)).toBe(code);
  });
});

describe('the service role', () => {
  it('makes, finds, changes and deletes users', async () => {
    const { admin } = auth.service.auth;
    const id = '20000000-0000-4000-8000-000000000001';
    const email = newEmail();
    const { data: made } = await admin.createUser({
      id,
      email,
      phone: '+49 1511',
      password,
      user_metadata: { name: 'Cy' },
      app_metadata: { plan: 'pro' },
      ban_duration: '24h',
    });
    expect(made.user).toMatchObject({
      id,
      email,
      phone: '491511',
      user_metadata: { name: 'Cy' },
      app_metadata: { plan: 'pro', provider: 'email', providers: ['email', 'phone'] },
      banned_until: expect.any(String),
    });
    expect(made.user).not.toHaveProperty('email_confirmed_at');
    const client = auth.visitor();
    expect((await client.auth.signInWithPassword({ email, password })).error?.code).toBe('user_banned');
    await admin.updateUserById(id, { ban_duration: 'none', email_confirm: true, user_metadata: { city: 'Bonn' } });
    expect((await client.auth.signInWithPassword({ email, password })).error).toBeNull();
    expect((await admin.getUserById(id)).data.user).toMatchObject({
      user_metadata: { name: 'Cy', city: 'Bonn', email_verified: true },
    });
    const { data: listed } = await admin.listUsers({ page: 1, perPage: 1 });
    expect(listed.users).toHaveLength(1);
    expect(listed).toMatchObject({ aud: 'authenticated', nextPage: 2, total: expect.any(Number) });
    await admin.updateUserById(id, { password: 'another1' });
    expect((await asUser(auth, client, 'GET', '/user')).body['error_code']).toBe('session_not_found');
    expect((await admin.deleteUser(id)).error).toBeNull();
    expect((await admin.getUserById(id)).error?.code).toBe('user_not_found');
  });

  it('bans a user who still has a token', async () => {
    const { client, id } = await signedIn(auth);
    await auth.service.auth.admin.updateUserById(id, { ban_duration: '1h30m' });
    expect((await asUser(auth, client, 'GET', '/user')).body['error_code']).toBe('user_banned');
    expect((await client.auth.refreshSession()).error?.message).toBe('Invalid Refresh Token: User Banned');
  });

  it('takes passwords that another system hashed', async () => {
    const email = newEmail();
    // bcrypt of "secret1" as OpenBSD writes it.
    const [row] = await auth.sql<{ hash: string }>(
      `SELECT extensions.crypt('secret1', extensions.gen_salt('bf')) AS hash`,
    );
    const password_hash = row!.hash.replace('$2a$', '$2b$');
    await auth.service.auth.admin.createUser({ email, password_hash, email_confirm: true });
    expect((await auth.visitor().auth.signInWithPassword({ email, password })).error).toBeNull();
  });

  it('deletes softly: the row stays, who it was does not', async () => {
    const { client, email, id } = await signedIn(auth);
    await auth.service.auth.admin.deleteUser(id, true);
    const [row] = await auth.sql('SELECT * FROM auth.users WHERE id = $1', [id]);
    expect(row).toMatchObject({ raw_user_meta_data: {}, raw_app_meta_data: {}, encrypted_password: null });
    expect(row?.['email']).not.toBe(email);
    expect(row?.['deleted_at']).toBeTruthy();
    expect((await asUser(auth, client, 'GET', '/user')).body['error_code']).toBe('session_not_found');
    expect((await auth.visitor().auth.signUp({ email, password })).error).toBeNull();
  });

  it('lists and removes factors', async () => {
    const { client, id } = await signedIn(auth);
    const { data } = await client.auth.mfa.enroll({ factorType: 'totp' });
    const { mfa } = auth.service.auth.admin;
    expect((await mfa.listFactors({ userId: id })).data?.factors).toMatchObject([
      { id: data!.id, status: 'unverified' },
    ]);
    expect(JSON.stringify(await mfa.listFactors({ userId: id }))).not.toContain(data!.totp!.secret);
    expect((await mfa.deleteFactor({ userId: id, id: data!.id })).error).toBeNull();
    expect((await mfa.listFactors({ userId: id })).data?.factors).toEqual([]);
  });

  it('invites: the one invited signs in by the mail and sets a password', async () => {
    const email = newEmail();
    const { data } = await auth.service.auth.admin.inviteUserByEmail(email, { data: { team: 'a' } });
    expect(data.user).toMatchObject({ email, invited_at: expect.any(String), user_metadata: { team: 'a' } });
    const mail = auth.mails.at(-1)!;
    expect(mail).toMatchObject({ to: email, kind: 'invite' });
    const { access_token, refresh_token } = fragment(await open(mail.link));
    const client = auth.visitor();
    await client.auth.setSession({ access_token: access_token!, refresh_token: refresh_token! });
    await client.auth.updateUser({ password: 'another1' });
    expect((await auth.visitor().auth.signInWithPassword({ email, password: 'another1' })).error).toBeNull();
  });

  it('signs a user out by their token', async () => {
    const { client } = await signedIn(auth);
    expect((await auth.service.auth.admin.signOut(await tokenOf(client), 'global')).error).toBeNull();
    expect((await asUser(auth, client, 'GET', '/user')).body['error_code']).toBe('session_not_found');
  });

  it.each(['signup', 'invite', 'magiclink', 'recovery', 'email_change_current', 'email_change_new'] as const)(
    'gets a link to send by itself: %s',
    async (type) => {
      const isNew = type === 'signup' || type === 'invite';
      const { email } = isNew ? { email: newEmail() } : await signedIn(auth);
      const target = newEmail();
      const options = { redirectTo: 'http://localhost:3000/done' };
      const { data, error } = await auth.service.auth.admin.generateLink({
        type,
        email,
        password,
        newEmail: target,
        options,
      } as never);
      expect(error).toBeNull();
      expect(data.properties).toMatchObject({
        email_otp: expect.stringMatching(/^\d{6}$/),
        hashed_token: expect.stringMatching(/^[0-9a-f]{56}$/),
        redirect_to: 'http://localhost:3000/done',
        verification_type: type,
      });
      const to = await open(data.properties!.action_link);
      expect(to.pathname).toBe('/done');
      expect(fragment(to)['access_token']).toBeTruthy();
    },
  );

  it('gets a sign-up link where the one who would sign in is new', async () => {
    const { data } = await auth.service.auth.admin.generateLink({ type: 'magiclink', email: newEmail() });
    expect(data.properties?.verification_type).toBe('signup');
  });
});

describe('what anybody may read', () => {
  it.each<[string, object]>([
    ['/health', { name: 'GoTrue' }],
    [
      '/settings',
      {
        external: { email: true, phone: false, anonymous_users: false, google: false },
        disable_signup: false,
        mailer_autoconfirm: true,
        saml_enabled: false,
      },
    ],
    ['/.well-known/jwks.json', { keys: [{ kty: 'EC', alg: 'ES256', use: 'sig' }] }],
  ])('%s', async (path, expected) => {
    expect((await auth.ask('GET', path)).body).toMatchObject(expected);
  });
});
