import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { createOwnDatabase, type OwnDatabase } from '../../src/dev/database/database.ts';
import { poolConnections } from '../../src/dev/database/pooled.ts';
import type { Identity } from '../../src/dev/service.ts';
import { type Native, startNative } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';

const service: Identity = { role: 'service_role', claims: {} };
const user = (sub: string): Identity => ({ role: 'authenticated', claims: { sub } });

let native: Native;
let database: OwnDatabase;
let opened = 0;

beforeAll(async () => {
  native = await startNative();
  const url = await platformDatabase(native, 'pooled');
  const open = (): ReturnType<typeof openPostgres> => {
    opened += 1;
    return openPostgres({ url });
  };
  database = await createOwnDatabase(poolConnections(open));
});
afterAll(async () => {
  await database.close();
  await native.stop();
});

const one = (identity: Identity, sql: string): Promise<unknown> =>
  database.actAs(identity, async (session) => Object.values((await session.query(sql)).rows[0] ?? {})[0]);

it('gives each of many callers at once its own identity, by ten connections at most', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`);
  const calls = ids.map((id, index) =>
    index % 3 === 0
      ? one(user(id), 'SELECT 1 / 0').catch((error: { code?: string }) => error.code)
      : one(user(id), `SELECT auth.uid() || current_user FROM (SELECT pg_sleep(0.005)) AS s`),
  );
  expect(await Promise.all(calls)).toEqual(ids.map((id, index) => (index % 3 === 0 ? '22012' : `${id}authenticated`)));
  expect(opened).toBeLessThanOrEqual(10);
});

it('lets the server end a statement that takes too long', async () => {
  await database.asServer((session) =>
    session.script(
      `DO $$ BEGIN EXECUTE format('ALTER ROLE service_role IN DATABASE %I SET statement_timeout = ''100ms''', current_database()); END $$`,
    ),
  );
  database.changed({ schemaMayDiffer: true });
  await expect(one(service, 'SELECT pg_sleep(5)')).rejects.toMatchObject({ code: '57014' });
});

it('replaces a connection that was lost', async () => {
  await expect(one(user('a'), 'SELECT 1')).resolves.toBe(1);
  const killed = database.asServer((session) => session.query('SELECT pg_terminate_backend(pg_backend_pid())'));
  await expect(killed).rejects.toMatchObject({ code: 'connection-lost' });
  expect(await Promise.all(Array.from({ length: 12 }, () => one(user('a'), 'SELECT 1')))).toEqual(Array(12).fill(1));
});
