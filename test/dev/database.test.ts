import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOwnDatabase, type OwnDatabase } from '../../src/dev/database/database.ts';
import { embeddedConnections } from '../../src/dev/database/embedded.ts';
import type { ActOptions, AloneOptions, Identity } from '../../src/dev/service.ts';
import { shareEmbedded } from '../../src/database/embedded/shared.ts';

const anon: Identity = { role: 'anon', claims: { role: 'anon' } };
const user = (sub: string): Identity => ({ role: 'authenticated', claims: { role: 'authenticated', sub } });
const service: Identity = { role: 'service_role', claims: { role: 'service_role' } };
const [ann, bob] = ['a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002'];

let database: OwnDatabase;

beforeAll(async () => {
  database = await createOwnDatabase(embeddedConnections(await shareEmbedded()));
  await database.asServer((session) =>
    session.script(`
      CREATE TABLE public.notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner uuid NOT NULL, text text);
      ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.notes TO authenticated USING (owner = (SELECT auth.uid()));
      GRANT ALL ON public.notes TO authenticated, service_role;
      CREATE TABLE public.late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
      GRANT ALL ON public.late TO service_role;`),
  );
});

afterAll(() => database.close());

const one = async (identity: Identity, sql: string, options?: ActOptions): Promise<unknown> =>
  database.actAs(identity, async (session) => Object.values((await session.query(sql)).rows[0] ?? {})[0], options);

describe('a transaction under a role', () => {
  const request = { method: 'GET', path: '/notes', headers: { 'x-tenant': `o'br\\ien é`, cookie: 'a=1; b = 2' } };
  it.each<[string, Identity, string, unknown, ActOptions?]>([
    ['acts as the role', anon, 'SELECT current_user', 'anon'],
    ['has the claims', user(ann), 'SELECT auth.uid()', ann],
    ['has the role among the claims', user(ann), 'SELECT auth.role()', 'authenticated'],
    ['has the method', anon, `SELECT current_setting('request.method')`, 'GET', { request }],
    ['has the path', anon, `SELECT current_setting('request.path')`, '/notes', { request }],
    [
      'has any header',
      anon,
      `SELECT current_setting('request.headers')::json ->> 'x-tenant'`,
      `o'br\\ien é`,
      { request },
    ],
    ['has cookies', anon, `SELECT current_setting('request.cookies')`, '{"a":"1","b":"2"}', { request }],
    ['has nothing of the request before', anon, `SELECT current_setting('request.path', true)`, ''],
    ['searches the exposed schema first', anon, 'SHOW search_path', 'auth, public, extensions', { schema: 'auth' }],
    ['has the time limit of anon', anon, 'SHOW statement_timeout', '3s'],
    ['has the time limit of a user', user(ann), 'SHOW statement_timeout', '8s'],
    ['has the time limit of the connection', service, 'SHOW statement_timeout', '8s'],
  ])('%s', async (_, identity, sql, expected, options) => {
    expect(await one(identity, sql, options)).toEqual(expected);
  });

  it('leaves nothing for the next', async () => {
    await one(user(ann), 'SELECT 1', { request });
    const next = await database.asServer(
      async (session) =>
        (await session.query(`SELECT current_user AS who, auth.uid() AS uid, current_setting('search_path') AS path`))
          .rows[0],
    );
    expect(next).toEqual({ who: 'postgres', uid: null, path: '"$user", public, extensions' });
  });

  it.each<[string, Identity, string, string, ActOptions?]>([
    [
      'refuses to write where it only reads',
      service,
      `INSERT INTO notes (owner) VALUES ('${ann}')`,
      '25006',
      { readOnly: true },
    ],
    ['is bound to the grants of the role', anon, 'SELECT 1 FROM notes', '42501'],
    ['cannot become the superuser', anon, 'SET SESSION AUTHORIZATION supabase_admin', '42501'],
    [
      'checks what is deferred before it rolls back',
      service,
      'INSERT INTO late VALUES (1), (1)',
      '23505',
      { rollback: true },
    ],
  ])('%s', async (_, identity, sql, code, options) => {
    await expect(one(identity, sql, options)).rejects.toMatchObject({ code });
  });

  it('gives the result of what it rolls back', async () => {
    const sql = `INSERT INTO notes (owner, text) VALUES ('${ann}', 'gone') RETURNING text`;
    expect(await one(user(ann), sql, { rollback: true })).toBe('gone');
    expect(await one(service, `SELECT count(*)::int FROM notes WHERE text = 'gone'`)).toBe(0);
  });

  it('takes new role settings with the schema, those of this database first', async () => {
    await database.asServer((session) => session.script(`ALTER ROLE anon SET statement_timeout = '1min'`));
    database.changed({ schemaMayDiffer: true });
    expect(await one(anon, 'SHOW statement_timeout')).toBe('3s');
    await database.asServer((session) => session.script('ALTER ROLE anon RESET statement_timeout'));
  });
});

describe('interleaved identities', () => {
  it('give each its own rows, whatever fails in between', async () => {
    const people = [ann, bob];
    const calls = Array.from({ length: 300 }, async (_, index) => {
      const me = people[index % 2]!;
      if (index % 3 === 0)
        return one(user(me), 'SELECT 1 / 0').then(
          () => 'worked',
          () => undefined,
        );
      await one(user(me), `INSERT INTO notes (owner, text) VALUES ('${me}', 'mine') RETURNING 1`);
      const owners = await database.actAs(
        user(me),
        async (session) => (await session.query<{ owner: string }>('SELECT DISTINCT owner FROM notes')).rows,
      );
      return owners.every(({ owner }) => owner === me) ? undefined : 'wrong row';
    });
    expect((await Promise.all(calls)).filter((wrong) => wrong !== undefined)).toEqual([]);
  });
});

describe('a statement in a transaction of its own', () => {
  const ask = async (identity: Identity, sql: string, options: AloneOptions = { readOnly: true }): Promise<unknown> =>
    Object.values((await database.queryAs<object>(identity, { sql, values: [] }, options)).rows[0] ?? {})[0];
  const script = (sql: string): Promise<void> => database.asServer((session) => session.script(sql));

  it.each<[string, Identity, string, unknown, AloneOptions?]>([
    ['acts as the role', anon, 'SELECT current_user', 'anon'],
    ['has the claims', user(ann), 'SELECT auth.uid()', ann],
    ['has a time zone', anon, 'SHOW timezone', 'Asia/Tokyo', { timezone: 'Asia/Tokyo' }],
    ['only reads where it may not write', anon, 'SHOW transaction_read_only', 'on'],
    ['may write elsewhere', anon, 'SHOW transaction_read_only', 'off', {}],
  ])('%s', async (_, identity, sql, expected, options) => {
    expect(await ask(identity, sql, options)).toEqual(expected);
    expect(await one(service, 'SELECT current_user')).toBe('service_role');
    expect(await database.asServer(async ({ query }) => (await query('SELECT current_user AS me')).rows)).toEqual([
      { me: 'postgres' },
    ]);
  });

  it.each<[string, Identity, string, string, AloneOptions?]>([
    ['a write where it only reads', service, `INSERT INTO notes (owner) VALUES ('${ann}')`, '25006'],
    ['what the role may not', anon, 'SELECT 1 FROM notes', '42501'],
    ['what is only checked at the end', service, 'INSERT INTO late VALUES (7), (7)', '23505', {}],
    ['two statements', service, 'SELECT 1; SELECT 2', '42601', {}],
    ['a name that is not there', service, 'SELECT nobody()', '42883'],
  ])('refuses %s, each time, and leaves nothing', async (_, identity, sql, code, options) => {
    for (const _ of [1, 2]) await expect(ask(identity, sql, options)).rejects.toMatchObject({ code });
    expect(await ask(service, 'SELECT count(*)::int FROM late')).toBe(0);
  });

  // Its text stays prepared, with the plan of the first time.
  it.each<[string, string, unknown, string, unknown]>([
    [
      'a column is added',
      'SELECT row_to_json(t)::text FROM kept AS t',
      '{"id":1}',
      'ALTER TABLE kept ADD more int',
      '{"id":1,"more":null}',
    ],
    ['a policy changes', 'SELECT count(*)::int FROM kept', 1, 'ALTER TABLE kept ENABLE ROW LEVEL SECURITY', 0],
    [
      'the table is another',
      'SELECT max(id)::int FROM kept',
      1,
      'DROP TABLE kept; CREATE TABLE kept AS SELECT 2 AS id; GRANT SELECT ON kept TO anon',
      2,
    ],
    [
      'it comes to be',
      'SELECT id FROM unborn',
      undefined,
      'CREATE TABLE unborn AS SELECT 3 AS id; GRANT SELECT ON unborn TO anon',
      3,
    ],
    ['somebody forgets what is prepared', 'SELECT id FROM kept', 1, 'DEALLOCATE ALL', 1],
    ['somebody discards everything', 'SELECT id FROM kept', 1, "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$", 1],
  ])('sees that %s', async (_, sql, before, change, after) => {
    await script('CREATE TABLE kept AS SELECT 1 AS id; GRANT SELECT ON kept TO anon');
    // Seven times: from the sixth on, PostgreSQL may take a plan that it has kept.
    for (let times = 0; times < 7; times++) expect(await ask(anon, sql).catch(() => undefined)).toEqual(before);
    await script(change);
    expect(await ask(anon, sql)).toEqual(after);
    await script('DROP TABLE IF EXISTS kept, unborn');
  });

  it('knows the same text as another role', async () => {
    for (const identity of [anon, user(ann), service, anon]) {
      expect(await ask(identity, 'SELECT current_user::text')).toBe(identity.role);
    }
  });

  it('takes more texts than stay prepared', async () => {
    const numbers = Array.from({ length: 120 }, (_, index) => index);
    for (const _ of [1, 2]) {
      expect(await Promise.all(numbers.map((number) => ask(anon, `SELECT ${number}`)))).toEqual(numbers);
    }
    const { affected } = await database.asServer(({ query }) => query('SELECT FROM pg_prepared_statements'));
    // Those of the last message included.
    expect(affected).toBeLessThanOrEqual(103);
  });

  it('gives each of many at once its own rows, whatever fails in between', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
    const said = ids.map((id, index) =>
      index % 3 === 0
        ? ask(user(id), 'SELECT 1 / 0').catch(({ code }: { code: string }) => code)
        : index % 3 === 1
          ? ask(user(id), 'SELECT auth.uid()')
          : one(user(id), 'SELECT auth.uid()'),
    );
    expect(await Promise.all(said)).toEqual(ids.map((id, index) => (index % 3 === 0 ? '22012' : id)));
  });
});

describe('changes', () => {
  it.each<[string, () => Promise<unknown>, number]>([
    ['a write tells', () => one(service, `INSERT INTO notes (owner) VALUES ('${ann}') RETURNING 1`), 1],
    ['a read-only transaction does not', () => one(service, 'SELECT 1', { readOnly: true }), 0],
    ['what was rolled back does not', () => one(service, 'SELECT 1', { rollback: true }), 0],
    ['what failed does not', () => one(service, 'SELECT 1 / 0').catch(() => undefined), 0],
  ])('%s', async (_, work, count) => {
    let told = 0;
    const end = database.onCommit(() => (told += 1));
    await work();
    end();
    await one(service, 'SELECT 1');
    expect(told).toBe(count);
  });
});

describe('a session that all share', () => {
  it('refuses a transaction inside a transaction, which would wait for itself', async () => {
    await expect(database.asServer(() => database.asServer(() => Promise.resolve()))).rejects.toThrow(/inside/);
  });

  it('runs nothing more for a client that is gone', async () => {
    const client = new AbortController();
    const work = database.actAs(
      service,
      async (session) => {
        await session.query(`INSERT INTO notes (owner, text) VALUES ('${ann}', 'half')`);
        client.abort();
        await session.query('SELECT 1');
      },
      { signal: client.signal },
    );
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
    expect(await one(service, `SELECT count(*)::int FROM notes WHERE text = 'half'`)).toBe(0);
  });

  it('runs nothing for a client that has gone while it waited', async () => {
    const client = new AbortController();
    const write = { sql: `INSERT INTO notes (owner, text) VALUES ('${ann}', 'late')`, values: [] };
    const before = one(service, 'SELECT pg_sleep(0.1)');
    const work = database.queryAs(service, write, { signal: client.signal });
    client.abort();
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
    await before;
    expect(await one(service, `SELECT count(*)::int FROM notes WHERE text = 'late'`)).toBe(0);
  });

  it('survives a statement that never ends', async () => {
    await database.asServer((session) =>
      session.script(`ALTER ROLE anon IN DATABASE postgres SET statement_timeout = '300ms'`),
    );
    database.changed({ schemaMayDiffer: true });
    const endless = 'SELECT count(*) FROM generate_series(1, 100000000000)';
    const alone = (identity: Identity, sql: string): Promise<unknown> =>
      database.queryAs(identity, { sql, values: [] }, { readOnly: true }).then(({ rows }) => rows);
    const stopped = { reason: { code: '57014', message: 'canceling statement due to statement timeout' } };
    expect(await Promise.allSettled([one(anon, endless), one(service, 'SELECT 2')])).toMatchObject([
      stopped,
      { value: 2 },
    ]);
    // Those after it have been sent already, and are sent again.
    expect(
      await Promise.allSettled([
        alone(service, 'SELECT 1 AS n'),
        alone(anon, endless),
        alone(service, 'SELECT 2 AS n'),
        alone(anon, endless),
        alone(service, 'SELECT 3 AS n'),
      ]),
    ).toMatchObject([{ value: [{ n: 1 }] }, stopped, { value: [{ n: 2 }] }, stopped, { value: [{ n: 3 }] }]);
  });
});
