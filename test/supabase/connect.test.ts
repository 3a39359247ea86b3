import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { connectProject, type ConnectOptions } from '../../src/supabase/connect.ts';
import { directEndpoint, poolerEndpoints } from '../../src/supabase/endpoints.ts';
import { environmentValues } from '../../src/supabase/environment.ts';
import { createHttp, type Http } from '../../src/supabase/http.ts';
import { openQueryDatabase } from '../../src/supabase/query-database.ts';
import { readKeys } from '../../src/supabase/keys.ts';
import { secret } from '../../src/supabase/secret.ts';
import { readSettings, type SupabaseSettings } from '../../src/supabase/settings.ts';
import { fastClock, type FastClock } from '../support/fast-clock.ts';
import { certificateFile } from '../support/certificates/files.ts';
import { findSecrets } from '../support/find-secrets.ts';
import { makeConditions, type Conditions } from '../support/fake-api/faults.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeProject } from '../support/fake-api/state.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';

const hard = 'p@ss/w:rd?#[&] %20"\'\\ü';
let fakeApi: FakeApi;
let clock: FastClock;
let http: Http;
let settings: SupabaseSettings;
let project: FakeProject;
let notes: string[];
beforeAll(async () => {
  fakeApi = await openFakeApi();
  settings = await readSettings(fakeApi.env);
});
afterAll(() => fakeApi.close());
beforeEach(() => {
  Object.assign(fakeApi.conditions, makeConditions());
  clock = fastClock();
  http = createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock });
  project = fakeApi.addProject({ password: hard });
  notes = [];
});

const connect = (options: Partial<ConnectOptions> = {}) =>
  connectProject({
    http,
    settings,
    ref: project.ref,
    password: secret(hard),
    onNote: (note) => notes.push(note),
    ...options,
  });

describe('connectProject', () => {
  it('uses the direct host if it responds', async () => {
    await fakeApi.openDirect(project.ref);
    const { database, via, verified } = await connect();
    expect((await database.query('select current_user::text as who')).rows).toEqual([{ who: 'postgres' }]);
    expect([via, verified]).toEqual(['direct', true]);
    await database.close();
  });

  it('uses the pooler if another server responds instead of the direct host', async () => {
    const other = await fakeApi.openDirect(fakeApi.addProject({ password: 'of-another' }).ref);
    const { database, via } = await connect({ settings: { ...settings, projectHost: `localhost:${other}` } });
    expect(via).toBe('pooler');
    await database.close();
  });

  it('uses the pooler if it does not respond, with any password', async () => {
    const { database, via, endpoints } = await connect();
    expect((await database.query("select current_setting('search_path') as path")).rows).toEqual([
      { path: '"$user", public, extensions' },
    ]);
    expect(via).toBe('pooler');
    expect(endpoints.session?.user).toBe(`postgres.${project.ref}`);
    await database.close();
  });

  it('sends SQL over HTTPS if no connection works, and reports a ban', async () => {
    fakeApi.conditions.poolerClosed = true;
    project.bans = ['203.0.113.7'];
    const { database, via } = await connect();
    expect(via).toBe('https');
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(notes.join('\n')).toContain('203.0.113.7');
  });

  it.each<[string, Partial<Conditions>, number]>([
    ['the pooler list empty at first', { poolerEmpty: 3 }, 3],
    ['"Tenant or user not found" at first', { tenantNotFound: 3 }, 3],
    ['28P01 at first', { passwordRefused: 2 }, 2],
  ])('retries through %s', async (_, conditions, pauses) => {
    Object.assign(fakeApi.conditions, conditions);
    const { database, via } = await connect();
    expect(via).toBe('pooler');
    expect(clock.slept.length).toBe(pauses);
    expect(Math.min(...clock.slept)).toBeGreaterThanOrEqual(5000);
    await database.close();
  });

  it('gives up on a wrong password before it is banned, and does not print it', async () => {
    const error: unknown = await connect({ password: secret('wrong-password-of-mine') }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'password-refused' });
    expect(clock.slept.length).toBeLessThan(10);
    expect(
      findSecrets({ error: JSON.stringify([error, (error as Error).message, notes]) }, [
        'wrong-password-of-mine',
        hard,
      ]),
    ).toEqual([]);
  });

  it.each<[string, Partial<Conditions>]>([
    ['refuses the password', { passwordRefused: 1e9 }],
    ['cannot be reached', { poolerClosed: true }],
  ])('changes nothing in a project that was only found and %s', async (_, conditions) => {
    Object.assign(fakeApi.conditions, conditions);
    const queries = fakeApi.count('POST', '/v1/projects/{ref}/database/query');
    await expect(connect({ mustProve: true })).rejects.toMatchObject({ code: 'ownership-unproven' });
    expect(fakeApi.count('POST', '/v1/projects/{ref}/database/query')).toBe(queries);
  });

  // 0.0.0.0 is this machine too, but not a loopback name. Windows does not connect to it.
  describe.skipIf(process.platform === 'win32')('away from loopback', () => {
    const away = (): Partial<ConnectOptions> => {
      fakeApi.conditions.poolerHost = '0.0.0.0';
      return { settings: { ...settings, poolerHost: '0.0.0.0' } };
    };

    it("uses TLS, and says that the server's identity was not verified", async () => {
      const { database, via, verified } = await connect(away());
      const { rows } = await database.query('select 1 as one');
      expect([rows, via, verified]).toEqual([[{ one: 1 }], 'pooler', false]);
      expect(notes.join('\n')).toContain('--db-ca');
      await database.close();
    });

    const authority = certificateFile('authority');

    it('verifies a server whose certificate the given authority signed, without a warning', async () => {
      fakeApi.conditions.certificate = 'signed';
      const { database, verified } = await connect({ ...away(), caFile: authority });
      expect(verified).toBe(true);
      expect(notes.join('\n')).not.toContain('verified');
      await database.close();
    });

    it.each<[string, Partial<Conditions>, string, string]>([
      [
        'another authority signed',
        { certificate: 'signed' },
        certificateFile('other-authority'),
        'signed by no authority that was given (--db-ca)',
      ],
      ['nobody signed', { certificate: 'own' }, authority, 'signed by no authority that was given (--db-ca)'],
      ['is for another host', { certificate: 'elsewhere' }, authority, 'for another host name'],
    ])('refuses a server whose certificate %s, before the password is sent', async (_, conditions, caFile, words) => {
      Object.assign(fakeApi.conditions, conditions);
      const error: unknown = await connect({ ...away(), caFile }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'database-tls' });
      expect((error as Error).message).toContain(words);
      expect((error as { suggestion: string }).suggestion).toMatch(/authority|host/);
    });

    it.each([
      ['is missing', '/nowhere/ca.crt'],
      ['is no certificate', fileURLToPath(import.meta.url)],
    ])('refuses a file that %s before anything is sent', async (_, caFile) => {
      const before = fakeApi.state.requests.length;
      await expect(connect({ ...away(), caFile })).rejects.toMatchObject({ code: 'bad-certificate' });
      expect(fakeApi.state.requests.length).toBe(before);
    });
  });

  it('does not affect a run over HTTPS', async () => {
    const { database } = await connect();
    await openQueryDatabase(http, project.ref).withRunLock(async () => {
      await expect(database.withRunLock(async () => 1)).rejects.toMatchObject({ code: 'locked' });
    });
    expect(await database.withRunLock(async () => 2)).toBe(2);
    await database.close();
  });

  it('reports a cut connection', async () => {
    const { database } = await connect();
    await database.script('create table if not exists public.cut_here (id int)');
    fakeApi.wire.add('cut-after-commit', 'insert into public.cut_here');
    await expect(database.script('insert into public.cut_here values (1)')).rejects.toMatchObject({
      code: 'connection-lost',
    });
    const again = await connect();
    expect((await again.database.query('select id from public.cut_here')).rows).toEqual([{ id: 1 }]);
    fakeApi.wire.add('cut-before', 'insert into public.cut_here');
    await expect(again.database.script('insert into public.cut_here values (2)')).rejects.toMatchObject({
      code: 'connection-lost',
    });
    const last = await connect();
    expect((await last.database.query('select id from public.cut_here')).rows).toEqual([{ id: 1 }]);
    await last.database.close();
  });
});

describe('endpoints', () => {
  const row = {
    database_type: 'PRIMARY',
    db_user: 'postgres.abc',
    db_host: 'aws-1-eu.pooler.supabase.com',
    db_port: 6543,
    db_name: 'postgres',
    pool_mode: 'transaction',
  };
  const answering = (rows: unknown[]): Http =>
    Object.assign(async () => ({ status: 200, body: rows, serverTime: 0 }), { clock: fastClock() });
  const cloud = (change: Partial<SupabaseSettings> = {}): SupabaseSettings => ({
    ...settings,
    projectHost: 'supabase.co',
    poolerHost: 'supabase.com',
    ...change,
  });

  it.each<[string, object[], [number, number] | undefined]>([
    ['transaction mode on 6543: session mode is 5432', [row], [5432, 6543]],
    ['both modes listed', [row, { ...row, pool_mode: 'session', db_port: 5432 }], [5432, 6543]],
    ['another port in both', [{ ...row, db_port: 5999 }], [5999, 5999]],
    [
      'a replica first',
      [{ ...row, database_type: 'READ_REPLICA', db_host: 'replica.pooler.supabase.com' }, row],
      [5432, 6543],
    ],
    ['none yet', [], undefined],
  ])('pooler: %s', async (_, rows, ports) => {
    const found = await poolerEndpoints(answering(rows), cloud(), 'abc');
    expect(found && [found.session?.port, found.transaction?.port]).toEqual(ports);
  });

  it("sends no password to a pooler outside the platform's domain", async () => {
    await expect(
      poolerEndpoints(answering([{ ...row, db_host: 'pooler.evil-supabase.com' }]), cloud(), 'abc'),
    ).rejects.toMatchObject({ code: 'pooler-refused' });
  });

  it.each([
    ['supabase.co', 'db.abc.supabase.co', 5432],
    ['localhost:5999', '127.0.0.1', 5999],
    ['example.com', 'db.abc.example.com', 5432],
  ])('direct host under %s is %s', (projectHost, host, port) => {
    expect(directEndpoint(cloud({ projectHost }), 'abc')).toMatchObject({ host, port, user: 'postgres' });
  });
});

describe('environmentValues', () => {
  it('encodes special characters, and returns a pooled and a direct URL that work', async () => {
    const { endpoints, database } = await connect();
    await database.close();
    const values = environmentValues({
      ref: project.ref,
      url: settings.projectUrl(project.ref),
      keys: await readKeys(http, project.ref),
      password: secret(hard),
      endpoints,
      directAnswers: false,
    });
    const direct = new URL(values['DIRECT_URL']?.reveal() ?? '');
    expect(decodeURIComponent(direct.password)).toBe(hard);
    expect(direct.username).toBe(`postgres.${project.ref}`);
    expect(values['NEXT_PUBLIC_SUPABASE_URL']?.reveal()).toBe(`${fakeApi.url}/project/${project.ref}`);
    expect(values['NEXT_PUBLIC_SUPABASE_ANON_KEY']?.reveal()).toBe(project.keys.anon);
    expect(values['SUPABASE_SERVICE_ROLE_KEY']?.reveal()).toBe(project.keys.serviceRole);
    expect(values['SUPABASE_SECRET_KEY']?.reveal()).toBe(project.keys.secret);
    expect(
      findSecrets({ printed: JSON.stringify(values) + String(values['DATABASE_URL']) }, [hard, project.keys.secret]),
    ).toEqual([]);
    for (const name of ['DIRECT_URL', 'DATABASE_URL']) {
      const opened = await openPostgres({ url: values[name]?.reveal() ?? '' });
      expect((await opened.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      await opened.close();
    }
  });
});
