import type { Client, ClientConfig, QueryConfig, QueryResult } from 'pg';
import type { Database } from '../database.ts';
import { cancelled, MuseError } from '../../shared/error.ts';
import { openingScript } from '../opening.ts';
import { createDatabase } from '../session.ts';
import type { Wire, WireResult } from '../wire.ts';
import { connectionLost, queryError } from './failure.ts';
import { parseDatabaseUrl, tlsFor, type ServerAddress, type TlsOptions } from './options.ts';

export interface PostgresOptions {
  /** Path of the certificate authority's PEM file, which turns on verification of the server's certificate. */
  caFile?: string | undefined;
  /** Time to wait for a connection, in ms. Default: 15,000. */
  connectTimeoutMs?: number | undefined;
  /** Time that a statement may take, in ms (PostgreSQL's `statement_timeout`). Default: the server's own. */
  timeoutMs?: number | undefined;
  /** The connection's name in the server's list of connections. Default: `create-muse`. */
  applicationName?: string | undefined;
  /** Cancels the statement that runs and ends the connection when it aborts; PostgreSQL rolls back what is open. */
  signal?: AbortSignal | undefined;
}

/**
 * Opens one connection to a PostgreSQL server.
 * @param target a `postgres://` URL (with `sslmode` and `sslrootcert`, as libpq reads them), or its parts as fields
 * @throws MuseError `bad-database-url`, `bad-certificate`, `database-unreachable`, `database-unknown-host`,
 *   `database-password`, `database-missing`, `database-tls`, `database-full`, `database-starting`; the cause is a
 *   DatabaseError if the server itself refused
 */
export async function openPostgres(
  target: ({ url: string } | ServerAddress) & PostgresOptions,
  options: PostgresOptions = {},
): Promise<Database> {
  const {
    caFile,
    connectTimeoutMs = 15_000,
    timeoutMs,
    applicationName = 'create-muse',
    signal,
  } = { ...target, ...options };
  const parsed = 'url' in target ? parseDatabaseUrl(target.url) : { address: target };
  const host = parsed.address.host ?? process.env['PGHOST'] ?? 'localhost';
  const path = caFile ?? ('caFile' in parsed ? parsed.caFile : undefined);
  const ca = path === undefined ? undefined : await (await import('./certificate.ts')).readCertificates(path);
  const pg = await loadPg();
  const config: ClientConfig = {
    host,
    port: parsed.address.port,
    user: parsed.address.user,
    password: parsed.address.password,
    database: parsed.address.database,
    ssl: withHost(host, parsed.address.ssl ?? tlsFor(host, 'sslmode' in parsed ? parsed.sslmode : undefined, ca)),
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: applicationName,
    ...('options' in parsed && parsed.options ? { options: parsed.options } : {}),
    ...(timeoutMs === undefined ? {} : { statement_timeout: timeoutMs }),
    // Values stay text. values.ts converts them, the same way for every kind of database.
    types: { getTypeParser: () => (text: string) => text },
    keepAlive: true,
  };
  const client = new pg.Client(config);
  const where = `PostgreSQL at ${host}:${client.port}`;
  const cancel = async (): Promise<void> => {
    const { cancelStatement } = await import('./cancel.ts');
    await cancelStatement(client, new pg.Client(config), config.ssl, cancelMs);
  };
  const wire = createWire(client, where, signal, cancel);
  try {
    signal?.throwIfAborted();
    await client.connect();
    signal?.throwIfAborted();
  } catch (error) {
    // One that is not connected yet has nothing to end.
    client.connection.stream.destroy();
    if (signal?.aborted) throw cancelled(error);
    const { connectError } = await import('./connect-failure.ts');
    throw connectError(error, where);
  }
  return createDatabase(wire, 'postgres', `${where}, database ${client.database ?? client.user ?? 'postgres'}`);
}

/**
 * When `pg` loads, it checks whether it runs in a Cloudflare Worker: by `navigator`, which Node has from 21 on, or else
 * by creating a `Response`, for which Node 20 loads its whole HTTP client. So it gets the `navigator` that later
 * versions of Node have.
 */
async function loadPg(): Promise<(typeof import('pg'))['default']> {
  const lacking = !('navigator' in globalThis);
  if (lacking)
    Object.defineProperty(globalThis, 'navigator', {
      value: { userAgent: `Node.js/${process.versions.node}` },
      configurable: true,
    });
  try {
    return (await import('pg')).default;
  } finally {
    if (lacking) Reflect.deleteProperty(globalThis, 'navigator');
  }
}

/** Without this, Node compares the certificate of a server that is addressed by IP with `localhost`. */
function withHost(host: string, ssl: false | TlsOptions): false | (TlsOptions & { host: string }) {
  return ssl === false ? false : { ...ssl, host };
}

/** How long the server may take to hear of a cancellation, in ms. */
const cancelMs = 400;

/** @param cancel asks the server to end the statement that runs */
function createWire(client: Client, where: string, signal: AbortSignal | undefined, cancel: () => Promise<void>): Wire {
  let lost: MuseError | undefined;
  let running = 0;
  // A statement that is under way is cancelled, and the connection is closed: what was open there is rolled back.
  const end = (): void => {
    lost ??= cancelled(signal?.reason);
    const close = (): void => void client.connection.stream.destroy();
    if (running === 0) close();
    else void cancel().finally(close);
  };
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end);
  // Without a listener, a server that disconnects between two queries would end the process.
  client.on('error', (error) => {
    lost ??= connectionLost(error, where);
  });
  client.on('end', () => {
    lost ??= connectionLost('it was closed', where);
    signal?.removeEventListener('abort', end);
  });

  // One per completed statement of a script, which the error itself does not tell.
  let done = 0;
  client.connection.on('commandComplete', () => {
    done += 1;
  });

  // What is sent while another runs waits here: `pg` no longer keeps a queue of its own.
  let last: Promise<void> = Promise.resolve();
  // With `await`, so that the stack of an error names who sent it.
  async function send(config: QueryConfig | string): Promise<QueryResult> {
    const before = last;
    let finish = (): void => undefined;
    last = new Promise((resolve) => (finish = resolve));
    await before;
    try {
      return await sendNow(config);
    } finally {
      finish();
    }
  }

  async function sendNow(config: QueryConfig | string): Promise<QueryResult> {
    if (lost) throw lost;
    const before = done;
    running += 1;
    try {
      return await client.query(config);
    } catch (error) {
      if (signal?.aborted) throw cancelled(error);
      const normal = queryError(error, where, typeof config === 'string' ? done - before : undefined);
      if (normal instanceof MuseError) lost ??= normal;
      throw normal;
    } finally {
      running -= 1;
    }
  }

  async function query(sql: string, parameters: (string | null)[]): Promise<WireResult> {
    // `queryMode` makes pg prepare statements without values too, so that PostgreSQL refuses two statements in one text.
    const config: QueryConfig & { rowMode: 'array'; queryMode: 'extended' } = {
      text: sql,
      values: parameters,
      rowMode: 'array',
      queryMode: 'extended',
    };
    const { fields, rows, command, rowCount } = await send(config);
    return {
      fields: fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID })),
      rows: rows as unknown as (string | null)[][],
      command: command ?? '',
      affected: rowCount ?? 0,
    };
  }

  return {
    async query(sql, parameters, opening): Promise<WireResult> {
      if (opening?.whole !== true) {
        if (opening !== undefined) await send(openingScript(opening));
        return query(sql, parameters);
      }
      try {
        await send(openingScript(opening));
        const result = await query(sql, parameters);
        await send('COMMIT');
        return result;
      } catch (error) {
        await send('ROLLBACK').catch(() => undefined);
        throw error;
      }
    },
    async script(sql) {
      await send(sql);
    },
    onRaise(listener) {
      // PostgreSQL's own notices, e.g. of DROP … IF EXISTS, have no line of a function as their context.
      const hear = ({ message, where }: { message?: string | undefined; where?: string | undefined }): void => {
        if (message !== undefined && / at RAISE/.test(where ?? '')) listener(message);
      };
      client.on('notice', hear);
      return () => void client.off('notice', hear);
    },
    close: () => client.end().catch(() => undefined),
  };
}
