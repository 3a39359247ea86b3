/**
 * dev/wire/: PostgreSQL's wire protocol on a port of the loopback interface, for psql, GUIs, drivers and migration tools.
 * All clients take turns on the one session of the embedded database: each has it for a transaction, with its own
 * settings and prepared statements.
 * May touch: sockets, the shared database.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { SharedEmbedded } from '../../database/embedded/shared.ts';
import { loadParser } from '../../sql/parser.ts';
import { type Client, createClient } from './client.ts';
import { createReader, ProtocolError, report, type Report } from './messages.ts';
import { scramSecret } from './scram.ts';
import { startUp } from './startup.ts';

export interface WireOptions {
  shared: Pick<SharedEmbedded, 'turns' | 'channels' | 'changed'>;
  /** Of the user `postgres`: printable ASCII. */
  password: string;
  /**
   * How long a client may leave a transaction open without a statement while others wait, in ms; default 5,000, which is
   * less than a command waits.
   */
  idleInTransactionMs?: number;
  /** How long a statement may take without a `statement_timeout` of the client, in ms; default two minutes, as Supabase. */
  statementMs?: number;
}

export interface WireServer {
  /**
   * Listens on a port of the loopback interface, 0 for any, and returns which it is.
   * @throws Error of the system where the port is taken
   */
  listen(port: number): Promise<number>;
  /** Ends all connections. */
  close(): Promise<void>;
}

const host = '127.0.0.1';
const mostClients = 100;
const loginMs = 20_000;
/** Bytes of a message before and after the client has logged in. PostgreSQL's own limit is 1 GB. */
const largestBefore = 20_000;
const largestAfter = 0x3fffffff;

/** Builds a server for clients of the wire protocol. */
export async function createWire(options: WireOptions): Promise<WireServer> {
  const { shared, idleInTransactionMs = 5000, statementMs = 120_000 } = options;
  const secret = await scramSecret(options.password);
  const sockets = new Set<Socket>();
  const clients = new Map<number, { secret: number; client: Client }>();
  let lastId = 0;

  async function accept(socket: Socket): Promise<void> {
    let largest = largestBefore;
    const reader = createReader(socket, () => largest);
    const timer = setTimeout(() => socket.destroy(), loginMs);
    const started = await startUp(socket, reader, secret).finally(() => clearTimeout(timer));
    if (started?.cancel !== undefined) {
      const { id, secret: proof } = started.cancel;
      const found = clients.get(id);
      if (found?.secret === proof) found.client.cancel();
    }
    if (started?.settings === undefined) return;
    if (clients.size >= mostClients) {
      socket.end(report({ severity: 'FATAL', code: '53300', message: 'sorry, too many clients already' }));
      return;
    }
    // Here, because a start without clients has no use for it.
    await loadParser();
    largest = largestAfter;
    const key = { id: ++lastId, secret: randomInt(2 ** 31) };
    const { settings } = started;
    const client = createClient({ socket, reader, settings, key, shared, idleInTransactionMs, statementMs });
    clients.set(key.id, { secret: key.secret, client });
    await client.serve().finally(() => clients.delete(key.id));
  }

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    accept(socket).then(
      () => socket.end(),
      (error: unknown) => {
        if (!(error instanceof ProtocolError)) socket.destroy();
        else socket.end(report({ severity: 'FATAL', code: '08P01', message: error.message }));
      },
    );
  });
  return {
    async listen(port) {
      server.listen(port, host);
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
    async close() {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      for (const { client } of clients.values()) client.end(shutdown);
      setTimeout(() => sockets.forEach((socket) => socket.destroy()), 50).unref();
      await closed;
    },
  };
}

const shutdown: Report = {
  severity: 'FATAL',
  code: '57P01',
  message: 'terminating connection due to administrator command',
};
