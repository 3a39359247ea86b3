import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ServeOptions, serve, type Serving } from '../../src/dev/dev.ts';
import { fillSecretsFiles } from '../../src/dev/env-file.ts';
import { createKeys, generateKeys, openKeys } from '../../src/dev/keys.ts';
import { parseEnvironment } from '../../src/kit/environment-file.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { museOnDisk, tableFiles } from '../muse/muse-on-disk.ts';

const template = `# The app
NEXT_PUBLIC_SUPABASE_URL=https://your-project.supabase.co
NEXT_PUBLIC_SUPABASE_ANON_KEY=
SUPABASE_SECRET_KEY=your-secret
DATABASE_URL=
STRIPE_SECRET_KEY=
`;

async function start(muse: Muse, options: Partial<ServeOptions> = {}): Promise<Serving> {
  const server = await serve(muse, { environment: 'development', variables: {}, port: 0, databasePort: 0, ...options });
  onTestFinished(() => server.close());
  return server;
}

describe('serve', () => {
  it('serves a muse from start to end', async () => {
    const muse = await museOnDisk({ '.env.example': template });
    const notes: string[] = [];
    const blocker = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void blocker.close());
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;

    const server = await start(muse, { port, onNote: (text) => notes.push(text) });
    expect(server.url).not.toContain(`:${port}`);
    expect(notes).toContain(`Port ${port} is in use, so this is on port ${new URL(server.url).port}.`);
    const variables = parseEnvironment(await readFile(join(muse.directory, '.env.local'), 'utf8'));
    expect(variables).toMatchObject({ NEXT_PUBLIC_SUPABASE_URL: server.url, SUPABASE_SECRET_KEY: server.secretKey });

    const health = await fetch(`${server.url}/rest/v1/`, { headers: { apikey: server.publishableKey } });
    expect(health.status).not.toBe(401);
    for (const name of ['dev-development.json', 'dev-development-server.json', 'dev-development-filled.json'])
      expect((await stat(join(muse.directory, '.muse', name))).mode & 0o777, name).toBe(0o600);

    await expect(start(muse)).rejects.toMatchObject({
      code: 'dev-running',
      message: expect.stringContaining(server.url),
    });

    await server.close();
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
    const again = await start(muse);
    expect([again.publishableKey, again.secretKey]).toEqual([server.publishableKey, server.secretKey]);
  });

  it('knows which migrations are not applied', async () => {
    const muse = await museOnDisk(tableFiles('001', 'notes'));
    const server = await start(muse);
    expect(await server.pending()).toEqual([{ layer: 'extension', file: 'migrations/extensions/001_notes.sql' }]);
  });

  it('sees a table that a request makes, once the request says so', async () => {
    const server = await start(await museOnDisk({}));
    const headers = { apikey: server.secretKey, 'content-type': 'application/json' };
    const client = new pg.Client({ connectionString: server.databaseUrl! });
    await client.connect();
    await client.query(`create function public.make() returns void language plpgsql security definer as $$
      begin
        create table public.made (id int);
        grant select on public.made to service_role;
        notify pgrst, 'reload schema';
      end $$`);
    await client.end();
    const get = async (): Promise<number> => (await fetch(`${server.url}/rest/v1/made`, { headers })).status;
    expect(await get()).toBe(404);
    await fetch(`${server.url}/rest/v1/rpc/make`, { method: 'POST', headers, body: '{}' });
    expect(await get()).toBe(200);
  });

  it('refuses what serves itself', async () => {
    const muse = await museOnDisk({});
    muse.museFile.environments.staging = { target: 'supabase', ref: 'abcdefghijklmnopqrst' };
    await expect(start(muse, { environment: 'staging' })).rejects.toMatchObject({ code: 'bad-target' });
  });

  it('ends the start with its signal, and leaves nothing', async () => {
    const muse = await museOnDisk({});
    const stopping = new AbortController();
    const starting = start(muse, { signal: stopping.signal });
    setTimeout(() => stopping.abort(), 100);
    await expect(starting).rejects.toMatchObject({ code: 'cancelled' });
    await start(muse);
  });
});

describe('the secrets file', () => {
  const url = 'http://127.0.0.1:54321';
  it.each<[string, string | undefined, object, string[]]>([
    [
      'is made from the template where it is missing',
      undefined,
      { NEXT_PUBLIC_SUPABASE_URL: url, SUPABASE_SECRET_KEY: 'SECRET', STRIPE_SECRET_KEY: '' },
      ['NEXT_PUBLIC_SUPABASE_URL', 'SUPABASE_SECRET_KEY'],
    ],
    [
      'gets what is empty or as in the template',
      template,
      { NEXT_PUBLIC_SUPABASE_URL: url, NEXT_PUBLIC_SUPABASE_ANON_KEY: 'ANON', DATABASE_URL: 'DATABASE' },
      ['NEXT_PUBLIC_SUPABASE_URL', 'NEXT_PUBLIC_SUPABASE_ANON_KEY', 'DATABASE_URL'],
    ],
    [
      'keeps what a person wrote',
      'NEXT_PUBLIC_SUPABASE_URL=https://mine.supabase.co\nDATABASE_URL="postgresql://mine/x"\nSUPABASE_SECRET_KEY=\n',
      {
        NEXT_PUBLIC_SUPABASE_URL: 'https://mine.supabase.co',
        DATABASE_URL: 'postgresql://mine/x',
        SUPABASE_SECRET_KEY: 'SECRET',
      },
      ['SUPABASE_SECRET_KEY'],
    ],
    [
      'knows the names of other frameworks',
      'VITE_SUPABASE_URL=\nEXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY=\nDIRECT_URL=\n',
      { VITE_SUPABASE_URL: url, EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY: 'PUBLISHABLE', DIRECT_URL: 'DATABASE' },
      ['VITE_SUPABASE_URL', 'EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY', 'DIRECT_URL'],
    ],
    [
      'does not add a database URL that nobody named',
      'A=1\n',
      { A: '1', DATABASE_URL: undefined },
      ['NEXT_PUBLIC_SUPABASE_URL'],
    ],
  ])('%s', async (_, text, expected, names) => {
    const { directory } = await museOnDisk({
      '.env.example': template,
      ...(text === undefined ? {} : { '.env.local': text }),
    });
    const keys = await createKeys(await generateKeys());
    const filled = await fillSecretsFiles(directory, 'development', { url, keys, databasePort: 54_322 });
    const known = new Map([
      ['SECRET', keys.secret],
      ['ANON', keys.anonToken],
      ['PUBLISHABLE', keys.publishable],
      ['DATABASE', `postgresql://postgres:${keys.databasePassword}@127.0.0.1:54322/postgres`],
    ]);
    const values = Object.entries(expected).map(([name, value]) => [name, known.get(value) ?? value]);
    const written = parseEnvironment(await readFile(join(directory, '.env.local'), 'utf8'));
    expect(Object.fromEntries(values.map(([name]) => [name, written[name]]))).toEqual(Object.fromEntries(values));
    expect(filled.files[0]?.names).toEqual(expect.arrayContaining(names));
  });

  it.each<[string, string, string | undefined]>([
    ['NEXT_PUBLIC_SITE_URL=http://localhost:5173', '', 'http://localhost:5173'],
    [
      'NEXT_PUBLIC_SITE_URL=https://mine.example',
      'NEXT_PUBLIC_SITE_URL=https://yourdomain.com',
      'https://mine.example',
    ],
    ['NEXT_PUBLIC_APP_URL=https://yourdomain.com', 'NEXT_PUBLIC_APP_URL=https://yourdomain.com', undefined],
    ['NEXT_PUBLIC_APP_URL=http://localhost:5000', 'NEXT_PUBLIC_APP_URL=http://localhost:5000', 'http://localhost:5000'],
    ['NEXT_PUBLIC_SITE_URL=your-site-url\nNEXT_PUBLIC_APP_URL=http://127.0.0.1:1', '', 'http://127.0.0.1:1'],
    ['NEXT_PUBLIC_SITE_URL=\nNEXT_PUBLIC_APP_URL=javascript:1', '', undefined],
  ])('says where the app is: %j beside the template %j', async (text, example, siteUrl) => {
    const { directory } = await museOnDisk({ '.env.example': `${example}\n`, '.env.local': `${text}\n` });
    const keys = await createKeys(await generateKeys());
    expect(await fillSecretsFiles(directory, 'development', { url, keys, databasePort: 1 })).toMatchObject({ siteUrl });
  });

  it('follows the port as long as nobody else writes the variable', async () => {
    const { directory } = await museOnDisk({ '.env.local': 'NEXT_PUBLIC_SUPABASE_URL=\nVITE_SUPABASE_URL=\n' });
    const keys = await createKeys(await generateKeys());
    const path = join(directory, '.env.local');
    const fill = (port: number): Promise<unknown> =>
      fillSecretsFiles(directory, 'development', { url: `http://127.0.0.1:${port}`, keys, databasePort: 1 });
    await fill(54_321);
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replace(
        'VITE_SUPABASE_URL=http://127.0.0.1:54321',
        'VITE_SUPABASE_URL=http://127.0.0.1:8000',
      ),
    );
    await fill(54_330);
    expect(parseEnvironment(await readFile(path, 'utf8'))).toMatchObject({
      NEXT_PUBLIC_SUPABASE_URL: 'http://127.0.0.1:54330',
      VITE_SUPABASE_URL: 'http://127.0.0.1:8000',
    });
  });
});

describe('the keys', () => {
  it.each(['', '{', '{"publishable":1}'])('are made anew where the file holds %j', async (text) => {
    const { directory } = await museOnDisk({ '.muse/dev-development.json': text });
    const keys = await openKeys(directory, 'development');
    expect((await openKeys(directory, 'development')).publishable).toBe(keys.publishable);
    expect(await keys.verify(await keys.sign({ sub: 'me' }))).toMatchObject({ sub: 'me' });
    expect((await openKeys(directory, 'staging')).publishable).not.toBe(keys.publishable);
  });
});
