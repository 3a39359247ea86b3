import { once } from 'node:events';
import type { RealtimeChannel, RealtimeChannelOptions, SupabaseClient } from '@supabase/supabase-js';
import { WebSocket } from 'ws';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PresenceState } from '../../src/dev/realtime/presence.ts';
import { type LocalServices, startServices } from './local-services.ts';

const [ann, bob] = ['a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002'];

let services: LocalServices;
const clients: SupabaseClient[] = [];

beforeAll(async () => {
  services = await startServices(`
    CREATE TABLE public.notes (id bigint PRIMARY KEY, owner uuid, text text, size numeric, at timestamptz, secret text);
    ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.notes TO authenticated USING (owner = (SELECT auth.uid()));
    GRANT ALL ON public.notes TO service_role;
    GRANT SELECT (id, owner, text, size, at), INSERT, UPDATE, DELETE ON public.notes TO authenticated;
    CREATE TABLE public."Odd ""Name" ("The Key" text, part int, "value'" jsonb, PRIMARY KEY ("The Key", part));
    ALTER TABLE public."Odd ""Name" REPLICA IDENTITY FULL;
    GRANT ALL ON public."Odd ""Name" TO anon, service_role;
    CREATE TABLE public.keyless (a int);
    CREATE TABLE public.closed (id int PRIMARY KEY);
    CREATE TABLE public.unpublished (id int PRIMARY KEY);
    GRANT SELECT ON public.keyless, public.unpublished TO anon;
    REVOKE ALL ON public.closed FROM anon;
    ALTER PUBLICATION supabase_realtime ADD TABLE public.notes, public."Odd ""Name", public.keyless, public.closed;
    CREATE POLICY rooms ON realtime.messages FOR SELECT TO authenticated
      USING (realtime.topic() = 'room' OR (realtime.topic() = 'news' AND extension = 'broadcast'));
    CREATE POLICY writers ON realtime.messages FOR INSERT TO authenticated
      WITH CHECK (realtime.topic() = 'room' AND auth.uid() = '${ann}');`);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.removeAllChannels()));
});
afterAll(() => services.close());

async function connect(token?: string, vsn = '2.0.0'): Promise<SupabaseClient> {
  const client = services.client(token, { realtime: { vsn } });
  clients.push(client);
  if (token !== undefined) await client.realtime.setAuth();
  return client;
}

const secret = (vsn?: string) => connect(services.keys.serviceToken, vsn);
const asUser = async (user: string) => connect(await services.tokenOf(user));

/** Subscribes, and says how that ended. */
function subscribe(channel: RealtimeChannel): Promise<string> {
  return new Promise((resolve) =>
    channel.subscribe((status, error) => resolve(error === undefined ? status : `${status}: ${error.message}`)),
  );
}

/** A channel that notes what it hears of changes. */
async function listen(client: SupabaseClient, filter: object, name = 'changes'): Promise<Record<string, unknown>[]> {
  const heard: Record<string, unknown>[] = [];
  const channel = client
    .channel(name)
    .on('postgres_changes', { event: '*', schema: 'public', ...filter } as never, (change) =>
      heard.push(change as never),
    );
  expect(await subscribe(channel)).toBe('SUBSCRIBED');
  return heard;
}

const sql = (script: string): Promise<void> => services.database.asServer((session) => session.script(script));
const until = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 20 });

/** Waits until everything that was committed before has been told. */
async function settle(): Promise<void> {
  const client = await secret();
  const heard = await listen(client, { table: 'closed', event: 'DELETE' }, `settled-${clients.length}`);
  await sql('INSERT INTO closed VALUES (99); DELETE FROM closed WHERE id = 99');
  await until(() => expect(heard).toHaveLength(1));
}

async function left(): Promise<unknown[]> {
  const { rows } = await services.database.asServer((session) =>
    session.query(`SELECT nspname AS name FROM pg_namespace WHERE nspname = 'muse_dev'
      UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE 'muse_dev%'`),
  );
  return rows;
}

describe('changes of tables', () => {
  afterEach(() => sql('TRUNCATE notes, "Odd ""Name", keyless, closed'));

  it('tell of each change, with what the role may select', async () => {
    const heard = await listen(await asUser(ann!), { table: 'notes' });
    const changes = [
      `INSERT INTO notes VALUES (1, '${ann}', 'a', 1.5, '2026-01-02T03:04:05Z', 'secret')`,
      `UPDATE notes SET text = 'b' WHERE id = 1`,
      `DELETE FROM notes WHERE id = 1`,
    ];
    for (const [index, change] of changes.entries()) {
      await sql(change);
      await until(() => expect(heard).toHaveLength(index + 1));
    }
    const common = { schema: 'public', table: 'notes', errors: null, commit_timestamp: expect.any(String) };
    const row = { id: 1, owner: ann, size: 1.5, at: '2026-01-02T03:04:05+00:00' };
    expect(heard).toEqual([
      { ...common, eventType: 'INSERT', new: { ...row, text: 'a' }, old: {} },
      { ...common, eventType: 'UPDATE', new: { ...row, text: 'b' }, old: { id: 1 } },
      { ...common, eventType: 'DELETE', new: {}, old: { id: 1 } },
    ]);
  });

  it('reach only who may see the row, and everyone when it is deleted', async () => {
    const [anns, bobs, visitors] = await Promise.all([
      listen(await asUser(ann!), { table: 'notes' }),
      listen(await asUser(bob!), { table: 'notes' }),
      listen(await connect(), { table: 'notes' }),
    ]);
    await sql(`INSERT INTO notes (id, owner) VALUES (1, '${ann}'), (2, '${bob}'), (3, NULL)`);
    await settle();
    await sql(`UPDATE notes SET owner = '${bob}' WHERE id = 1`);
    await sql(`DELETE FROM notes WHERE id = 3`);
    await settle();
    const seen = (heard: Record<string, unknown>[]) =>
      (heard as { eventType: string; new: { id?: number }; old: { id?: number } }[]).map(
        (each) => `${each.eventType} ${each.new.id ?? each.old.id}`,
      );
    expect(seen(anns)).toEqual(['INSERT 1', 'DELETE 3']);
    expect(seen(bobs)).toEqual(['INSERT 2', 'UPDATE 1', 'DELETE 3']);
    expect(visitors.map(({ eventType, errors }) => [eventType, errors])).toEqual([
      ...Array.from({ length: 3 }, () => ['INSERT', ['Error 401: Unauthorized']]),
      ['UPDATE', ['Error 401: Unauthorized']],
      ['DELETE', null],
    ]);
  });

  it.each<[string, string[]]>([
    ['id=eq.2', ['2']],
    ['id=neq.2', ['1', '10', '9007199254740993']],
    ['id=lt.2', ['1']],
    ['id=lte.2', ['1', '2']],
    ['id=gt.9', ['10', '9007199254740993']],
    ['id=gte.10', ['10', '9007199254740993']],
    ['id=in.(1,10)', ['1', '10']],
    ['id=eq.9007199254740993', ['9007199254740993']],
    ['id=not.in.(1,10)', ['2', '9007199254740993']],
    ['text=in.("a,b",c)', ['2', '10']],
    ['text=eq.a,b', []],
    ['text=eq."a,b"', ['2']],
    [`text=eq.it's`, ['1']],
    ['text=like.%25', []],
    ['text=is.null', ['9007199254740993']],
    ['id=gt.1,id=lt.10', ['2']],
  ])('keep the filter %s', async (filter, expected) => {
    const heard: string[] = [];
    const channel = (await secret())
      .channel('filtered')
      .on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'notes', filter }, ({ new: row }) =>
        heard.push(row['text'] === null ? '9007199254740993' : String(row['id'])),
      );
    const problems: unknown[] = [];
    channel.on('system', {}, (message) => message.status === 'error' && problems.push(message));
    await subscribe(channel);
    await sql(`INSERT INTO notes (id, text) VALUES (1, 'it''s'), (2, 'a,b'), (10, 'c'), (9007199254740993, NULL)`);
    await settle();
    if (filter === 'text=eq.a,b') expect(problems).toHaveLength(1);
    expect(heard).toEqual(expected);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown column', { table: 'notes', filter: 'none=eq.1' }, /invalid column for filter none/],
    ['a value of another type', { table: 'notes', filter: 'id=eq.x' }, /invalid input syntax for type bigint/],
    ['a pattern that is none', { table: 'notes', filter: 'text=match.(' }, /invalid regular expression/],
    ['an unknown operator', { table: 'notes', filter: 'id=near.1' }, /"near" is not an operator/],
    ['a list without parentheses', { table: 'notes', filter: 'id=in.1' }, /must be wrapped by parentheses/],
    ['SQL', { table: 'notes', filter: `id=eq.1); DROP TABLE notes; --` }, /invalid input syntax/],
    ['a table that is not published', { table: 'unpublished' }, /ADD TABLE public.unpublished/],
  ])('say what is wrong with %s', async (_, filter, expected) => {
    const changes = { event: '*', schema: 'public', ...filter } as never;
    const channel = (await secret()).channel('wrong').on('postgres_changes', changes, () => {});
    const problem = new Promise<string>((resolve) => {
      channel.on('system', {}, ({ status, message }) => status === 'error' && resolve(message));
    });
    channel.subscribe();
    expect(await problem).toMatch(expected);
  });

  it('go by event, schema and any name', async () => {
    const client = await secret();
    const [all, inserts, odd] = [
      await listen(client, { table: undefined }, 'all'),
      await listen(client, { event: 'INSERT', table: 'notes' }, 'inserts'),
      await listen(await connect(), { table: 'Odd "Name', filter: 'part=gt.1' }, 'odd'),
    ];
    await sql(`INSERT INTO "Odd ""Name" VALUES ('k', 1, '{}'), ('k', 2, '{"a": "é"}')`);
    await settle();
    await sql(
      `INSERT INTO notes (id) VALUES (1); UPDATE notes SET text = 'x'; DELETE FROM "Odd ""Name" WHERE part = 2`,
    );
    await settle();
    const old = { 'The Key': 'k', part: 2, "value'": { a: 'é' } };
    expect(odd).toMatchObject([
      { eventType: 'INSERT', new: old },
      { eventType: 'DELETE', old },
    ]);
    expect(inserts).toHaveLength(1);
    const told = all.filter(({ table }) => table !== 'closed');
    expect(told.map(({ table, eventType }) => `${String(table)} ${String(eventType)}`)).toEqual([
      'Odd "Name INSERT',
      'Odd "Name INSERT',
      'notes INSERT',
      'notes UPDATE',
      'Odd "Name DELETE',
    ]);
  });

  it('are not told before the commit, nor after a rollback', async () => {
    const heard = await listen(await secret(), { table: 'notes' });
    await services.database
      .asServer(async (session) => {
        await session.query('INSERT INTO notes (id) VALUES (1)');
        throw new Error('no');
      })
      .catch(() => undefined);
    await sql('INSERT INTO notes (id) VALUES (2)');
    await settle();
    expect(heard).toMatchObject([{ new: { id: 2 } }]);
  });

  it.each<[string, string, string]>([
    ['no key', 'keyless', 'Error 400: Bad Request, no primary key'],
    ['no right', 'closed', 'Error 401: Unauthorized'],
  ])('with %s say so', async (_, table, error) => {
    const heard = await listen(await connect(), { table, event: 'INSERT' });
    await sql(`INSERT INTO ${table} VALUES (1)`);
    await until(() => expect(heard).toMatchObject([{ errors: [error] }]));
  });

  it('with a filter that no longer fits say so, and reach the others', async () => {
    const [broken, others] = [
      await listen(await secret(), { table: 'notes', filter: 'size=eq.1.5' }, 'broken'),
      await listen(await secret(), { table: 'notes' }, 'others'),
    ];
    await sql('ALTER TABLE notes ALTER size TYPE int');
    services.database.changed({ schemaMayDiffer: true });
    await sql(`INSERT INTO notes (id, text) VALUES (1, 'x')`);
    await until(() => expect(others).toHaveLength(1));
    await until(() =>
      expect(broken).toMatchObject([{ errors: [expect.stringContaining('invalid input syntax for type integer')] }]),
    );
    await sql('ALTER TABLE notes ALTER size TYPE numeric');
    services.database.changed({ schemaMayDiffer: true });
  });

  it('leave out long values of a row over 1 MB', async () => {
    const heard = await listen(await secret(), { table: 'notes' });
    await sql(`INSERT INTO notes (id, text) VALUES (1, repeat('x', 1100000))`);
    await until(() => expect(heard).toHaveLength(1));
    expect(heard[0]).toMatchObject({ new: { id: 1 }, errors: ['Error 413: Payload Too Large'] });
    expect(heard[0]!['new']).not.toHaveProperty('text');
  });

  it('continue when a table is made anew, also with another right', async () => {
    const heard = await listen(await connect(), { table: 'notes' });
    await sql(`DROP SCHEMA muse_dev CASCADE; ALTER TABLE notes ADD COLUMN more int; GRANT SELECT ON notes TO anon;
      CREATE POLICY every ON notes FOR SELECT TO anon USING (more = 1)`);
    services.database.changed({ schemaMayDiffer: true });
    await settle();
    await sql('INSERT INTO notes (id, more) VALUES (1, 1), (2, 2)');
    await settle();
    expect(heard).toMatchObject([{ new: { id: 1, more: 1 } }]);
    await sql('ALTER TABLE notes DROP COLUMN more CASCADE; REVOKE ALL ON notes FROM anon');
    services.database.changed({ schemaMayDiffer: true });
  });
});

describe.each(['1.0.0', '2.0.0'])('broadcasts with protocol %s', (vsn) => {
  async function pair(config: RealtimeChannelOptions['config'] = {}, event = 'e') {
    const heard: unknown[] = [];
    const own: unknown[] = [];
    const [listener, sender] = [
      (await connect(undefined, vsn)).channel('room'),
      (await connect(undefined, vsn)).channel('room', { config }),
    ];
    listener.on('broadcast', { event }, (message) => heard.push(message));
    sender.on('broadcast', { event }, (message) => own.push(message));
    expect([await subscribe(listener), await subscribe(sender)]).toEqual(['SUBSCRIBED', 'SUBSCRIBED']);
    return { listener, sender, heard, own };
  }

  it.each<[string, { ack?: boolean; self?: boolean }, number]>([
    ['reach others', {}, 0],
    ['are acknowledged', { ack: true }, 0],
    ['reach the sender', { self: true }, 1],
  ])('%s', async (_, broadcast, expected) => {
    const { sender, heard, own } = await pair({ broadcast });
    expect(await sender.send({ type: 'broadcast', event: 'e', payload: { text: 'é' } })).toBe('ok');
    await until(() => expect(heard).toEqual([{ type: 'broadcast', event: 'e', payload: { text: 'é' } }]));
    expect(own).toHaveLength(expected);
  });

  it('come by HTTP', async () => {
    const { listener, heard } = await pair();
    expect(await listener.httpSend('e', { by: 'http' })).toEqual({ success: true });
    const body = JSON.stringify({
      messages: [
        { topic: 'room', event: 'e', payload: { by: 'batch' } },
        { topic: 'other', event: 'e', payload: {} },
      ],
    });
    expect((await post('/api/broadcast', body)).status).toBe(202);
    await until(() => expect(heard).toMatchObject([{ payload: { by: 'http' } }, { payload: { by: 'batch' } }]));
  });

  it('come from SQL', async () => {
    const { heard } = await pair();
    await sql(`SELECT realtime.send('{"by": "sql"}', 'e', 'room', false)`);
    await until(() => expect(heard).toMatchObject([{ payload: { by: 'sql' } }]));
  });

  it('carry bytes, where the protocol can', async () => {
    const { sender, heard } = await pair({}, 'bytes');
    const bytes = new Uint8Array([0, 1, 255]);
    if (vsn === '2.0.0') await sender.send({ type: 'broadcast', event: 'bytes', payload: bytes.buffer as never });
    else await post('/api/broadcast/room/events/bytes', bytes, { 'content-type': 'application/octet-stream' });
    if (vsn === '2.0.0')
      await until(() => expect(new Uint8Array((heard[0] as { payload: ArrayBuffer }).payload)).toEqual(bytes));
    else expect(heard).toEqual([]);
  });
});

describe('broadcasts by HTTP', () => {
  it.each<[string, string, string, Record<string, string>, number]>([
    ['no messages', '/api/broadcast', '{}', {}, 422],
    ['a message without an event', '/api/broadcast', '{"messages":[{"topic":"a","payload":{}}]}', {}, 422],
    ['no JSON', '/api/broadcast', '{', {}, 400],
    ['another type', '/api/broadcast/a/events/b', 'x', { 'content-type': 'text/plain' }, 415],
    ['a private channel', '/api/broadcast/room/events/b?private=true', '{}', {}, 401],
    ['an unknown path', '/api/none', '{}', {}, 404],
    ['another key', '/api/broadcast', '{}', { apikey: 'x' }, 401],
  ])('refuse %s', async (_, path, body, headers, status) => {
    expect((await post(path, body, headers)).status).toBe(status);
  });
});

describe('presence', () => {
  it('tells who is there, who comes, changes and leaves', async () => {
    const [first, second] = await Promise.all([connect(), connect()]);
    const events: string[] = [];
    const watching = first.channel('lobby', { config: { presence: { key: 'ann' } } });
    watching
      .on('presence', { event: 'join' }, ({ key, newPresences }) =>
        events.push(`+${key} ${String(newPresences[0]?.['mood'])}`),
      )
      .on('presence', { event: 'leave' }, ({ key }) => events.push(`-${key}`));
    await subscribe(watching);
    await watching.track({ mood: 'good' });
    const other = second
      .channel('lobby', { config: { presence: { key: 'bob' } } })
      .on('presence', { event: 'sync' }, () => {});
    await subscribe(other);
    await until(() => expect(Object.keys(other.presenceState())).toEqual(['ann']));
    await other.track({ mood: 'bad' });
    await until(() => expect(Object.keys(watching.presenceState())).toEqual(['ann', 'bob']));
    await other.untrack();
    await other.track({ mood: 'back' });
    second.realtime.disconnect();
    await until(() => expect(Object.keys(watching.presenceState())).toEqual(['ann']));
    expect(events.filter((each) => each.startsWith('+'))).toEqual(['+ann good', '+bob bad', '+bob back']);
  });

  it('tells of another mood as one who leaves and one who comes', () => {
    const state = new PresenceState<string>();
    const first = state.track('member', 'ann', { mood: 'good' })?.joins['ann']?.metas[0];
    expect(state.track('member', 'ann', { mood: 'good' })).toBeUndefined();
    expect(state.track('member', 'ann', { mood: 'bad' })).toEqual({
      joins: { ann: { metas: [{ mood: 'bad', phx_ref: expect.any(String), phx_ref_prev: first?.phx_ref }] } },
      leaves: { ann: { metas: [first] } },
    });
    state.track('other tab', 'ann', { mood: 'bad' });
    expect(state.list()['ann']?.metas).toHaveLength(2);
    expect([state.untrack('member')?.joins, state.untrack('member')]).toEqual([{}, undefined]);
  });
});

describe('private channels', () => {
  const config = { private: true, broadcast: { ack: true, self: true } };

  it.each<[string, () => Promise<SupabaseClient>, string, RegExp]>([
    ['a user reads', () => asUser(bob!), 'room', /^SUBSCRIBED$/],
    [
      'not another topic',
      () => asUser(bob!),
      'attic',
      /do not have permissions to read from this Channel topic: attic/,
    ],
    ['a visitor reads nothing', () => connect(), 'room', /do not have permissions/],
    ['the service reads all', () => secret(), 'attic', /^SUBSCRIBED$/],
  ])('%s', async (_, client, topic, expected) => {
    expect(await subscribe((await client()).channel(topic, { config }))).toMatch(expected);
  });

  it('take messages of who may write, and have nothing to do with a public one of that name', async () => {
    const heard: unknown[] = [];
    const reader = (await asUser(bob!)).channel('room', { config });
    const writer = (await asUser(ann!)).channel('room', { config });
    const stranger = (await connect()).channel('room');
    reader.on('broadcast', { event: '*' }, ({ payload }) => heard.push(payload));
    stranger.on('broadcast', { event: '*' }, ({ payload }) => heard.push({ stranger: payload }));
    for (const each of [reader, writer, stranger]) expect(await subscribe(each)).toBe('SUBSCRIBED');
    void reader.send({ type: 'broadcast', event: 'e', payload: { by: 'reader' } });
    await stranger.send({ type: 'broadcast', event: 'e', payload: { by: 'stranger' } });
    expect(await writer.send({ type: 'broadcast', event: 'e', payload: { by: 'writer' } })).toBe('ok');
    await sql(`SELECT realtime.send('{"by": "sql"}', 'e', 'room', true)`);
    await until(() => expect(heard).toMatchObject([{ by: 'writer' }, { by: 'sql' }]));
    expect((await writer.httpSend('e', { by: 'http' })).success).toBe(true);
    await expect(reader.httpSend('e', {}))
      .resolves.toMatchObject({ success: false })
      .catch(() => undefined);
    await until(() => expect(heard).toHaveLength(3));
  });

  it('keep what a policy lets nobody read from them', async () => {
    const channel = (await asUser(bob!)).channel('news', { config: { private: true, presence: { key: 'bob' } } });
    channel.on('presence', { event: 'sync' }, () => {});
    expect(await subscribe(channel)).toBe('SUBSCRIBED');
    expect(await channel.track({})).toBe('error');
  });
});

describe('the socket', () => {
  /** A client that speaks the protocol by hand. */
  async function open(query: string, headers: Record<string, string> = {}) {
    const socket = new WebSocket(`${services.url.replace('http', 'ws')}/realtime/v1/websocket?${query}`, { headers });
    const heard: unknown[][] = [];
    socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString())));
    await once(socket, 'open');
    return { socket, heard, say: (...message: unknown[]) => socket.send(JSON.stringify(message)) };
  }
  const v2 = () => open(`vsn=2.0.0&apikey=${services.keys.publishable}`);

  it.each<[string, () => string, number]>([
    ['no key', () => '', 401],
    ['another key', () => 'apikey=x', 401],
  ])('is refused with %s', async (_, query, status) => {
    const socket = new WebSocket(`${services.url.replace('http', 'ws')}/realtime/v1/websocket?${query()}`);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(status);
    socket.on('error', () => {});
    socket.terminate();
  });

  it('answers heartbeats, joins, leaves, and what nobody joined', async () => {
    const { socket, heard, say } = await v2();
    say(null, '1', 'phoenix', 'heartbeat', {});
    say('2', '2', 'realtime:a', 'phx_join', { config: {} });
    say('2', '3', 'realtime:a', 'phx_leave', {});
    say('4', '4', 'realtime:a', 'broadcast', { event: 'e' });
    say('5', '5', 'realtime:', 'phx_join', {});
    say('6', '6', 'realtime:b', 'phx_join', { access_token: 'a.b.c' });
    await until(() => expect(heard).toHaveLength(7));
    expect(
      heard
        .slice(0, 6)
        .map(([, ref, topic, event, payload]) => [ref, topic, event, (payload as { status?: string }).status]),
    ).toEqual([
      ['1', 'phoenix', 'phx_reply', 'ok'],
      ['2', 'realtime:a', 'phx_reply', 'ok'],
      ['3', 'realtime:a', 'phx_reply', 'ok'],
      [null, 'realtime:a', 'phx_close', undefined],
      ['4', 'realtime:a', 'phx_reply', 'error'],
      ['5', 'realtime:', 'phx_reply', 'error'],
    ]);
    expect(heard[6]).toMatchObject(['6', '6', 'realtime:b', 'phx_reply', { status: 'error' }]);
    socket.close();
  });

  it.each<[string, string | Buffer]>([
    ['text', 'x'],
    ['JSON', '[1]'],
    ['an unknown frame', Buffer.from([9, 1, 1])],
    ['a frame that is too short', Buffer.from([3, 255, 1, 1, 1, 1, 1, 65])],
    ['no JSON in a frame', Buffer.from([3, 0, 0, 1, 1, 0, 1, 65, 65, 123])],
  ])('closes at %s', async (_, data) => {
    const { socket } = await v2();
    socket.send(data, { binary: typeof data !== 'string' });
    expect((await once(socket, 'close'))[0]).toBe(1011);
  });

  it('ends a channel when its token expires, unless another comes', async () => {
    const { socket, heard, say } = await v2();
    const soon = async (seconds: number) => services.tokenOf(ann!, { exp: Math.floor(Date.now() / 1000) + seconds });
    say('1', '1', 'realtime:short', 'phx_join', { access_token: await soon(2) });
    say('2', '2', 'realtime:long', 'phx_join', { access_token: await soon(2) });
    say('2', '3', 'realtime:long', 'access_token', { access_token: await soon(60) });
    say('4', '4', 'realtime:broken', 'phx_join', { access_token: await soon(60) });
    say('4', '5', 'realtime:broken', 'access_token', { access_token: 'x.y.z' });
    const ended = () => heard.filter(([, , , event]) => event === 'phx_close').map(([, , topic]) => topic);
    await until(() => expect(ended()).toEqual(['realtime:broken', 'realtime:short']));
    expect(heard).toContainEqual([
      '1',
      null,
      'realtime:short',
      'system',
      { extension: 'system', status: 'error', message: 'Token has expired', channel: 'short' },
    ]);
    socket.close();
  });

  it('leaves nothing in the database when everyone has gone', async () => {
    await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: 6000, interval: 100 });
    const heard = await listen(await secret(), { table: 'closed', event: 'DELETE' }, 'again');
    expect(await left()).not.toEqual([]);
    await sql('INSERT INTO closed VALUES (1); DELETE FROM closed');
    await until(() => expect(heard).toHaveLength(1));
  });
});

function post(path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${services.url}/realtime/v1${path}`, {
    method: 'POST',
    body: body as never,
    headers: { apikey: services.keys.publishable, 'content-type': 'application/json', ...headers },
  });
}
