import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { MuseError } from './error.ts';
import { hasCode, readText } from './files.ts';

/** Who holds a directory. */
interface Holder {
  pid: number;
  /** When the process began, as far as the system tells; else empty. A pid is used again, a pid with its start is not. */
  started: string;
  host: string;
  /** Tells two opens of one process apart. */
  token: string;
}

const attempts = 20;

/**
 * Takes the lock file, from a dead process too. PGlite itself has no lock, and two processes that open one directory
 * lose rows without a word.
 * @returns gives the lock back
 * @throws MuseError `database-in-use` with the process that holds it
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const me: Holder = { pid: process.pid, started: await startOf(process.pid), host: hostname(), token: randomUUID() };
  const mine = `${path}.${me.token}`;
  const text = `${JSON.stringify(me)}\n`;
  await writeFile(mine, text, { flag: 'wx', mode: 0o600 });
  try {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      // A hard link appears whole or not at all, and never over another file.
      if (await tryLink(mine, path, text)) return () => giveBack(path, me.token);
      const found = await readText(path);
      if (found === undefined) continue;
      const holder = parse(found);
      // Where links are not to be had, the file may be seen before its text is in it.
      if (!holder && attempt < attempts / 2) await sleep(25);
      else if (holder && (await isAlive(holder))) throw inUse(path, holder);
      else await takeAway(path, found);
    }
    throw inUse(path, undefined);
  } finally {
    await rm(mine, { force: true });
  }
}

async function tryLink(mine: string, path: string, text: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR')) throw error;
  }
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Removes a stale lock, unless another process has taken it over in between. */
async function takeAway(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== stale) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function giveBack(path: string, token: string): Promise<void> {
  const text = await readText(path);
  if (text !== undefined && parse(text)?.token === token) await rm(path, { force: true });
}

async function isAlive(holder: Holder): Promise<boolean> {
  // Of another machine, or another container, nothing can be known.
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
  return holder.started === '' || holder.started === (await startOf(holder.pid));
}

/** Linux only: the boot's id and the process's start in clock ticks since then. */
async function startOf(pid: number): Promise<string> {
  try {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // The name of the program stands in parentheses and may hold anything; the start is the 20th field behind it.
    return `${boot.trim()}/${status.slice(status.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return '';
  }
}

function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder;
    return Number.isInteger(holder.pid) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function inUse(path: string, holder: Holder | undefined): MuseError {
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
  const local = holder === undefined || holder.host === hostname();
  return new MuseError({
    code: 'database-in-use',
    message: `The embedded database is in use by ${who}.`,
    detail: `Lock file: ${path}`,
    suggestion: local
      ? 'Wait until that process ends, or stop it; then run the command again.'
      : `If that process is gone for good, delete ${path} and run the command again.`,
  });
}
