/** Passkeys, WebAuthn factors and clients of the OAuth server, with an authenticator in software. */
import type { SupabaseClient } from '@supabase/supabase-js';
import fc from 'fast-check';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseError } from '../../src/database/database.ts';
import { errorAnswer } from '../../src/dev/auth/errors.ts';
import type { DevRequest } from '../../src/dev/service.ts';
import { readCbor } from '../../src/dev/auth/cbor.ts';
import { authenticator, type Algorithm, type Wrong, writeCbor } from './authenticator.ts';
import { type Asked, type AuthServer, serveAuth, sharedDatabase, signedIn } from './auth-support.ts';

let auth: AuthServer;

beforeAll(async () => {
  auth = await serveAuth();
});

afterAll(async () => {
  await auth.close();
  await (await sharedDatabase()).close();
});

interface Ceremony {
  challenge_id: string;
  options: { challenge: string; user: { id: string }; [name: string]: unknown };
}

type Ask = (method: string, path: string, body?: unknown) => Promise<Asked>;

async function asUser(client: SupabaseClient): Promise<Ask> {
  const { data } = await client.auth.getSession();
  const authorization = `Bearer ${data.session?.access_token}`;
  return (method, path, body) => auth.ask(method, path, body, { authorization });
}

const visitor: Ask = (method, path, body) => auth.ask(method, path, body);
const admin: Ask = (method, path, body) =>
  auth.ask(method, path, body, { apikey: auth.keys.secret, authorization: `Bearer ${auth.keys.secret}` });

const start = async (ask: Ask, what: 'registration' | 'authentication'): Promise<Ceremony> =>
  (await ask('POST', `/passkeys/${what}/options`, {})).body as unknown as Ceremony;

async function register(ask: Ask, device: ReturnType<typeof authenticator>, wrong: Wrong = {}): Promise<Asked> {
  const { challenge_id, options } = await start(ask, 'registration');
  return ask('POST', '/passkeys/registration/verify', { challenge_id, credential: device.create(options, wrong) });
}

async function enter(device: ReturnType<typeof authenticator>, wrong: Wrong = {}): Promise<Asked> {
  const { challenge_id, options } = await start(visitor, 'authentication');
  return visitor('POST', '/passkeys/authentication/verify', { challenge_id, credential: device.get(options, wrong) });
}

/** A user with a passkey. */
async function withPasskey(algorithm: Algorithm = 'ES256') {
  const { client, id } = await signedIn(auth);
  const ask = await asUser(client);
  const device = authenticator('localhost', 'http://localhost:5173', algorithm);
  const { body } = await register(ask, device);
  return { ask, id, device, passkey: body };
}

const refused = (asked: Asked): unknown[] => [asked.status, asked.body['error_code']];

describe('a passkey', () => {
  it('asks the authenticator for a credential that it can find by itself', async () => {
    const { client, email, id } = await signedIn(auth);
    const { options } = await start(await asUser(client), 'registration');
    expect(options).toMatchObject({
      rp: { id: 'localhost' },
      user: { id: Buffer.from(id).toString('base64url'), name: email, displayName: email },
      authenticatorSelection: { residentKey: 'required' },
      attestation: 'none',
      excludeCredentials: [],
    });
  });

  it.each<Algorithm>(['ES256', 'Ed25519', 'RS256'])('signs in with a key of the kind %s', async (algorithm) => {
    const { device, id, ask } = await withPasskey(algorithm);
    const { status, body } = await enter(device);
    expect(status).toBe(200);
    expect(decodeJwt(String(body['access_token']))).toMatchObject({
      sub: id,
      aal: 'aal1',
      amr: [{ method: 'passkey' }],
    });
    const [listed] = (await ask('GET', '/passkeys')).body as unknown as { last_used_at: string }[];
    expect(Date.parse(listed?.last_used_at ?? '')).toBeGreaterThan(0);
  });

  it('is listed, renamed and deleted by its user only', async () => {
    const { ask, passkey, id } = await withPasskey();
    const other = await withPasskey();
    const path = `/passkeys/${String(passkey['id'])}`;
    expect(refused(await other.ask('PATCH', path, { friendly_name: 'mine' }))).toEqual([404, 'validation_failed']);
    expect(refused(await other.ask('DELETE', path))).toEqual([404, 'validation_failed']);
    expect((await ask('PATCH', path, { friendly_name: 'laptop' })).body).toMatchObject({ friendly_name: 'laptop' });
    expect((await ask('GET', '/passkeys')).body).toMatchObject([{ id: passkey['id'], friendly_name: 'laptop' }]);
    expect(refused(await ask('GET', `/admin/users/${id}/passkeys`))).toEqual([403, 'not_admin']);
    expect((await admin('GET', `/admin/users/${id}/passkeys`)).body).toMatchObject([{ id: passkey['id'] }]);
    expect((await ask('DELETE', path)).status).toBe(204);
    expect((await ask('GET', '/passkeys')).body).toEqual([]);
  });

  it('no longer signs in once the service role has deleted it', async () => {
    const { device, passkey, id } = await withPasskey();
    expect((await admin('DELETE', `/admin/users/${id}/passkeys/${String(passkey['id'])}`)).status).toBe(204);
    expect(refused(await enter(device))).toEqual([400, 'webauthn_verification_failed']);
  });

  const key = (entries: [number, number | Buffer][]): Buffer => writeCbor(new Map(entries));
  it.each<[string, Wrong]>([
    ['another page', { origin: 'http://localhost.example.com' }],
    ['another domain', { domain: 'example.com' }],
    ['an old challenge', { challenge: 'AAAA' }],
    ['the other ceremony', { type: 'webauthn.get' }],
    ['nobody present', { flags: 0b0100_0000 }],
    ['no credential', { flags: 1 }],
    ['another ID', { rawId: Buffer.from('x') }],
    ['no key', { publicKey: Buffer.from([0xf6]) }],
    [
      'a key of an unknown kind',
      {
        publicKey: key([
          [1, 9],
          [3, -9],
        ]),
      },
    ],
    [
      'an algorithm of another key type',
      {
        publicKey: key([
          [1, 3],
          [3, -7],
        ]),
      },
    ],
    [
      'a point that is not on the curve',
      {
        publicKey: key([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, Buffer.alloc(32)],
          [-3, Buffer.alloc(32)],
        ]),
      },
    ],
  ])('is not registered with %s', async (_, wrong) => {
    const { client } = await signedIn(auth);
    expect(refused(await register(await asUser(client), authenticator(), wrong))).toEqual([
      400,
      'webauthn_verification_failed',
    ]);
  });

  it.each<[string, Wrong]>([
    ['another page', { origin: 'https://evil.example.com' }],
    ['another domain', { domain: 'example.com' }],
    ['an old challenge', { challenge: 'AAAA' }],
    ['the other ceremony', { type: 'webauthn.create' }],
    ['nobody present', { flags: 0 }],
    ['a wrong signature', { signature: Buffer.alloc(70, 1) }],
    ['no signature', { signature: Buffer.alloc(0) }],
    ['the handle of another user', { user: Buffer.from('00000000-0000-0000-0000-000000000000').toString('base64url') }],
    ['an unknown credential', { rawId: Buffer.from('x') }],
  ])('does not sign in with %s', async (_, wrong) => {
    const { device } = await withPasskey();
    expect(refused(await enter(device, wrong))).toEqual([400, 'webauthn_verification_failed']);
  });

  it('takes a challenge once, whether the answer holds or not', async () => {
    const { device } = await withPasskey();
    const { challenge_id, options } = await start(visitor, 'authentication');
    const wrong = { challenge_id, credential: device.get(options, { flags: 0 }) };
    await visitor('POST', '/passkeys/authentication/verify', wrong);
    const right = { challenge_id, credential: device.get(options) };
    expect(refused(await visitor('POST', '/passkeys/authentication/verify', right))).toEqual([
      400,
      'webauthn_challenge_not_found',
    ]);
  });

  it('is not registered twice, nor by a challenge of another user', async () => {
    const { ask, device } = await withPasskey();
    expect(refused(await register(ask, device))).toEqual([422, 'webauthn_credential_exists']);
    const { challenge_id, options } = await start(ask, 'registration');
    const other = await withPasskey();
    const stolen = { challenge_id, credential: authenticator().create(options) };
    expect(refused(await other.ask('POST', '/passkeys/registration/verify', stolen))).toEqual([
      400,
      'webauthn_challenge_not_found',
    ]);
  });

  it('needs the session of a second factor where the user has one', async () => {
    const { ask, id, passkey } = await withPasskey();
    await auth.sql(
      `INSERT INTO auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)
       VALUES (gen_random_uuid(), $1, 'totp', 'verified', now(), now())`,
      [id],
    );
    expect(refused(await ask('POST', '/passkeys/registration/options', {}))).toEqual([403, 'insufficient_aal']);
    expect(refused(await ask('DELETE', `/passkeys/${String(passkey['id'])}`))).toEqual([403, 'insufficient_aal']);
  });
});

describe('a WebAuthn factor', () => {
  it('is enrolled, verified by a new credential and then by the same one', async () => {
    const { client } = await signedIn(auth);
    const ask = await asUser(client);
    const device = authenticator();
    const enrolled = await ask('POST', '/factors', { factor_type: 'webauthn', friendly_name: 'key' });
    expect(enrolled.body).toMatchObject({ type: 'webauthn', friendly_name: 'key' });
    const path = `/factors/${String(enrolled.body['id'])}`;

    const first = await challenge(ask, path);
    expect(first.type).toBe('create');
    const created = await verify(ask, path, first, device.create(first.options));
    expect(decodeJwt(String(created.body['access_token']))).toMatchObject({ aal: 'aal2' });

    const second = await challenge(ask, path);
    expect(second).toMatchObject({
      type: 'request',
      options: { allowCredentials: [{ id: device.id.toString('base64url') }] },
    });
    const wrong = await verify(ask, path, second, device.get(second.options, { signature: Buffer.alloc(70) }));
    expect(refused(wrong)).toEqual([400, 'webauthn_verification_failed']);
    const asked = await verify(ask, path, second, device.get(second.options));
    expect(asked.status).toBe(200);
    expect(refused(await verify(ask, path, second, device.get(second.options)))).toEqual([
      422,
      'mfa_ip_address_mismatch',
    ]);
  });

  it.each<[string, object, string]>([
    ['nothing', {}, 'WebAuthn config required'],
    ['another type', { webauthn: { type: 'x' } }, 'WebAuthn type must be create or request'],
    ['no credential', { webauthn: { type: 'create' } }, 'credential_response required'],
  ])('is not verified with %s', async (_, body, message) => {
    const { client } = await signedIn(auth);
    const ask = await asUser(client);
    const { body: factor } = await ask('POST', '/factors', { factor_type: 'webauthn', friendly_name: '' });
    const asked = await ask('POST', `/factors/${String(factor['id'])}/verify`, body);
    expect([asked.status, asked.body['msg']]).toEqual([400, message]);
  });

  interface Challenge {
    id: string;
    type: string;
    options: Ceremony['options'];
  }

  async function challenge(ask: Ask, path: string): Promise<Challenge> {
    const { body } = await ask('POST', `${path}/challenge`, {});
    const { type, credential_options: options } = body['webauthn'] as {
      type: string;
      credential_options: { publicKey: Ceremony['options'] };
    };
    return { id: String(body['id']), type, options: options.publicKey };
  }

  const verify = (ask: Ask, path: string, { id, type }: Challenge, credential: object): Promise<Asked> =>
    ask('POST', `${path}/verify`, { challenge_id: id, webauthn: { type, credential_response: credential } });
});

describe('a client of the OAuth server', () => {
  const redirect_uris = ['https://example.com/callback', 'http://localhost:3000/callback'];

  it('is created, read, changed, given another secret and deleted', async () => {
    const { oauth } = auth.service.auth.admin;
    const { data: made } = await oauth.createClient({ client_name: 'App', redirect_uris });
    expect(made).toMatchObject({
      client_name: 'App',
      client_type: 'confidential',
      redirect_uris,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token'],
      registration_type: 'manual',
    });
    const id = String(made?.client_id);
    const { data: read } = await oauth.getClient(id);
    expect(read).toMatchObject({ client_id: id });
    expect(read).not.toHaveProperty('client_secret');
    const { data: changed } = await oauth.updateClient(id, { logo_uri: 'https://example.com/logo.png' });
    expect(changed).toMatchObject({ client_name: 'App', logo_uri: 'https://example.com/logo.png' });
    const { data: again } = await oauth.regenerateClientSecret(id);
    expect(again?.client_secret).not.toBe(made?.client_secret);
    const [kept] = await auth.sql<{ hash: string }>(
      'SELECT client_secret_hash AS hash FROM auth.oauth_clients WHERE id = $1',
      [id],
    );
    expect(kept?.hash).not.toBe(again?.client_secret);
    expect((await oauth.deleteClient(id)).error).toBeNull();
    expect((await oauth.getClient(id)).error).toMatchObject({ status: 404, code: 'oauth_client_not_found' });
    expect((await oauth.listClients()).data.clients).toEqual([]);
  });

  it('has no secret where it is public', async () => {
    const { body } = await admin('POST', '/admin/oauth/clients', { redirect_uris, token_endpoint_auth_method: 'none' });
    expect(body).toMatchObject({ client_type: 'public', token_endpoint_auth_method: 'none' });
    expect(body).not.toHaveProperty('client_secret');
    const path = `/admin/oauth/clients/${String(body['client_id'])}`;
    expect((await admin('POST', `${path}/regenerate_secret`)).body).toMatchObject({
      msg: 'Cannot regenerate secret for public client',
    });
    expect((await admin('PUT', path, {})).body).toMatchObject({ msg: 'No fields provided for update' });
    expect((await admin('PUT', path, { token_endpoint_auth_method: 'client_secret_post' })).status).toBe(400);
  });

  it.each<[object, string]>([
    [{}, 'redirect_uris is required'],
    [{ redirect_uris: Array(11).fill('https://a.example') }, 'redirect_uris cannot exceed 10 items'],
    [{ redirect_uris: ['x'] }, "invalid redirect_uri 'x': invalid URL format"],
    [{ redirect_uris: ['https://a.example,https://b.example'] }, 'invalid URL format'],
    [{ redirect_uris: ['mailto:a@b.c'] }, 'must have scheme and host'],
    [{ redirect_uris: ['javascript://x/%0aalert(1)'] }, "scheme 'javascript' is not allowed for security reasons"],
    [{ redirect_uris: ['http://example.com'] }, 'HTTP scheme only allowed for localhost'],
    [{ redirect_uris: ['https://example.com/#x'] }, 'fragment not allowed in redirect URI'],
    [{ redirect_uris: [1] }, 'cannot unmarshal number'],
    [{ redirect_uris, grant_types: ['password'] }, "grant_types must only contain 'authorization_code'"],
    [{ redirect_uris, client_type: 'x' }, "client_type must be 'public' or 'confidential'"],
    [{ redirect_uris, client_type: 'public', token_endpoint_auth_method: 'client_secret_post' }, 'is not valid for'],
    [{ redirect_uris, token_endpoint_auth_method: 'x' }, 'token_endpoint_auth_method must be one of'],
    [{ redirect_uris, client_name: 'x'.repeat(1025) }, 'client_name cannot exceed 1024 characters'],
    [{ redirect_uris, logo_uri: 'x' }, 'logo_uri must be a valid URL'],
  ])('is not created from %j', async (body, message) => {
    const asked = await admin('POST', '/admin/oauth/clients', body);
    expect([asked.status, asked.body['msg']]).toEqual([400, expect.stringContaining(message)]);
  });

  it('is for the service role only', async () => {
    const { client } = await signedIn(auth);
    const ask = await asUser(client);
    expect((await ask('GET', '/admin/oauth/clients')).status).toBe(403);
    expect((await ask('POST', '/admin/oauth/clients', { redirect_uris })).status).toBe(403);
  });
});

describe('where a project has them off', () => {
  let off: AuthServer;
  beforeAll(async () => {
    off = await serveAuth({ webauthn: { enabled: false }, oauthClients: false, phone: { enabled: true } });
  });
  afterAll(() => off.close());

  it.each<[string, string, object | undefined, 'visitor' | 'user' | 'service', number, string, string]>([
    ['POST', '/passkeys/authentication/options', {}, 'visitor', 404, 'passkey_disabled', 'Passkeys are disabled'],
    ['POST', '/passkeys/registration/options', {}, 'user', 404, 'passkey_disabled', 'Passkeys are disabled'],
    ['GET', '/passkeys', undefined, 'user', 404, 'passkey_disabled', 'Passkeys are disabled'],
    [
      'POST',
      '/factors',
      { factor_type: 'webauthn' },
      'user',
      422,
      'mfa_webauthn_enroll_not_enabled',
      'MFA enroll is disabled for WebAuthn',
    ],
    ['GET', '/admin/oauth/clients', undefined, 'service', 404, 'feature_disabled', 'OAuth server is disabled'],
    ['POST', '/otp', { phone: '+4912345678' }, 'visitor', 500, 'unexpected_failure', 'Unable to get SMS provider'],
  ])('refuses %s %s', async (method, path, body, who, status, code, message) => {
    const { client } = await signedIn(off);
    const { data } = await client.auth.getSession();
    const token = { visitor: off.keys.publishable, service: off.keys.secret, user: data.session?.access_token }[who];
    const asked = await off.ask(method, path, body, { authorization: `Bearer ${token}` });
    expect([asked.status, asked.body['error_code'], asked.body['msg']]).toEqual([status, code, message]);
  });

  it('says so where a database is too old to have the tables', () => {
    const missing = new DatabaseError({ code: '42P01', message: 'relation "auth.oauth_clients" does not exist' });
    const { status, body } = errorAnswer(missing, { headers: {} } as DevRequest);
    expect([status, JSON.parse(String(body))]).toEqual([
      501,
      expect.objectContaining({
        msg: `This database was made before Supabase Auth had this feature: ${missing.message}`,
      }),
    ]);
  });
});

describe('CBOR', () => {
  it('is read as it was written', () => {
    const part = fc.oneof(
      fc.integer({ min: -65_536, max: 65_535 }),
      fc.string({ maxLength: 300 }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part), { maxLength: 30 }), (entries) => {
        const written = writeCbor(new Map(entries));
        const { value, length } = readCbor(Buffer.concat([written, Buffer.from('more')]));
        expect([...(value as Map<unknown, unknown>)]).toEqual([...new Map(entries)]);
        expect(length).toBe(written.length);
      }),
    );
  });

  it('ends with a RangeError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          readCbor(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
