import type { SupabaseClient } from '@supabase/supabase-js';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** As a local Supabase: addresses are confirmed at once. */
let auth: AuthServer;
/** Addresses and numbers are confirmed by a code; everything is on. */
let strict: AuthServer;

beforeAll(async () => {
  auth = await serveAuth({ code: { everySeconds: 0 } });
  strict = await serveAuth(strictly);
});

afterAll(async () => {
  await Promise.all([auth.close(), strict.close()]);
  await (await sharedDatabase()).close();
});

describe('signing up', () => {
  it('signs a new user in at once', async () => {
    const client = auth.visitor();
    const email = newEmail();
    const options = { data: { name: 'Ann' } };
    const { data, error } = await client.auth.signUp({ email: email.toUpperCase(), password, options });
    expect(error).toBeNull();
    expect(data.user).toMatchObject({
      email,
      role: 'authenticated',
      aud: 'authenticated',
      app_metadata: { provider: 'email', providers: ['email'] },
      user_metadata: { name: 'Ann', email_verified: true },
      is_anonymous: false,
      identities: [{ provider: 'email', identity_data: { email, name: 'Ann', sub: data.user?.id } }],
    });
    const claims = decodeJwt(data.session?.access_token ?? '');
    expect(claims).toMatchObject({
      iss: `${auth.url}/auth/v1`,
      sub: data.user?.id,
      aud: 'authenticated',
      role: 'authenticated',
      email,
      phone: '',
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: expect.any(Number) }],
      session_id: expect.any(String),
      is_anonymous: false,
      app_metadata: { provider: 'email', providers: ['email'] },
      user_metadata: { name: 'Ann', email_verified: true },
    });
    expect(claims.exp! - claims.iat!).toBe(3600);
    const { data: known } = await client.auth.getClaims();
    expect(known?.claims.sub).toBe(data.user?.id);
  });

  it('writes the rows that Supabase writes', async () => {
    const { email } = await signedIn(auth);
    const [row] = await auth.sql('SELECT * FROM auth.users WHERE email = $1', [email]);
    expect(row).toMatchObject({
      instance_id: '00000000-0000-0000-0000-000000000000',
      confirmation_token: '',
      recovery_token: '',
      email_change: '',
      phone: null,
      is_super_admin: null,
      encrypted_password: expect.stringMatching(/^\$2a\$06\$/),
    });
  });

  it('keeps any text, and half a character as U+FFFD', async () => {
    const body = JSON.stringify({ email: newEmail(), password, data: { name: 'Zoë 😀' } });
    const half = body.replace('}}', String.raw`,"\ud800":["\ud800"]}}`);
    const { body: answer } = await auth.ask('POST', '/signup', half);
    expect(answer['user']).toMatchObject({ user_metadata: { name: 'Zoë 😀', '\uFFFD': ['\uFFFD'] } });
  });

  it('tells nobody who is registered where addresses are confirmed by mail', async () => {
    const { email, id } = await signedIn(strict);
    const mails = strict.mails.length;
    const { data, error } = await strict.visitor().auth.signUp({ email, password });
    expect(error).toBeNull();
    expect(data.user?.id).not.toBe(id);
    expect(data.user?.identities).toEqual([]);
    expect(strict.mails).toHaveLength(mails);
  });

  it('is anonymous until an address is added', async () => {
    const client = strict.visitor();
    const { data } = await client.auth.signInAnonymously({ options: { data: { cart: 1 } } });
    expect(data.user).toMatchObject({ is_anonymous: true, email: '', user_metadata: { cart: 1 }, identities: [] });
    expect(decodeJwt(data.session!.access_token)).toMatchObject({ is_anonymous: true, amr: [{ method: 'anonymous' }] });
    const email = newEmail();
    await client.auth.updateUser({ email });
    const mail = strict.mails.at(-1)!;
    expect(mail).toMatchObject({ to: email, kind: 'email-change' });
    await open(mail.link);
    const { data: after } = await client.auth.getUser();
    expect(after.user).toMatchObject({ id: data.user?.id, email, is_anonymous: false });
  });
});

describe('a trigger of the muse on auth.users', () => {
  const create = (body: string): string => `
    CREATE FUNCTION public.handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN ${body} RETURN new; END $$;
    CREATE TRIGGER on_auth_user_created AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.handle_new_user()`;
  const drop = 'DROP TRIGGER on_auth_user_created ON auth.users; DROP FUNCTION public.handle_new_user()';
  const run = async (sql: string): Promise<void> => (await sharedDatabase()).asServer((session) => session.script(sql));

  beforeAll(() => run('CREATE TABLE public.profiles (id uuid PRIMARY KEY, name text)'));

  it('runs with the user as it is inserted', async () => {
    await run(create(`INSERT INTO public.profiles VALUES (new.id, new.raw_user_meta_data ->> 'name');`));
    const { data } = await auth
      .visitor()
      .auth.signUp({ email: newEmail(), password, options: { data: { name: 'Bo' } } });
    expect(await auth.sql('SELECT name FROM public.profiles WHERE id = $1', [data.user?.id])).toEqual([{ name: 'Bo' }]);
    await run(drop);
  });

  it.each([
    ['raises', `RAISE EXCEPTION 'no room';`, 'PostgreSQL says P0001: no room'],
    ['names a table without its schema', `INSERT INTO profiles VALUES (new.id);`, 'relation "profiles" does not exist'],
  ])('that %s ends the sign-up', async (_, body, hint) => {
    await run(create(body));
    const email = newEmail();
    const { error } = await auth.visitor().auth.signUp({ email, password });
    expect([error?.status, error?.code, error?.message]).toEqual([
      500,
      'unexpected_failure',
      'Database error saving new user',
    ]);
    const version = { 'x-supabase-api-version': '2024-01-01' };
    const asked = await auth.ask('POST', '/signup', { email, password }, version);
    expect(asked.body['hint']).toContain(hint);
    expect(await auth.sql('SELECT FROM auth.users WHERE email = $1', [email])).toEqual([]);
    await run(drop);
  });
});

describe('refresh tokens', () => {
  const refresh = async (server: AuthServer, token: string) =>
    (await server.ask('POST', '/token?grant_type=refresh_token', { refresh_token: token })).body;

  it('rotate, and answer a lost answer again', async () => {
    const { client } = await signedIn(auth);
    const first = (await client.auth.getSession()).data.session!.refresh_token;
    const second = await refresh(auth, first);
    expect(second['refresh_token']).toMatch(/^[a-z2-7]{12}$/);
    expect((await refresh(auth, first))['refresh_token']).toBe(second['refresh_token']);
    expect(decodeJwt(String(second['access_token']))['session_id']).toBe(
      decodeJwt((await client.auth.getSession()).data.session!.access_token)['session_id'],
    );
  });

  it('that are used again after the interval end their session', async () => {
    const { client } = await signedIn(strict);
    const first = (await client.auth.getSession()).data.session!.refresh_token;
    const second = String((await refresh(strict, first))['refresh_token']);
    const third = String((await refresh(strict, second))['refresh_token']);
    expect(await refresh(strict, first)).toMatchObject({
      code: 400,
      error_code: 'refresh_token_already_used',
      msg: 'Invalid Refresh Token: Already Used',
    });
    expect((await refresh(strict, third))['error_code']).toBe('refresh_token_already_used');
  });

  it('within the interval of an old one still work', async () => {
    const { client } = await signedIn(auth);
    const first = (await client.auth.getSession()).data.session!.refresh_token;
    const second = String((await refresh(auth, first))['refresh_token']);
    await refresh(auth, second);
    expect((await refresh(auth, first))['refresh_token']).toMatch(/^[a-z2-7]{12}$/);
  });
});

describe('links and codes', () => {
  it('confirm an address', async () => {
    const client = strict.visitor();
    const email = newEmail();
    const { data } = await client.auth.signUp({
      email,
      password,
      options: { emailRedirectTo: 'https://app.example.com/welcome?x=1' },
    });
    expect(data.session).toBeNull();
    const { error } = await client.auth.signInWithPassword({ email, password });
    expect([error?.code, error?.message]).toEqual(['email_not_confirmed', 'Email not confirmed']);
    const mail = strict.mails.at(-1)!;
    expect(mail).toMatchObject({ to: email, kind: 'confirmation', code: expect.stringMatching(/^\d{6}$/) });
    const target = await open(mail.link);
    expect(target.href).toMatch(/^https:\/\/app\.example\.com\/welcome\?x=1#/);
    expect(fragment(target)).toMatchObject({ token_type: 'bearer', type: 'signup', expires_in: '3600' });
    const { data: me } = await client.auth.getUser(fragment(target)['access_token']);
    expect(me.user).toMatchObject({ email, user_metadata: { email_verified: true } });
    expect(me.user?.identities?.[0]?.identity_data?.['email_verified']).toBe(true);
    expect(fragment(await open(mail.link))).toEqual({
      error: 'access_denied',
      error_code: 'otp_expired',
      error_description: 'Email link is invalid or has expired',
      sb: '',
    });
  });

  it.each([
    ['an allowed one', 'https://app.example.com/a/b', 'https://app.example.com/a/b'],
    ['localhost on any port', 'http://localhost:5173/x', 'http://localhost:5173/x'],
    ['this machine', 'http://127.0.0.1:1/x', 'http://127.0.0.1:1/x'],
    ['another host', 'https://evil.example.com/', 'http://localhost:3000/'],
    ['a host that only begins so', 'https://app.example.com.evil.com/', 'http://localhost:3000/'],
    ['an address as a number', 'http://134744072/', 'http://localhost:3000/'],
    ['a script', 'javascript:alert(1)', 'http://localhost:3000/'],
    ['none', '', 'http://localhost:3000/'],
  ])('lead to an address that is allowed: %s', async (_, wanted, expected) => {
    const { email } = await signedIn(strict);
    await strict.ask('POST', `/recover?redirect_to=${encodeURIComponent(wanted)}`, { email });
    const target = await open(strict.mails.at(-1)!.link);
    target.hash = '';
    expect(target.href).toBe(expected);
  });

  it.each<[string, (client: SupabaseClient, email: string) => Promise<unknown>, 'email' | 'recovery']>([
    ['a magic link', (client, email) => client.auth.signInWithOtp({ email }), 'email'],
    ['recovery', (client, email) => client.auth.resetPasswordForEmail(email), 'recovery'],
  ])('sign in: %s', async (_, send, type) => {
    const { email, id } = await signedIn(auth);
    const client = auth.visitor();
    await send(client, email);
    const { data } = await client.auth.verifyOtp({ email, token: auth.mails.at(-1)!.code, type });
    expect(data.user?.id).toBe(id);
    expect(decodeJwt(data.session!.access_token)).toMatchObject({ amr: [{ method: 'otp' }] });
    await send(client, email);
    const token = new URL(auth.mails.at(-1)!.link).searchParams.get('token')!;
    const { data: byHash } = await client.auth.verifyOtp({ token_hash: token, type });
    expect(byHash.user?.id).toBe(id);
  });

  it.each([true, false])('make a user who is new (addresses confirmed at once: %s)', async (confirmed) => {
    const server = confirmed ? auth : strict;
    const email = newEmail();
    const client = server.visitor();
    const { error } = await client.auth.signInWithOtp({ email, options: { data: { from: 'otp' } } });
    expect(error).toBeNull();
    expect(server.mails.at(-1)?.kind).toBe(confirmed ? 'magic-link' : 'confirmation');
    const { data } = await client.auth.verifyOtp({ email, token: server.mails.at(-1)!.code, type: 'email' });
    expect(data.user).toMatchObject({ email, user_metadata: { from: 'otp' } });
  });

  it.each<[string, (client: SupabaseClient, email: string) => Promise<unknown>]>([
    ['a magic link', (client, email) => client.auth.signInWithOtp({ email })],
    ['recovery', (client, email) => client.auth.resetPasswordForEmail(email)],
  ])('lead to a code for PKCE: %s', async (_, send) => {
    const { email, id } = await signedIn(auth);
    const client = auth.visitor('pkce');
    await send(client, email);
    const target = await open(auth.mails.at(-1)!.link);
    const code = target.searchParams.get('code')!;
    const wrong = await auth.ask('POST', '/token?grant_type=pkce', { auth_code: code, code_verifier: 'x' });
    expect(wrong.body['error_code']).toBe('bad_code_verifier');
    const { data, error } = await client.auth.exchangeCodeForSession(code);
    expect(error).toBeNull();
    expect(data.user?.id).toBe(id);
    expect((await auth.ask('POST', '/token?grant_type=pkce', { auth_code: code, code_verifier: 'x' })).status).toBe(
      404,
    );
  });

  it('end after an hour', async () => {
    const { email } = await signedIn(auth);
    await auth.ask('POST', '/recover', { email });
    await auth.sql(`UPDATE auth.users SET recovery_sent_at = now() - interval '61 minutes' WHERE email = $1`, [email]);
    const { code } = auth.mails.at(-1)!;
    const { body } = await auth.ask('POST', '/verify', { type: 'recovery', email, token: code });
    expect(body['error_code']).toBe('otp_expired');
  });

  it('are sent again while they are waited for', async () => {
    const email = newEmail();
    await strict.visitor().auth.signUp({ email, password });
    const before = strict.mails.length;
    await strict.visitor().auth.resend({ type: 'signup', email });
    expect(strict.mails).toHaveLength(before + 1);
    await open(strict.mails.at(-1)!.link);
    await strict.visitor().auth.resend({ type: 'signup', email });
    expect(strict.mails).toHaveLength(before + 1);
  });

  it('confirm a phone number', async () => {
    const phone = '4915112345678';
    const client = strict.visitor();
    await client.auth.signUp({ phone: `+${phone}`, password });
    expect(strict.mails.at(-1)).toMatchObject({ to: phone, kind: 'confirmation', link: '' });
    const { data } = await client.auth.verifyOtp({ phone, token: strict.mails.at(-1)!.code, type: 'sms' });
    expect(data.user).toMatchObject({ phone, email: '', app_metadata: { provider: 'phone' } });
    const { data: again } = await client.auth.signInWithPassword({ phone: `+${phone}`, password });
    expect(again.user?.id).toBe(data.user?.id);
    const other = '4915112345679';
    await client.auth.updateUser({ phone: other });
    const change = { phone: other, token: strict.mails.at(-1)!.code, type: 'phone_change' } as const;
    expect((await client.auth.verifyOtp(change)).data.user?.phone).toBe(other);
  });
});
