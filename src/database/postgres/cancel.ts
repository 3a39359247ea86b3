import type { Client, ClientConfig } from 'pg';

/** What a server needs to know to cancel the statement of a connection. */
interface Backend {
  processID: number | null;
  secretKey: number | null;
  port: number;
  host: string;
}

/** What pg's own connection has beyond what its types say. */
interface RawConnection extends NodeJS.EventEmitter {
  stream: { destroy(): void };
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

/**
 * Asks the server to cancel what a connection is running, as Ctrl-C in psql does: over a second connection, with the key
 * of the first. Without this a statement continues, with its locks, until the server next writes to the closed connection.
 * https://www.postgresql.org/docs/17/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 * @param other a client with the settings of the first, not connected
 * @param timeoutMs how long to wait for the server
 * @returns when the server has taken the request, or cannot be asked
 */
export async function cancelStatement(
  client: Client,
  other: Client,
  ssl: ClientConfig['ssl'],
  timeoutMs: number,
): Promise<void> {
  const { processID, secretKey, port, host } = client as unknown as Backend;
  if (processID === null || secretKey === null) return;
  const connection = (other as unknown as { connection: RawConnection }).connection;
  const send = (): void => connection.cancel(processID, secretKey);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    connection.on('connect', () => (ssl ? connection.requestSsl() : send()));
    connection.on('sslconnect', send);
    // The server closes the connection when it has taken the request.
    connection.on('end', done).on('error', done);
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
    else connection.connect(port, host);
  });
  connection.stream.destroy();
}
