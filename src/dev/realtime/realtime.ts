import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';
import { ApiError } from '../errors.ts';
import type { DevDatabase, DevKeys, DevPart } from '../service.ts';
import { createBroadcasts, longestBroadcast } from './broadcasts.ts';
import { createChanges } from './changes.ts';
import type { ChannelParts } from './channel.ts';
import { serveConnection } from './connection.ts';
import { createPolicies } from './policies.ts';
import { createTokens } from './tokens.ts';
import { Topics } from './topics.ts';

export interface Realtime {
  /** Takes over a request to become a WebSocket, or answers it with an error. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  /** What is below `/realtime/v1` by HTTP: broadcasts. */
  part: DevPart;
  /** Closes every socket, and takes the triggers out of the database. */
  close(): Promise<void>;
}

/**
 * Realtime as Supabase's: changes of tables under each listener's rights, broadcasts, presence, and private channels by
 * the policies of `realtime.messages`.
 * https://supabase.com/docs/guides/realtime
 */
export async function attachRealtime({ database, keys }: { database: DevDatabase; keys: DevKeys }): Promise<Realtime> {
  const topics = new Topics();
  const policies = createPolicies(database);
  const tokens = await createTokens(keys);
  const changes = createChanges(database, ({ topic, event, payload, private: isPrivate, extension }) => {
    if (extension !== 'broadcast') return;
    topics.send({ name: topic, isPrivate }, { event: event ?? '', payload: { json: JSON.stringify(payload ?? {}) } });
  });
  let server: WebSocketServer | undefined;
  let ids = 0;
  const parts: ChannelParts = { topics, changes, policies, tokens, nextId: () => (ids += 1) };

  return {
    part: createBroadcasts(topics, policies),
    async upgrade(request, socket, head) {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const refuse = (status: number, error: string): void => {
        const body = JSON.stringify({ error });
        socket.end(
          `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
            `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
        );
      };
      // A client that is gone meanwhile has nobody to tell.
      socket.on('error', () => socket.destroy());
      if (pathname !== '/realtime/v1/websocket') {
        refuse(404, 'Not found');
        return;
      }
      const version = searchParams.get('vsn') === '2.0.0' ? '2.0.0' : '1.0.0';
      try {
        const bearer = await tokens.ofSocket(request.headers, searchParams);
        const { WebSocketServer } = await import('ws');
        server ??= new WebSocketServer({ noServer: true, maxPayload: longestBroadcast, perMessageDeflate: false });
        server.handleUpgrade(request, socket, head, (webSocket) => {
          serveConnection(webSocket, version, bearer, parts);
        });
      } catch (error) {
        refuse(error instanceof ApiError ? error.status : 401, (error as Error).message);
      }
    },
    async close() {
      for (const client of server?.clients ?? []) client.terminate();
      server?.close();
      await changes.close();
    },
  };
}
