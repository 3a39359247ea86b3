import { dirname } from 'node:path';
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, MuseError } from './error.ts';
import { fileError, hasCode, readText } from './files.ts';
import { printableLine } from './printable.ts';

/** What a lock is for, as its errors say it. */
export interface LockPurpose {
  /** Code of the error if the lock cannot be taken. */
  code: ErrorCode;
  /** What is in use, e.g. `The embedded database in /srv/app/.muse/database`. */
  subject: string;
  /** What to do once it is free, e.g. `run the command again`. */
  next: string;
}

/** How to wait for a lock that a live process holds. */
export interface LockOptions {
  /** How long, in ms; default 10,000. Not counted while this process and the holder both only read. */
  waitMs?: number | undefined;
  /** This process only reads what the lock protects. */
  reads?: boolean | undefined;
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
  /** Called once with a message when the wait begins. */
  onWait?: ((text: string) => void) | undefined;
}

/** Who holds a lock: the content of its file. */
interface Holder {
  pid: number;
  /** When the process started, if the system reports it; else empty. Pids are reused; a pid with its start time is unique. */
  started: string;
  host: string;
  /** Tells two holders in one process apart. */
  token: string;
  /** Name of the command, e.g. `muse migrate`. Never its arguments: there may be secrets among them. */
  command: string;
  /** When the lock was taken, ms since 1970. */
  since: number;
  /** It only reads what the lock protects, so it ends without anyone's help. */
  reads: boolean;
}

const defaultWaitMs = 10_000;
const pollMs = 100;
/** How often a file without a holder is read again: it may be in the middle of being written. */
const writingPolls = 3;

/**
 * Takes a lock file. The lock of a process that is dead or a zombie, or whose pid another process has now, is taken over
 * at once; the lock of a live process is waited for.
 * @returns a function that releases the lock; it may be called again
 * @throws MuseError with the purpose's code, naming who holds it; the signal's reason when it aborts
 */
export async function takeLock(
  path: string,
  purpose: LockPurpose,
  options: LockOptions = {},
): Promise<() => Promise<void>> {
  const { waitMs = defaultWaitMs, reads = false, signal, onWait } = options;
  const me: Holder = {
    pid: process.pid,
    started: (await processAt(process.pid))?.started ?? '',
    host: hostname(),
    token: randomUUID(),
    command: process.title,
    since: Date.now(),
    reads,
  };
  const mine = `${path}.${me.token}`;
  let waited = 0;
  let waiting = false;
  let unreadable = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const text = `${JSON.stringify({ ...me, since: Date.now() })}\n`;
      // The holder may have removed the directory, as a run does that leaves nothing behind.
      if (waiting) await mkdir(dirname(path), { recursive: true });
      await writeFile(mine, text, { mode: 0o600 }).catch((error: unknown) => {
        throw fileError(error, path);
      });
      if (await tryLink(mine, path, text)) return () => release(path, me.token);
      const found = await readText(path);
      if (found === undefined) continue;
      const holder = parse(found);
      if (holder === undefined ? (unreadable += 1) > writingPolls : !(await isAlive(holder))) {
        await takeAway(path, found);
        continue;
      }
      if (holder !== undefined) {
        if (waited >= waitMs) throw inUse(path, holder, purpose);
        if (!waiting) onWait?.(`Waiting for ${named(holder)}: ${purpose.subject} is in use.`);
        waiting = true;
        unreadable = 0;
      }
      const began = performance.now();
      await sleep(pollMs, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
      if (!reads || holder?.reads !== true) waited += performance.now() - began;
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** Who holds the lock at the path, in a message: `create-muse (pid 123, running for 12 s)`; undefined where no other living process does. */
export async function lockHolder(path: string): Promise<string | undefined> {
  const holder = parse((await readText(path)) ?? '');
  const isOther = holder !== undefined && (holder.pid !== process.pid || holder.host !== hostname());
  return isOther && (await isAlive(holder)) ? named(holder) : undefined;
}

/** A hard link appears whole or not at all, and never over another file. */
async function tryLink(mine: string, path: string, text: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EISDIR')) throw error;
  }
  // A file system without hard links: another process may see the file before its text is written.
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

async function release(path: string, token: string): Promise<void> {
  const text = await readText(path);
  if (text !== undefined && parse(text)?.token === token) await rm(path, { force: true });
}

async function isAlive(holder: Holder): Promise<boolean> {
  // Nothing is known about processes of another machine or container.
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
  const now = await processAt(holder.pid);
  if (now === undefined) return true;
  return !now.dead && (holder.started === '' || holder.started === now.started);
}

/**
 * What the system knows about the process with a pid; undefined anywhere but on Linux.
 * A zombie has ended but keeps its pid until its parent reads its exit code: in a container, that may be never.
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
async function processAt(pid: number): Promise<{ started: string; dead: boolean } | undefined> {
  try {
    const [status, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The name of the program is in parentheses and may hold anything. After it: the state, field 3, and the start, field 22.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return { started: `${boot.trim()}/${fields[19]}`, dead: ['Z', 'X', 'x'].includes(fields[0] ?? '') };
  } catch {
    return undefined;
  }
}

/** The holder in a lock file; undefined for one that is not, or not yet, a lock's content. */
function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<Holder> | null;
    if (!Number.isInteger(holder?.pid) || typeof holder?.host !== 'string') return undefined;
    return { started: '', token: '', command: '', since: Number.NaN, reads: false, ...holder } as Holder;
  } catch {
    return undefined;
  }
}

/** The holder in a message: `muse migrate (pid 123, running for 12 s)`. */
function named({ command, pid, host, since }: Holder): string {
  const seconds = Math.round((Date.now() - since) / 1000);
  const facts = [
    `pid ${pid}`,
    ...(host === hostname() ? [] : [`on ${shown(host)}`]),
    ...(seconds >= 0 ? [`running for ${seconds} s`] : []),
  ];
  return `${command === '' ? 'another process' : shown(command)} (${facts.join(', ')})`;
}

/** The file may have been written by anything. */
const shown = (text: unknown): string => printableLine(String(text)).slice(0, 80);

function inUse(path: string, holder: Holder, { code, subject, next }: LockPurpose): MuseError {
  return new MuseError({
    code,
    message: `${subject} is in use by ${named(holder)}.`,
    detail: `Lock file: ${path}`,
    suggestion:
      holder.host === hostname()
        ? `Wait until that process ends, or stop it. Then ${next}.`
        : `If that process no longer exists, delete ${path}. Then ${next}.`,
  });
}
