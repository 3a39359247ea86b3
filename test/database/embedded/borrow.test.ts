import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dropDirectory } from '../../../src/database/embedded/borrow.ts';
import { openEmbedded } from '../../../src/database/embedded/embedded.ts';
import { socketVersion } from '../../../src/database/embedded/socket.ts';
import { type SharedEmbedded, shareEmbedded } from '../../../src/database/embedded/shared.ts';
import type { Change } from '../../../src/database/embedded/turns.ts';

let root: string;
let directory: string;
let shared: SharedEmbedded;
const changes: Change[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'create-muse-borrow-'));
  directory = join(root, 'with space', 'database');
  shared = await shareEmbedded({ directory });
  shared.onChange((change) => changes.push(change));
  await shared.database.script('create table public.kept (a int)');
});
afterAll(async () => {
  await shared.close();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  changes.length = 0;
});

const count = async (): Promise<unknown> =>
  (await shared.database.query<{ n: number }>('select count(*)::int as n from public.kept')).rows[0]?.n;
/** What of the session another user would notice. */
const state = async (): Promise<unknown> => {
  const { rows } = await shared.database.query(
    `select current_user as who, session_user as login, current_setting('search_path') as path,
       current_setting('app.x', true) as x, to_regclass('pg_temp.t')::text as temporary`,
  );
  return rows[0];
};
const clean = { who: 'postgres', login: 'postgres', path: '"$user", public, extensions', temporary: null };

it('lends the session, and has it as it was afterwards', async () => {
  const before = await count();
  const borrowed = await openEmbedded({ directory });
  expect(borrowed.description).toBe(`embedded database in ${directory}`);
  await borrowed.transaction(({ query }) => query('insert into public.kept values ($1)', [1]));
  await borrowed.script(
    `set app.x = 'left'; set search_path = auth; create temporary table t (a int); set role anon; begin; select 1`,
  );
  const waits = count();
  expect(await Promise.race([waits, sleep(100, 'waits')])).toBe('waits');
  await borrowed.close();
  expect(await waits).toBe(Number(before) + 1);
  expect(await state()).toEqual({ ...clean, x: '' });
  expect(changes).toEqual([{ schemaMayDiffer: true }]);
});

it('is reachable by the user alone', () => {
  const file = join(directory, 'server.json');
  const { socket } = JSON.parse(readFileSync(file, 'utf8')) as { socket: string };
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
  expect(Buffer.byteLength(socket)).toBeLessThan(104);
});

describe('errors are those of an engine of one’s own', () => {
  const cases: [string, (database: Awaited<ReturnType<typeof openEmbedded>>) => Promise<unknown>, object][] = [
    ['a query', (one) => one.query('select nope'), { name: 'DatabaseError', code: '42703', position: 8 }],
    ['a script', (one) => one.script('select 1; select 1/0'), { name: 'DatabaseError', code: '22012', done: 1 }],
    [
      'a statement beyond its limit',
      async (one) => {
        one.limitStatements?.(200);
        await one.script('do $$ begin loop end loop; end $$');
      },
      { name: 'MuseError', code: 'statement-timeout' },
    ],
    ['a closed one', (one) => one.close().then(() => one.query('select 1')), { code: 'database-closed' }],
  ];
  it.each(cases)('%s', async (_name, work, expected) => {
    const borrowed = await openEmbedded({ directory });
    await expect(work(borrowed)).rejects.toMatchObject(expected);
    await borrowed.close();
    expect(await state()).toMatchObject(clean);
  });
});

it('ends a statement whose client is gone or aborts, and continues', async () => {
  const abort = new AbortController();
  const borrowed = await openEmbedded({ directory, signal: abort.signal });
  const endless = borrowed.script('do $$ begin loop end loop; end $$');
  abort.abort();
  await expect(endless).rejects.toMatchObject({ code: 'cancelled' });
  expect(await state()).toMatchObject(clean);
});

describe('a wait for the session', () => {
  it('has a limit, says so, and can be aborted', async () => {
    const first = await openEmbedded({ directory });
    await expect(openEmbedded({ directory, lock: { waitMs: 50 } })).rejects.toMatchObject({ code: 'database-in-use' });
    const abort = new AbortController();
    const third = openEmbedded({ directory, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 50);
    await expect(third).rejects.toThrow('enough');
    await first.close();
    expect(await state()).toMatchObject(clean);
  });

  it('is in order, and none has another’s transaction', async () => {
    await shared.database.script('delete from public.kept');
    const borrower = async (index: number): Promise<void> => {
      const one = await openEmbedded({ directory });
      await one.query('begin');
      await one.query('insert into public.kept values ($1)', [index]);
      await one.query(index % 2 === 0 ? 'commit' : 'rollback');
      await one.close();
    };
    const own = (index: number): Promise<unknown> =>
      shared.database.transaction(({ query }) => query('insert into public.kept values ($1)', [index]));
    await Promise.all([0, 1, 2, 3].flatMap((index) => [borrower(index), own(100 + index)]));
    const { rows } = await shared.database.query<{ a: number }>('select a from public.kept order by a');
    expect(rows.map(({ a }) => a)).toEqual([0, 2, 100, 101, 102, 103]);
  });
});

it('refuses a client that does not know the token', async () => {
  const file = join(directory, 'server.json');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(text) as object), token: 'wrong' }));
  await expect(openEmbedded({ directory })).rejects.toMatchObject({ code: 'embedded-failed' });
  writeFileSync(file, text);
});

it('does not drop the database for a command that has given up', async () => {
  const borrowed = await openEmbedded({ directory });
  await expect(dropDirectory(directory, { waitMs: 50 })).rejects.toMatchObject({ code: 'database-in-use' });
  await borrowed.close();
  await sleep(50);
  expect((await shared.database.query("select to_regclass('public.kept')::text as t")).rows).toEqual([{ t: 'kept' }]);
});

it('drops the database while it is served', async () => {
  await dropDirectory(directory);
  expect(changes).toEqual([{ schemaMayDiffer: true }]);
  const borrowed = await openEmbedded({ directory });
  expect((await borrowed.query("select to_regclass('public.kept') as t")).rows).toEqual([{ t: null }]);
  await borrowed.close();
  expect(await state()).toMatchObject(clean);
});

it('ends its borrowers when it closes, and leaves nothing but the database', async () => {
  const borrowed = await openEmbedded({ directory });
  const { socket } = JSON.parse(readFileSync(join(directory, 'server.json'), 'utf8')) as { socket: string };
  const endless = borrowed.script('do $$ begin loop end loop; end $$');
  await Promise.all([expect(endless).rejects.toMatchObject({ code: 'embedded-failed' }), shared.close()]);
  expect(readdirSync(directory).sort()).toEqual(['data', 'version.json']);
  expect(() => statSync(dirname(socket))).toThrow('ENOENT');
  // A file that a killed process left behind, with a socket that nobody listens on.
  mkdirSync(dirname(socket));
  writeFileSync(socket, '');
  writeFileSync(join(directory, 'server.json'), JSON.stringify({ version: socketVersion, socket, token: 'x' }));
  const alone = await openEmbedded({ directory });
  await alone.query('select 1');
  await alone.close();
  expect(() => statSync(dirname(socket))).toThrow('ENOENT');
  expect(readdirSync(directory).sort()).toEqual(['data', 'version.json']);
});
