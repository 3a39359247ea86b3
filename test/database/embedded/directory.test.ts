import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../../src/database/embedded/embedded.ts';
import { compile } from '../../support/compiled.ts';
import { sampleOf } from '../../support/sample.ts';

let compiled: ReturnType<typeof compile>;
beforeAll(() => {
  compiled = compile('database/embedded/embedded.ts', 'database/embedded/embedded-worker.js');
});
afterAll(() => compiled.dispose());

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'create-muse-database-')), 'with space', 'database');
});
afterEach(() => rmSync(join(directory, '..', '..'), { recursive: true, force: true }));

const lockFile = (): string => join(directory, 'lock.json');

/** Opens the directory in another process, runs statements one by one, prints a line after each, and stays. */
async function other(...statements: string[]): Promise<ChildProcess> {
  const program = `
    const { openEmbedded } = await import(${JSON.stringify(compiled.url)});
    const database = await openEmbedded({ directory: ${JSON.stringify(directory)} });
    console.log('open');
    for (const sql of ${JSON.stringify(statements)}) { await database.query(sql); console.log(sql); }
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await until(child, 'open');
  return child;
}

async function until(child: ChildProcess, line: string): Promise<void> {
  let text = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.includes(`${line}\n`)) return;
  }
  throw new Error(`the other process ended: ${text}`);
}

const kill = async (child: ChildProcess): Promise<void> => {
  child.kill('SIGKILL');
  await once(child, 'exit');
};

it('keeps what was written', async () => {
  const first = await openEmbedded({ directory });
  await first.script('create table public.kept (a int); insert into public.kept values (1)');
  await first.close();
  expect(readdirSync(directory).sort()).toEqual(['data', 'version.json']);
  const second = await openEmbedded({ directory });
  expect((await second.query('select a from public.kept')).rows).toEqual([{ a: 1 }]);
  expect((await second.query("select current_user as who, current_setting('search_path') as path")).rows).toEqual([
    { who: 'postgres', path: '"$user", public, extensions' },
  ]);
  await second.close();
});

describe('the lock', () => {
  it('keeps a second process out, names the holder, and is taken over when the holder is dead', async () => {
    const child = await other();
    await expect(openEmbedded({ directory, lock: { waitMs: 0 } })).rejects.toMatchObject({
      code: 'database-in-use',
      message: expect.stringContaining(`(pid ${child.pid}, running for`) as string,
    });
    await kill(child);
    const database = await openEmbedded({ directory });
    await database.close();
  });

  it('keeps a second open of the same process out', async () => {
    const database = await openEmbedded({ directory });
    await expect(openEmbedded({ directory, lock: { waitMs: 0 } })).rejects.toMatchObject({ code: 'database-in-use' });
    await database.close();
    await database.close();
    await (await openEmbedded({ directory })).close();
  });

  const holder = (fields: object): string =>
    JSON.stringify({ pid: process.pid, started: 'long ago', host: hostname(), token: 't', ...fields });

  // `directory-lock.test.ts` has the other kinds of locks.
  const locks: [string, string][] = [
    ['of a process that is gone', holder({ pid: 2 ** 30 })],
    ['whose pid another process has now', holder({})],
    ['that holds no JSON', 'broken'],
    ['that is empty', ''],
  ];
  it.each(sampleOf(locks, 4))('takes over a lock %s', async (name, content) => {
    // If the system does not report a process's start time, a live PID is trusted.
    if (name.includes('another process') && process.platform !== 'linux') return;
    mkdirSync(directory, { recursive: true });
    writeFileSync(lockFile(), content);
    await (await openEmbedded({ directory })).close();
  });

  it('believes a lock of another machine, and says which file to delete', async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(lockFile(), holder({ host: 'elsewhere' }));
    await expect(openEmbedded({ directory, lock: { waitMs: 0 } })).rejects.toMatchObject({
      code: 'database-in-use',
      suggestion: expect.stringContaining(lockFile()) as string,
    });
  });

  it('is given to one of several that start at once', async () => {
    const results = await Promise.allSettled([1, 2, 3].map(() => openEmbedded({ directory, lock: { waitMs: 0 } })));
    const opened = results.filter((result) => result.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    await opened[0]!.value.close();
  });
});

it('loses no acknowledged row to kill -9', async () => {
  const inserts = Array.from({ length: 200 }, (_, index) => `insert into public.kept values (${index})`);
  const child = await other('create table public.kept (a int)', ...inserts);
  await until(child, inserts[60]!);
  await kill(child);
  const database = await openEmbedded({ directory });
  const { rows } = await database.query<{ n: number; last: number }>(
    'select count(*)::int as n, max(a) as last from public.kept',
  );
  expect(rows[0]!.last).toBeGreaterThanOrEqual(60);
  expect(rows[0]!.n).toBe(rows[0]!.last + 1);
  await database.close();
});

it('starts over if a crash left a copy incomplete', async () => {
  mkdirSync(join(directory, 'data.new-1', 'base'), { recursive: true });
  await (await openEmbedded({ directory })).close();
  expect(readdirSync(directory).sort()).toEqual(['data', 'version.json']);
});

it.each([
  ['another version', JSON.stringify({ pglite: '0.5.16', postgresql: 18 })],
  ['an unreadable record', '{'],
])('refuses a directory of %s and leaves it unchanged', async (_name, record) => {
  await (await openEmbedded({ directory })).close();
  writeFileSync(join(directory, 'version.json'), record);
  await expect(openEmbedded({ directory })).rejects.toMatchObject({ code: 'database-version' });
  expect(readFileSync(join(directory, 'version.json'), 'utf8')).toBe(record);
  expect(readdirSync(directory)).not.toContain('lock.json');
});
