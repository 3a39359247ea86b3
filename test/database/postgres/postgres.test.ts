import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MuseError } from '../../../src/shared/error.ts';
import { asMuseError } from '../../../src/shared/files.ts';
import type { Database } from '../../../src/database/database.ts';
import { isLocal, parseDatabaseUrl, tlsFor } from '../../../src/database/postgres/options.ts';
import { openPostgres } from '../../../src/database/postgres/postgres.ts';
import { startNative, type Native } from '../../support/native.ts';

let native: Native;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());

const changed = (change: (url: URL) => void): string => {
  const url = new URL(native.url());
  change(url);
  return url.href;
};
const failure = async (target: Parameters<typeof openPostgres>[0]): Promise<MuseError> => {
  const error = await openPostgres(target).then(
    (database) => database.close(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MuseError);
  return error as MuseError;
};

describe('a signal while it is opened', () => {
  const moments: Record<string, (abort: AbortController) => void> = {
    before: (abort) => abort.abort(),
    'at once': (abort) => queueMicrotask(() => abort.abort()),
    'while it connects': (abort) => setTimeout(() => abort.abort(), 2),
    'while it signs in': (abort) => setTimeout(() => abort.abort(), 6),
  };
  it.each(Object.entries(moments))('%s leaves no connection', async (moment, send) => {
    const abort = new AbortController();
    send(abort);
    const opened = openPostgres({ url: native.url(), applicationName: `stopped ${moment}`, signal: abort.signal });
    // A signal is often too late for the connection, and for a statement that the server has just finished: what is
    // refused then is whatever comes next.
    const attempt = async (): Promise<unknown> => {
      const database = await opened;
      await database.query('select 1');
      abort.abort();
      return database.query('select 2');
    };
    await expect(attempt()).rejects.toMatchObject({ code: 'cancelled' });
    if (['before', 'at once'].includes(moment)) await expect(opened).rejects.toMatchObject({ code: 'cancelled' });
    abort.abort();
    const watcher = await openPostgres({ url: native.url() });
    const count = async (): Promise<unknown> =>
      (await watcher.query(`select from pg_stat_activity where application_name = 'stopped ${moment}'`)).rows.length;
    await expect.poll(count, { timeout: 5000 }).toBe(0);
    await watcher.close();
  });
});

describe('opening', () => {
  it('accepts a URL or fields', async () => {
    const { hostname, port, username, password } = new URL(native.url());
    for (const target of [
      { url: native.url() },
      { host: hostname, port: Number(port), user: username, password, database: 'postgres' },
    ]) {
      const database = await openPostgres(target);
      expect((await database.query('show application_name')).rows).toEqual([{ application_name: 'create-muse' }]);
      expect(database.description).not.toContain(password);
      await database.close();
    }
  });

  it.each<[string, (url: URL) => void, string]>([
    [
      'a wrong password',
      (url) => {
        url.password = 'secret-one';
      },
      'database-password',
    ],
    [
      'an unknown user',
      (url) => {
        url.username = 'nobody-here';
      },
      'database-password',
    ],
    [
      'a database that does not exist',
      (url) => {
        url.pathname = '/nothing';
      },
      'database-missing',
    ],
    [
      'a closed port',
      (url) => {
        url.port = '1';
      },
      'database-unreachable',
    ],
    [
      'a server without TLS',
      (url) => {
        url.searchParams.set('sslmode', 'require');
      },
      'database-tls',
    ],
  ])('%s: a specific error, without the credentials', async (_name, change, code) => {
    const url = changed(change);
    const error = await failure({ url });
    expect(error.code).toBe(code);
    const shown = JSON.stringify([error.message, error.detail, error.suggestion, String(error.cause)]);
    expect(shown).not.toContain(new URL(url).password);
    expect(shown).not.toContain('postgres://');
  });

  it('gives up on a host that never responds', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const error = await failure({
      host: '127.0.0.1',
      port,
      user: 'a',
      password: 'b',
      database: 'c',
      connectTimeoutMs: 200,
    });
    expect(error.code).toBe('database-unreachable');
    silent.close();
  });

  it('a certificate that cannot be read', async () => {
    expect((await failure({ url: native.url(), caFile: '/nowhere/ca.pem' })).code).toBe('bad-certificate');
  });
});

describe('a connection', () => {
  const both = (): Promise<[Database, Database]> =>
    Promise.all([openPostgres({ url: native.url() }), openPostgres({ url: native.url() })]);
  const pidOf = async (database: Database): Promise<number> =>
    (await database.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;

  it('that is cut during or between queries is one error and no crash', async () => {
    const [victim, killer] = await both();
    const pid = await pidOf(victim);
    const running = expect(victim.query('select pg_sleep(30)')).rejects.toMatchObject({ code: 'connection-lost' });
    await killer.query('select pg_terminate_backend($1)', [pid]);
    await running;
    await expect(victim.query('select 1')).rejects.toMatchObject({ code: 'connection-lost' });
    await victim.close();
    await killer.close();
  });

  it('names the backend and application of a run that holds the lock, and gets the lock when that ends', async () => {
    const [holder, waiter] = await both();
    const pid = await pidOf(holder);
    const error = await holder.withRunLock(() =>
      waiter.withRunLock(async () => undefined, 50).catch((reason: unknown) => reason),
    );
    expect(error).toMatchObject({
      code: 'locked',
      detail: expect.stringContaining(`backend ${pid}, application "create-muse"`) as string,
    });
    let ran = false;
    const waiting = holder.withRunLock(async () => {
      const late = waiter.withRunLock(async () => {
        ran = true;
      }, 20_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(ran).toBe(false);
      return { late };
    });
    await (
      await waiting
    ).late;
    expect(ran).toBe(true);
    await holder.close();
    await waiter.close();
  });

  it('reports RAISE messages while SQL runs, but not PostgreSQL’s own notices', async () => {
    const database = await openPostgres({ url: native.url() });
    const heard: string[] = [];
    database.onRaise?.((text) => heard.push(text));
    await database.script(
      "drop table if exists nowhere; do $$ begin raise notice '% rows read', 5000; raise notice 'done'; end $$",
    );
    await database.close();
    expect(heard).toEqual(['5000 rows read', 'done']);
  });

  it('has a statement timeout on request', async () => {
    const database = await openPostgres({ url: native.url(), timeoutMs: 50 });
    await expect(database.query('select pg_sleep(30)')).rejects.toMatchObject({ code: '57014' });
    await database.close();
  });
});

it.each([
  ['postgres://u:p%40%2F@h:6543/d', { host: 'h', port: 6543, user: 'u', password: 'p@/', database: 'd' }],
  ['postgresql://u@[::1]/d', { host: '::1', port: undefined, user: 'u', password: undefined, database: 'd' }],
  [
    'postgres:///d?host=/run/postgresql&user=u',
    { host: '/run/postgresql', port: undefined, user: 'u', password: undefined, database: 'd' },
  ],
])('reads %s', (url, address) => expect(parseDatabaseUrl(url).address).toEqual(address));

it.each([
  '',
  'mysql://a:hidden@h/d',
  'postgres://a:hidden%zz@h/d',
  'hidden',
  'postgres://a:hidden@h/d?sslmode=maybe',
  // A password that is not percent-encoded.
  'postgres://a:hid@den@h/d',
  'postgres://a:12#hidden@h/d',
  'postgres://a:hidden#34@h:5432/d',
  'postgres://a:12/hidden@h/d',
  'postgres://a:12?hidden@h/d',
  'postgres://a:hidden@12/34@h/d',
])('refuses %s without repeating it', (url) => {
  const error = (() => {
    try {
      return parseDatabaseUrl(url);
    } catch (reason) {
      return reason as MuseError;
    }
  })();
  expect(error).toMatchObject({ code: 'bad-database-url' });
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/hidden|12|34|hid@/);
});

describe("a server's own limits", () => {
  it.each([
    ['statement_timeout', 'select pg_sleep(5)', 'statement-timeout'],
    ['transaction_timeout', 'select pg_sleep(5)', 'statement-timeout'],
    ['idle_session_timeout', '', 'connection-lost'],
    ['idle_in_transaction_session_timeout', 'begin', 'connection-lost'],
  ])('%s is named, and how to raise it', async (setting, sql, code) => {
    const url = changed((one) => one.searchParams.set('options', `-c ${setting}=200ms`));
    const database = await openPostgres({ url });
    const run = async (): Promise<void> => {
      if (sql !== '') await database.query(sql);
      await new Promise((resolve) => setTimeout(resolve, 600));
      await database.query('select 1');
    };
    const error = asMuseError(await run().catch((reason: unknown) => reason));
    await database.close();
    expect(error).toMatchObject({ code, message: expect.stringContaining(setting) });
    expect(error.suggestion).toContain(`?options=-c%20${setting}%3D`);
  });

  it('lock_timeout is named, and how to raise it', async () => {
    const url = changed((one) => one.searchParams.set('options', '-c lock_timeout=100ms'));
    const [first, second] = await Promise.all([openPostgres({ url }), openPostgres({ url })]);
    await first.query('begin');
    await first.query('select pg_advisory_xact_lock(4711)');
    const error = asMuseError(await second.query('select pg_advisory_lock(4711)').catch((reason: unknown) => reason));
    await Promise.all([first.close(), second.close()]);
    expect(error).toMatchObject({ code: 'locked', message: expect.stringContaining('lock_timeout') });
  });
});

it.each([
  ['127.0.0.1', undefined, undefined, false],
  ['localhost', 'disable', undefined, false],
  ['/run', 'require', 'ca', false],
  ['db.example.com', undefined, undefined, { rejectUnauthorized: false }],
  ['db.example.com', 'disable', undefined, false],
  ['db.example.com', undefined, 'ca', { rejectUnauthorized: true, ca: 'ca' }],
  ['127.0.0.1', 'require', undefined, { rejectUnauthorized: false }],
  ['db.example.com', 'verify-full', undefined, { rejectUnauthorized: true }],
  ['db.example.com', 'no-verify', 'ca', { rejectUnauthorized: false, ca: 'ca' }],
] as const)('TLS for %s, sslmode %s, ca %s', (host, mode, ca, expected) =>
  expect(tlsFor(host, mode, ca)).toEqual(expected),
);

it.each([
  ['127.0.0.1', true],
  ['127.5.0.1', true],
  ['::1', true],
  ['localhost', true],
  ['127.0.0.1.example.com', false],
  ['10.0.0.1', false],
])('%s is local: %s', (host, expected) => expect(isLocal(host)).toBe(expected));
