import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeWhole } from '../../shared/files.ts';
import { readServerFile, removeServer, serverFilePath, socketName, socketPrefix } from './borrow.ts';
import { removeServed } from './served.ts';
import { onFrames, packError, type Said, send, type ServerFile, socketVersion, type Told } from './socket.ts';
import type { Change, Turns } from './turns.ts';
import type { WorkerWire } from './worker-wire.ts';

export interface LendOptions {
  turns: Turns;
  changed(change: Change): void;
  /** Deletes the data, in a turn of its own. */
  drop(): Promise<void>;
}

/** How long a statement of a client that is gone may still run before the engine is ended with it, in ms. */
const graceMs = 300;

/**
 * Serves the database of a directory to other processes of the same user: a client gets the session for as long as it
 * stays connected. The socket is in a directory that only the user can enter; its path is in `server.json`.
 * @returns a function that ends it, with all clients
 */
export async function lend(directory: string, options: LendOptions): Promise<() => Promise<void>> {
  await removeServer(directory, await readServerFile(directory));
  const token = randomBytes(24).toString('base64url');
  const socket = await socketPath();
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    client.on('error', () => client.destroy());
    serve(client, token, options);
  });
  await listen(server, socket);
  const file: ServerFile = { version: socketVersion, socket, token };
  await writeWhole(serverFilePath(directory), `${JSON.stringify(file)}\n`, 0o600);
  return async () => {
    for (const client of clients) client.destroy();
    server.close();
    await removeServer(directory, file);
  };
}

/** Serves one client: its first message says what it wants, the others are statements. */
function serve(client: Socket, token: string, { turns, changed, drop }: LendOptions): void {
  const gone = new AbortController();
  let drops = false;
  let leave!: () => void;
  /** The client needs the session no more. */
  const left = new Promise<void>((resolve) => (leave = resolve));
  client.on('close', () => {
    gone.abort();
    leave();
  });
  let wire: WorkerWire | undefined;
  let first = true;
  /** Statements that run: the engine takes them in order. */
  const running = new Set<Promise<void>>();

  const answer = (id: number, work: Promise<unknown>): void => {
    const done = work.then(
      (value) => send(client, { id, value: value as Told['value'] }),
      (error: unknown) => send(client, { id, error: packError(error) }),
    );
    const settled = done.catch(() => void client.destroy());
    running.add(settled);
    void settled.then(() => running.delete(settled));
  };

  /** Holds the session until the client is gone. */
  async function hold(session: WorkerWire): Promise<void> {
    await removeServed(session);
    wire = session;
    answer(0, Promise.resolve());
    await left;
    wire = undefined;
    await Promise.race([Promise.all(running), sleep(graceMs, undefined, { ref: false })]);
    if (running.size > 0) await session.terminate();
  }

  async function begin(said: Said): Promise<void> {
    if (!('token' in said) || !isEqual(said.token, token)) {
      client.destroy();
    } else {
      // A user of its own: the session is reset after it.
      await turns.take({}, hold, gone.signal);
      if (!drops) changed({ schemaMayDiffer: true });
    }
  }

  async function dropFor(id: number): Promise<void> {
    try {
      await drop();
      send(client, { id });
      changed({ schemaMayDiffer: true });
    } catch (error) {
      send(client, { id, error: packError(error) });
    }
  }

  onFrames<Said>(client, (said) => {
    if (first) {
      first = false;
      begin(said).catch((error: unknown) => {
        if (!gone.signal.aborted) answer(0, Promise.reject(error as Error));
      });
      return;
    }
    if (wire === undefined) {
      client.destroy();
      return;
    }
    switch (said.kind) {
      case 'query':
        return answer(said.id, wire.query(said.sql, said.parameters, said.opening));
      case 'script':
        return answer(said.id, wire.script(said.sql));
      case 'drop':
        // Only now: a client that has given up while it waited no longer asks for it.
        drops = true;
        leave();
        void dropFor(said.id);
        return;
      case 'limit':
        return wire.limitCalls(said.ms);
      default:
        client.destroy();
    }
  });
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** A short path: a Unix socket's has at most 103 bytes on macOS. */
async function socketPath(): Promise<string> {
  if (process.platform === 'win32') return `\\\\.\\pipe\\${socketPrefix}${randomBytes(16).toString('hex')}`;
  const parent = Buffer.byteLength(tmpdir()) > 80 ? '/tmp' : tmpdir();
  return join(await mkdtemp(join(parent, socketPrefix)), socketName);
}

async function listen(server: Server, socket: string): Promise<void> {
  server.listen(socket);
  await once(server, 'listening');
}
