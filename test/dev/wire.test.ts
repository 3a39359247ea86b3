import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SharedEmbedded, shareEmbedded } from '../../src/database/embedded/shared.ts';
import type { Change } from '../../src/database/embedded/turns.ts';
import { createWire, type WireServer } from '../../src/dev/wire/wire.ts';

const password = 'a-password';
let directory: string;
let shared: SharedEmbedded;
let server: WireServer;
let port: number;
const clients: pg.Client[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'create-muse-wire-'));
  shared = await shareEmbedded({ directory });
  server = await createWire({ shared, password, idleInTransactionMs: 300 });
  port = await server.listen(0);
  await shared.database.script(`
    create table public.notes (id int primary key, text text, owner text default current_user);
    insert into public.notes (id, text) select n, 'note ' || n from generate_series(1, 10) n;`);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => undefined)));
});
afterAll(async () => {
  await server.close();
  await shared.close();
  rmSync(directory, { recursive: true });
});

const config = (): pg.ClientConfig => ({
  host: '127.0.0.1',
  port: port,
  user: 'postgres',
  database: 'postgres',
  password,
});

async function connect(more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ ...config(), ...more });
  client.on('error', () => undefined);
  clients.push(client);
  await client.connect();
  return client;
}

const value = async (client: pg.Client, sql: string): Promise<unknown> =>
  Object.values((await client.query<Record<string, unknown>>(sql)).rows[0] ?? {})[0];

describe('logging in', () => {
  const refused: [string, pg.ClientConfig, object][] = [
    ['a wrong password', { password: 'wrong' }, { code: '28P01' }],
    ['another user', { user: 'anon' }, { code: '28000' }],
    ['another database', { database: 'app' }, { code: '3D000' }],
    ['an unknown setting', { options: '-c nonsense_setting=1' }, { code: '42704' }],
  ];
  it.each(refused)('refuses %s', async (_name, more, expected) => {
    await expect(connect(more)).rejects.toMatchObject(expected);
  });

  it('has settings from the start', async () => {
    const client = await connect({ options: '-c search_path=auth,public', application_name: 'a test' });
    expect(await value(client, 'show search_path')).toBe('auth,public');
    expect(await value(client, 'show application_name')).toBe('a test');
    expect(await value(client, 'select current_user')).toBe('postgres');
  });
});

it('runs statements of a pool at once, with transactions that see only their own', async () => {
  const pool = new pg.Pool({ ...config(), max: 5 });
  const one = async (index: number): Promise<boolean> => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query(`set local app.who = 'client ${index}'`);
      await client.query('insert into public.notes values ($1, $2)', [100 + index, 'x']);
      const { rows } = await client.query<{ who: string; n: number }>({
        name: 'who',
        text: "select current_setting('app.who') as who, count(*)::int as n from public.notes where id >= $1",
        values: [100],
      });
      await client.query(index % 3 === 0 ? 'select 1/0' : 'select 1').catch(() => undefined);
      await client.query('rollback');
      return rows[0]?.who === `client ${index}` && rows[0].n === 1;
    } finally {
      client.release();
    }
  };
  const right = await Promise.all(Array.from({ length: 40 }, (_, index) => one(index)));
  expect(right.every(Boolean)).toBe(true);
  await pool.end();
});

it('keeps the settings and the statements of each client', async () => {
  const [a, b] = [await connect(), await connect()];
  await a.query("set search_path = auth; set app.tenant = 'a'; set timezone = 'Asia/Tokyo'; set role authenticated");
  const statement = { name: 's', text: 'select $1::int + 1 as n' };
  expect((await a.query({ ...statement, values: [1] })).rows).toEqual([{ n: 2 }]);
  const state = `select current_user as who, current_setting('search_path') as path,
    current_setting('app.tenant', true) as tenant, current_setting('timezone') as zone`;
  const fresh = {
    who: 'postgres',
    path: '"$user", public, extensions',
    zone: expect.not.stringContaining('Tokyo') as string,
  };
  expect((await b.query(state)).rows).toEqual([{ ...fresh, tenant: '' }]);
  expect((await b.query({ name: 's', text: "select 'other' as n" })).rows).toEqual([{ n: 'other' }]);
  expect((await shared.database.query(state)).rows).toMatchObject([fresh]);
  expect((await a.query(state)).rows).toEqual([
    { who: 'authenticated', path: 'auth', tenant: 'a', zone: 'Asia/Tokyo' },
  ]);
  expect((await a.query({ ...statement, values: [5] })).rows).toEqual([{ n: 6 }]);
});

describe('an error', () => {
  const cases: [string, string, unknown[] | undefined, object][] = [
    ['of a simple query', 'select nope', undefined, { code: '42703', position: '8' }],
    ['of a statement with values', 'select 1 / $1::int', [0], { code: '22012' }],
    ['of the syntax', 'selec 1', [], { code: '42601' }],
    ['too deep for the engine', `select ${'('.repeat(20_000)}1${')'.repeat(20_000)}`, undefined, { severity: 'ERROR' }],
  ];
  it.each(cases)('%s leaves the client usable', async (_name, text, values, expected) => {
    const client = await connect();
    await expect(client.query(text, values)).rejects.toMatchObject(expected);
    expect(await value(client, 'select 1')).toBe(1);
  });

  it('in a transaction fails the transaction', async () => {
    const client = await connect();
    await client.query('begin');
    await expect(client.query('select 1/0', [])).rejects.toMatchObject({ code: '22012' });
    await expect(client.query('select 1', [])).rejects.toMatchObject({ code: '25P02' });
    await client.query('rollback');
    expect(await value(client, 'select 1')).toBe(1);
  });
});

/** Runs messages of the protocol that pg itself does not send, and collects what comes back. */
interface Talk {
  tags: string[];
  errors: string[];
  copied: string;
}

interface Wire extends pg.Connection {
  parse(message: object, more?: boolean): void;
  bind(message: object, more?: boolean): void;
  execute(message: object, more?: boolean): void;
  flush(): void;
  sync(): void;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

async function talk(client: pg.Client, start: (wire: Wire) => void, data: string[] = []): Promise<Talk> {
  const said: Talk = { tags: [], errors: [], copied: '' };
  await new Promise<void>((resolve) => {
    client.query({
      submit: start,
      handleCommandComplete: ({ text }: { text: string }) => said.tags.push(text),
      handleError({ code }: { code: string }) {
        said.errors.push(code);
        // pg says no more to a query that has failed.
        resolve();
      },
      handleCopyData: ({ chunk }: { chunk: Buffer }) => void (said.copied += chunk.toString()),
      handleReadyForQuery: () => resolve(),
      handleCopyInResponse(wire: Wire) {
        for (const chunk of data) wire.sendCopyFromChunk(Buffer.from(chunk));
        wire.endCopyFrom();
        if (data.length > 1) wire.sync();
      },
      handleRowDescription: () => undefined,
      handleDataRow: () => undefined,
      handlePortalSuspended: () => undefined,
      handleEmptyQuery: () => undefined,
    } as unknown as pg.Submittable);
  });
  return said;
}

describe('COPY', () => {
  const prepared = (wire: Wire, text: string): void => {
    wire.parse({ name: '', text, types: [] }, true);
    wire.bind({ portal: '', statement: '', values: [] }, true);
    wire.execute({ portal: '', rows: 0 }, true);
    wire.flush();
  };
  const cases: [string, (wire: Wire) => void, string[], Partial<Talk>][] = [
    ['in', (wire) => wire.query('copy public.copied from stdin'), ['1\tx\n'], { tags: ['COPY 1'] }],
    [
      'in, prepared',
      (wire) => prepared(wire, 'copy public.copied from stdin'),
      ['2\ty\n', '3\tz\n'],
      { tags: ['COPY 2'] },
    ],
    ['in with a bad row', (wire) => wire.query('copy public.copied from stdin'), ['x\ty\n'], { errors: ['22P02'] }],
    ['into no table', (wire) => wire.query('copy public.nowhere from stdin'), ['1\n'], { errors: ['42P01'] }],
    [
      'twice among other statements',
      (wire) => wire.query('copy public.copied from stdin; select 1; copy public.copied from stdin'),
      ['4\tw\n'],
      { tags: ['COPY 1', 'SELECT 1', 'COPY 1'] },
    ],
    [
      'out',
      (wire) => wire.query('copy (select * from public.copied order by a) to stdout'),
      [],
      { tags: ['COPY 5'], copied: '1\tx\n2\ty\n3\tz\n4\tw\n4\tw\n' },
    ],
  ];
  it.each(cases)('%s', async (_name, start, data, expected) => {
    await shared.database.script('create table if not exists public.copied (a int, b text)');
    const client = await connect();
    expect(await talk(client, start, data)).toEqual({ tags: [], errors: [], copied: '', ...expected });
    expect(await value(client, 'select 1')).toBe(1);
  });
});

it('ignores what follows an error up to the Sync', async () => {
  const client = await connect();
  const said = await talk(client, (wire) => {
    for (const text of ['select 1', 'select nope', 'select 2']) {
      wire.parse({ name: '', text, types: [] }, true);
      wire.bind({ portal: '', statement: '', values: [] }, true);
      wire.execute({ portal: '', rows: 0 }, true);
    }
    wire.sync();
  });
  expect(said).toEqual({ tags: ['SELECT 1'], errors: ['42703'], copied: '' });
  expect(await value(client, 'select 1')).toBe(1);
});

describe('a transaction that is left open', () => {
  it('is rolled back when its client vanishes', async () => {
    const client = await connect();
    await client.query('begin; delete from public.notes');
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    const { rows } = await shared.database.query('select count(*)::int as n from public.notes');
    expect(rows).toEqual([{ n: 10 }]);
  });

  it('is ended after a while, if others wait', async () => {
    const client = await connect();
    const ended = new Promise<Error>((resolve) => client.on('error', resolve));
    await client.query('begin; delete from public.notes');
    await sleep(500);
    expect(await value(client, 'select count(*)::int from public.notes')).toBe(0);
    const { rows } = await shared.database.query('select count(*)::int as n from public.notes');
    expect(rows).toEqual([{ n: 10 }]);
    expect(await ended).toMatchObject({ code: '25P03' });
  });
});

describe('a statement that never ends', () => {
  const endless = 'do $$ begin loop end loop; end $$';
  const cancel = async (client: pg.Client): Promise<void> => {
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const canceler = new pg.Client(config()) as unknown as {
      connection: pg.Connection & { connect(port: number, host: string): void; cancel(a: number, b: number): void };
    };
    const { connection } = canceler;
    connection.on('connect', () => connection.cancel(processID, secretKey));
    connection.on('error', () => undefined);
    connection.connect(port, '127.0.0.1');
    await sleep(0);
  };

  it('is cancelled', async () => {
    const [client, other] = [await connect(), await connect()];
    await other.query('set search_path = auth');
    await client.query('begin');
    const running = expect(client.query(endless)).rejects.toMatchObject({ code: '57014' });
    await cancel(client);
    await running;
    await expect(client.query('select 1')).rejects.toMatchObject({ code: '25P02' });
    await client.query('rollback');
    expect(await value(client, 'select 1')).toBe(1);
    expect(await value(other, 'show search_path')).toBe('auth');
  });

  it('ends with the statement_timeout of its client', async () => {
    const client = await connect();
    await client.query("set statement_timeout = '200ms'");
    await expect(client.query(endless, [])).rejects.toMatchObject({ code: '57014' });
    expect(await value(client, 'show statement_timeout')).toBe('200ms');
  });
});

it('notifies those who listen, also while others have the session', async () => {
  const [a, b, c] = [await connect(), await connect(), await connect()];
  const heard: string[] = [];
  for (const [name, client] of Object.entries({ a, b, c })) {
    client.on('notification', ({ channel, payload }) => heard.push(`${name} ${channel} ${payload}`));
  }
  await a.query('listen news; listen "Other Channel"');
  await b.query('listen news');
  await c.query('begin; listen news; rollback');
  await c.query("select pg_notify('news', 'from c')");
  await shared.database.query("select pg_notify('Other Channel', 'from the server')");
  await b.query('unlisten *');
  await a.query("notify news, 'from a'", []);
  await expect.poll(() => heard).toHaveLength(4);
  expect(heard.sort()).toEqual(['a Other Channel from the server', 'a news from a', 'a news from c', 'b news from c']);
});

it('tells what changed', async () => {
  const changes: Change[] = [];
  const stop = shared.onChange((change) => changes.push(change));
  const client = await connect();
  await client.query('set app.x = 1');
  await client.query("update public.notes set text = 'y' where id = 1", []);
  await client.query('create table public.more (a int)');
  await shared.database.query('select 1');
  stop();
  expect(changes).toEqual([{ schemaMayDiffer: false }, { schemaMayDiffer: true }]);
});
