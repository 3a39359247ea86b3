import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from '../../src/shared/directory-lock.ts';

const purpose = { code: 'directory-in-use', subject: 'The directory', next: 'run it again' } as const;
const onLinux = process.platform === 'linux';

let path: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'create-muse-lock-')), 'lock');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(join(path, '..'), { recursive: true, force: true });
});

/** Starts a shell and returns the first line that it prints. */
async function shell(script: string): Promise<string> {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  for await (const chunk of child.stdout) return String(chunk).trim();
  throw new Error('The shell printed nothing.');
}

/** The start time of a process in the lock's format. */
function startOf(pid: number): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot}/${readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]}`;
}

const stateOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.slice(0, 1);

function hold(fields: object): void {
  writeFileSync(
    path,
    JSON.stringify({
      pid: process.pid,
      started: '',
      host: hostname(),
      token: 'other',
      command: 'muse migrate',
      since: Date.now() - 12_000,
      ...fields,
    }),
  );
}

/** Takes the lock and releases it. What a live process holds is an error where it would have to wait at all. */
async function takeAtOnce(): Promise<void> {
  const release = await takeLock(path, purpose, { waitMs: 0 });
  await release();
}

describe('is taken over immediately', () => {
  it('from a process that has ended', async () => {
    hold({ pid: 2 ** 30 });
    await takeAtOnce();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it.runIf(onLinux)('from a zombie', async () => {
    // The shell becomes a program that never asks for the exit code of its child.
    const pid = Number(await shell('sleep 0.2 & echo $!; exec sleep 30 >/dev/null'));
    hold({ pid, started: startOf(pid) });
    await expect.poll(() => stateOf(pid), { timeout: 30_000 }).toBe('Z');
    await takeAtOnce();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it.runIf(onLinux)('from a process whose PID belongs to another one now', async () => {
    hold({ started: 'an earlier start' });
    await takeAtOnce();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it.each([
    ['no JSON', 'broken'],
    ['nothing', ''],
    ['null', 'null'],
    ['a lock without a pid', '{"host":"here"}'],
  ])('from a file that holds %s', async (_, text) => {
    writeFileSync(path, text);
    await takeAtOnce();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });
});

describe('is waited for', () => {
  it('until a live process releases it', async () => {
    const release = await takeLock(path, purpose);
    const told: string[] = [];
    const order: string[] = [];
    const second = takeLock(path, purpose, { onWait: (text) => told.push(text) }).then((done) => {
      order.push('taken');
      return done;
    });
    await expect.poll(() => told).toHaveLength(1);
    order.push('released');
    await release();
    await (
      await second
    )();
    expect(order).toEqual(['released', 'taken']);
    expect(told).toEqual([
      expect.stringMatching(
        new RegExp(`^Waiting for .+ \\(pid ${process.pid}, running for \\d+ s\\): .+ is in use\\.$`),
      ),
    ]);
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it.runIf(onLinux)('until a live process becomes a zombie', async () => {
    const pid = Number(await shell('sleep 1 & echo $!; exec sleep 30 >/dev/null'));
    hold({ pid, started: startOf(pid) });
    const told: string[] = [];
    const release = await takeLock(path, purpose, { waitMs: 30_000, onWait: (text) => told.push(text) });
    expect(told).toHaveLength(1);
    await release();
  });

  it('no longer than the given time, and the error names the command that holds it', async () => {
    hold({});
    await expect(takeLock(path, purpose, { waitMs: 300 })).rejects.toMatchObject({
      code: 'directory-in-use',
      message: expect.stringMatching(
        new RegExp(`^The directory is in use by muse migrate \\(pid ${process.pid}, running for \\d+ s\\)\\.$`),
      ),
      suggestion: 'Wait until that process ends, or stop it. Then run it again.',
    });
    expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  });

  it('no longer than the signal allows', async () => {
    hold({});
    const began = performance.now();
    await expect(takeLock(path, purpose, { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('for a holder on another machine, whose state is unknown; the error says what to delete', async () => {
    hold({ host: 'elsewhere', pid: 2 ** 30 });
    await expect(takeLock(path, purpose, { waitMs: 0 })).rejects.toMatchObject({
      message: expect.stringContaining('on elsewhere'),
      suggestion: expect.stringContaining(`delete ${path}`),
    });
  });

  it('without printing control characters from the file', async () => {
    hold({ command: 'muse\u001B[31m\nmigrate' });
    await expect(takeLock(path, purpose, { waitMs: 0 })).rejects.toMatchObject({
      message: expect.stringContaining(String.raw`muse\x1b[31m\nmigrate`),
    });
  });
});

it('names the holder, without its arguments', async () => {
  const release = await takeLock(path, purpose);
  const holder = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  expect(holder).toEqual({
    pid: process.pid,
    started: expect.any(String),
    host: hostname(),
    token: expect.any(String),
    command: process.title,
    since: expect.any(Number),
    reads: false,
  });
  await release();
  await release();
});

it.each<[string, boolean, boolean, 'waits' | 'fails']>([
  ['a reader for a reader', true, true, 'waits'],
  ['a reader for a writer', true, false, 'fails'],
  ['a writer for a reader', false, true, 'fails'],
])('longer than the limit, %s %j %j: %s', async (_, reads, holderReads, outcome) => {
  const release = await takeLock(path, purpose, { reads: holderReads });
  const second = (async () => {
    try {
      const releaseSecond = await takeLock(path, purpose, { reads, waitMs: 200 });
      await releaseSecond();
      return 'waits';
    } catch (error) {
      return (error as { code: string }).code === purpose.code ? 'fails' : error;
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 700));
  await release();
  expect(await second).toBe(outcome);
});

it('has one holder at a time', async () => {
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const release = await takeLock(path, purpose, { waitMs: 30_000 });
      most = Math.max(most, (inside += 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside -= 1;
      await release();
    }),
  );
  expect(most).toBe(1);
});
