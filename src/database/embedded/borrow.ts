import { rm, rmdir } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { cancelled, MuseError } from '../../shared/error.ts';
import { readText } from '../../shared/files.ts';
import type { LockOptions } from '../../shared/directory-lock.ts';
import type { WireResult } from '../wire.ts';
import { deleteData, directoryHolder, lockDirectory } from './directory.ts';
import { onFrames, type Said, send, type ServerFile, socketVersion, type Told, unpackError } from './socket.ts';
import type { EmbeddedWire, WorkerOptions } from './worker-wire.ts';

/** A directory that this process may use now: it has the lock, or borrows the engine of the process that has it. */
export type Access =
  { borrowed: EmbeddedWire; release?: undefined } | { borrowed?: undefined; release: () => Promise<void> };

/** How often to look, while waiting for a lock, whether its holder serves the database. */
const pollMs = 100;
/** When a wait for a turn is told, in ms. */
const tellMs = 1000;
const defaultWaitMs = 10_000;

/** Where a process that serves a database writes how to reach it. */
export const serverFilePath = (directory: string): string => join(directory, 'server.json');

/** How the name of a socket's directory begins. */
export const socketPrefix = 'muse-';

/** The name of a socket in its directory. */
export const socketName = 's';

/** How to reach the process that serves a directory; undefined where none ever said so, or another version did. */
export async function readServerFile(directory: string): Promise<ServerFile | undefined> {
  try {
    const file = JSON.parse((await readText(serverFilePath(directory))) ?? '') as Partial<ServerFile> | null;
    const isKnown =
      file?.version === socketVersion && typeof file.socket === 'string' && typeof file.token === 'string';
    return isKnown ? (file as ServerFile) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Removes what a process that serves a directory leaves there, and its socket. The directory is locked.
 * @param file where to reach that process
 */
export async function removeServer(directory: string, file: ServerFile | undefined): Promise<void> {
  await rm(serverFilePath(directory), { force: true });
  if (file === undefined || process.platform === 'win32') return;
  // The path is only what a file says: nothing but a socket alone in its directory is removed.
  const parent = dirname(file.socket);
  if (!basename(parent).startsWith(socketPrefix) || basename(file.socket) !== socketName) return;
  await rm(file.socket, { force: true }).catch(() => undefined);
  await rmdir(parent).catch(() => undefined);
}

/**
 * Locks a directory, or borrows the engine of the process that serves it.
 * @throws MuseError `database-in-use` where neither is possible in time; `cancelled`
 */
export async function lockOrBorrow(directory: string, options: WorkerOptions, lock: LockOptions): Promise<Access> {
  const served = await reach(directory, lock, (connection) => borrow(connection, options));
  if ('released' in served) return { release: served.released };
  return { borrowed: served.value };
}

/**
 * Deletes the database in a directory; where a process serves it, that process does so between two turns.
 * @throws MuseError `database-in-use`
 */
export async function dropDirectory(directory: string, lock: LockOptions = {}): Promise<void> {
  const served = await reach(directory, lock, (connection) => askToDrop(connection, directory));
  if (!('released' in served)) return served.value;
  try {
    await deleteData(directory);
  } finally {
    await served.released();
  }
}

/** Where a process serves the directory, what `work` makes of the connection; else the lock. */
async function reach<T>(
  directory: string,
  lock: LockOptions,
  work: (connection: Connection) => T,
): Promise<{ value: T } | { released: () => Promise<void> }> {
  /** The socket of a process that has ended. */
  let dead: string | undefined;
  for (;;) {
    const file = await readServerFile(directory);
    if (file !== undefined && file.socket !== dead) {
      const socket = await connect(file.socket);
      if (socket !== undefined) return { value: work(await ask(socket, file, directory, lock)) };
      dead = file.socket;
    }
    const isServed = new AbortController();
    const look = async (): Promise<void> => {
      const now = await readServerFile(directory);
      if (now !== undefined && now.socket !== dead) isServed.abort();
    };
    const timer = setInterval(() => void look(), pollMs);
    try {
      const signal = AbortSignal.any([isServed.signal, ...(lock.signal === undefined ? [] : [lock.signal])]);
      const released = await lockDirectory(directory, { ...lock, signal });
      if (dead !== undefined) await removeServer(directory, file);
      return { released };
    } catch (error) {
      if (!isServed.signal.aborted || lock.signal?.aborted === true) throw error;
    } finally {
      clearInterval(timer);
    }
  }
}

/** Undefined where nobody listens any more. */
function connect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

/** A connection that has been answered. */
interface Connection {
  socket: Socket;
  /** Gets the answers from now on. */
  onTold(listener: (told: Told) => void): void;
}

/** Says what this process wants, and waits for its turn. */
async function ask(
  socket: Socket,
  { token }: ServerFile,
  directory: string,
  { signal, onWait, waitMs = defaultWaitMs }: LockOptions,
): Promise<Connection> {
  let listener: ((told: Told) => void) | undefined;
  const timers: NodeJS.Timeout[] = [];
  let onAbort: (() => void) | undefined;
  try {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      onAbort = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
      socket.on('error', () => undefined);
      socket.on('close', () => reject(serverGone(directory)));
      onFrames<Told>(socket, (told) => {
        if (told.id !== 0) listener?.(told);
        else if (told.error === undefined) resolve();
        else reject(unpackError(told.error));
      });
      send(socket, { kind: 'open', token });
      const waits = async (): Promise<string> => (await directoryHolder(directory)) ?? 'this process';
      timers.push(
        setTimeout(() => void waits().then((who) => onWait?.(`Waiting for ${who}: its database is busy.`)), tellMs),
        setTimeout(() => void waits().then((who) => reject(busy(directory, who))), waitMs),
      );
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    timers.forEach(clearTimeout);
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
  }
  return { socket, onTold: (next) => void (listener = next) };
}

/** Has the process at the other end delete the database. */
async function askToDrop({ socket, onTold }: Connection, directory: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('close', () => reject(serverGone(directory)));
      onTold(({ error }) => {
        if (error === undefined) resolve();
        else reject(unpackError(error));
      });
      send(socket, { kind: 'drop', id: 1 });
    });
  } finally {
    socket.destroy();
  }
}

/** A wire to the engine of the process at the other end. */
function borrow({ socket, onTold }: Connection, { signal, timeoutMs }: WorkerOptions): EmbeddedWire {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let gone: Error | undefined;
  let lastId = 0;

  const end = (error: Error): void => {
    gone ??= error;
    signal?.removeEventListener('abort', onAbort);
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
    socket.destroy();
  };
  const onAbort = (): void => end(cancelled(undefined));
  const leave = (): Promise<void> => {
    end(closed());
    return Promise.resolve();
  };
  const call = (said: (id: number) => Said): Promise<unknown> => {
    if (gone) return Promise.reject(gone);
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      send(socket, said(id));
    });
  };
  const limitCalls = (ms: number | undefined): void => {
    if (!gone) send(socket, { kind: 'limit', ms });
  };

  socket.on('close', () => end(serverGone()));
  onTold(({ id, value, error }) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(value);
    else one?.reject(unpackError(error));
  });
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (timeoutMs !== undefined) limitCalls(timeoutMs);
  return {
    query: (sql, parameters, opening) =>
      call((id) => ({ kind: 'query', id, sql, parameters, opening })) as Promise<WireResult>,
    script: async (sql) => void (await call((id) => ({ kind: 'script', id, sql }))),
    limitCalls,
    close: leave,
    terminate: leave,
  };
}

const closed = (): MuseError =>
  new MuseError({
    code: 'database-closed',
    message: 'The embedded database is closed.',
    suggestion: 'Open it again.',
  });

const serverGone = (directory?: string): MuseError =>
  new MuseError({
    code: 'embedded-failed',
    message: `The process that has the embedded database${directory === undefined ? '' : ` in ${directory}`} open ended.`,
    suggestion: 'Run the command again.',
  });

const busy = (directory: string, holder: string): MuseError =>
  new MuseError({
    code: 'database-in-use',
    message: `The embedded database in ${directory} is in use by ${holder}: another command or client is in the middle of its work.`,
    suggestion:
      'Wait until that one is done, or end the transaction that a client has open. Then run the command again.',
  });
