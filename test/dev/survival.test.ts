/** What `muse dev` survives: a kill in the middle of writes, a full disk, large values, a statement that never ends. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createClient } from '@supabase/supabase-js';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { serve, type Serving } from '../../src/dev/dev.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { museIn, museOnDisk } from '../muse/muse-on-disk.ts';
import { environment } from '../support/cli.ts';
import { muse as runMuse } from '../support/cli-in-process.ts';
import { isWhole } from '../support/sample.ts';
import { smallDisk } from '../support/small-disk.ts';

const options = { environment: 'development', variables: {}, port: 0, databasePort: 0 } as const;

/** A request to the Data API with the secret key. */
async function rest(server: Pick<Serving, 'url' | 'secretKey'>, method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}/rest/v1${path}`, {
    method,
    headers: { apikey: server.secretKey, 'content-type': 'application/json', prefer: 'return=representation' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === '' ? undefined : (JSON.parse(text) as unknown) };
}

async function sql(server: Pick<Serving, 'databaseUrl'>, ...texts: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.databaseUrl! });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const text of texts) ({ rows } = await client.query<Record<string, unknown>>(text));
    return rows;
  } finally {
    await client.end();
  }
}

const itemsSql = `create table public.items (id int primary key, text text);
  grant all on public.items to service_role, anon;`;

describe('a server', () => {
  let server: Serving;
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'create-muse-survival-'));
    server = await serve(await museIn(directory, {}), options);
    await sql(
      server,
      `${itemsSql}
       create function public.endless() returns bigint language sql as
         'select count(*) from generate_series(1, 100000000000)';
       alter role anon in database postgres set statement_timeout = '500ms';`,
    );
  });

  afterAll(async () => {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const large = 'é'.repeat(5 * 1024 * 1024);

  it('takes and gives a row of 10 MB by the Data API', async () => {
    expect((await rest(server, 'POST', '/items', { id: 1, text: large })).status).toBe(201);
    const { json } = await rest(server, 'GET', '/items?id=eq.1&select=text');
    expect((json as { text: string }[])[0]?.text === large).toBe(true);
  });

  it('takes and gives a row of 10 MB by the wire protocol', async () => {
    const client = new pg.Client({ connectionString: server.databaseUrl! });
    await client.connect();
    await client.query('insert into public.items values (2, $1)', [large]);
    const { rows } = await client.query<{ text: string }>('select text from public.items where id = 2');
    await client.end();
    expect(rows[0]?.text === large).toBe(true);
  });

  // `storage.test.ts` does it with the server's parts alone.
  it.runIf(isWhole)('streams an upload of 50 MB to disk', async () => {
    const client = createClient(server.url, server.secretKey, { realtime: { transport: WebSocket as never } });
    await client.storage.createBucket('files');
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const chunks = (50 * 1024 * 1024) / chunk.length;
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // What is only not collected yet is not held.
    const held = (): number => {
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    let peak = before;
    async function* body() {
      for (let sent = 0; sent < chunks; sent++) {
        if (sent % 64 === 63) peak = Math.max(peak, held());
        yield chunk;
      }
    }
    const response = await fetch(`${server.url}/storage/v1/object/files/large.bin`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.secretKey}`, apikey: server.secretKey },
      body: Readable.toWeb(Readable.from(body())) as ReadableStream,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(200);
    const { data } = await client.storage.from('files').info('large.bin');
    expect(data?.size).toBe(50 * 1024 * 1024);
    expect((peak - before) / 1024 / 1024).toBeLessThan(25);
  });

  it('ends a request that never ends, while others wait', async () => {
    const endless = fetch(`${server.url}/rest/v1/rpc/endless`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.publishableKey}`, apikey: server.publishableKey },
    });
    await sleep(50);
    const [first, second, third] = await Promise.all([
      endless,
      rest(server, 'GET', '/items?select=id&order=id'),
      sql(server, 'select 3 as three'),
    ]);
    expect([first.status, await first.json()]).toEqual([500, expect.objectContaining({ code: '57014' })]);
    expect(second).toEqual({ status: 200, json: [{ id: 1 }, { id: 2 }] });
    expect(third).toEqual([{ three: 3 }]);
  });
});

it('keeps what it acknowledged before kill -9, and leaves no trigger', async () => {
  const muse = await museOnDisk({});
  const first = await serve(muse, options);
  await sql(first, itemsSql, 'alter publication supabase_realtime add table public.items');
  await first.close();

  const child = spawn(process.execPath, [cli, 'dev', '--port', '0', '--db-port', '0', '--json'], {
    cwd: muse.directory,
    env: environment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(String(line)) as { url: string };
  const server = { url, secretKey: first.secretKey };

  const listener = createClient(url, first.secretKey, { realtime: { transport: WebSocket as never } });
  const heard: unknown[] = [];
  await new Promise<void>((resolve) =>
    listener
      .channel('all')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'items' }, (change) => heard.push(change))
      .subscribe((status) => status === 'SUBSCRIBED' && resolve()),
  );

  const acknowledged: number[] = [];
  const over = new AbortController();
  const writer = async (nr: number): Promise<void> => {
    for (let id = nr; !over.signal.aborted; id += 4) {
      const { status } = await rest(server, 'POST', '/items', { id, text: 'x' }).catch(() => ({ status: 0 }));
      if (status === 201) acknowledged.push(id);
    }
  };
  const writing = Promise.all([1, 2, 3, 4].map(writer));
  while (acknowledged.length < 60 || heard.length === 0) await sleep(20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  over.abort();
  await writing;
  await listener.realtime.disconnect();

  const statement = `select coalesce(array_agg(id), '{}')::text as ids, to_regnamespace('muse_dev') is null as clean,
    (select count(*)::int from pg_trigger where tgrelid = 'public.items'::regclass) as triggers from public.items`;
  const next = await runMuse(['psql', '-c', statement, '--json'], { cwd: muse.directory });
  expect(next).toMatchObject({ code: 0 });
  const { results } = JSON.parse(next.stdout) as { results: { rows: [string, string, string][] }[] };
  const [ids = '', ...others] = results[0]?.rows[0] ?? [];
  expect(others).toEqual(['t', '0']);
  const kept = new Set(ids.slice(1, -1).split(',').map(Number));
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
});

const cli = join(import.meta.dirname, '..', '..', 'bin', 'muse.js');

describe('a disk that is full', () => {
  const disk = smallDisk('60m');

  /** Leaves so few bytes free. */
  async function fill(free: number): Promise<() => void> {
    const { bavail, bsize } = await statfs(disk!);
    const path = join(disk!, 'filler');
    await writeFile(path, Buffer.alloc(Math.max(bavail * bsize - free, 0)));
    return () => rmSync(path);
  }

  it.runIf(disk !== undefined)('is told, loses nothing, and is forgotten when there is space again', async () => {
    let muse: Muse;
    let server: Serving | undefined;
    try {
      muse = await museIn(join(disk!, 'muse'), {});
      server = await serve(muse, options);
      await sql(server, itemsSql);
      expect((await rest(server, 'POST', '/items', { id: 1, text: 'kept' })).status).toBe(201);
      const client = createClient(server.url, server.secretKey, { realtime: { transport: WebSocket as never } });
      await client.storage.createBucket('files');

      const makeSpace = await fill(1024 * 1024);
      const upload = await client.storage.from('files').upload('large.bin', Buffer.alloc(4 * 1024 * 1024));
      expect(upload.error?.message).toBe('No space is left on the disk');
      const text = Array.from({ length: 400_000 }, (_, nr) => nr.toString(36)).join('');
      const refused = await rest(server, 'POST', '/items', { id: 2, text });
      expect(refused).toMatchObject({ status: 500, json: { message: expect.stringMatching(/disk|space/i) } });

      makeSpace();
      expect((await rest(server, 'POST', '/items', { id: 3, text: 'later' })).status).toBe(201);
      expect((await rest(server, 'GET', '/items?select=id&order=id')).json).toEqual([{ id: 1 }, { id: 3 }]);
      expect((await client.storage.from('files').list()).data).toEqual([]);
      expect(await readFile(join(muse.directory, 'muse.json'), 'utf8')).toContain('guarded');
    } finally {
      await server?.close();
      spawnSync('umount', [disk!]);
      rmSync(disk!, { recursive: true, force: true });
    }
  });
});
