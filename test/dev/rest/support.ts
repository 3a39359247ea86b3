/** The Data API on an embedded database, over HTTP. */
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { WebSocket } from 'ws';
import { shareEmbedded } from '../../../src/database/embedded/shared.ts';
import { createOwnDatabase, type OwnDatabase } from '../../../src/dev/database/database.ts';
import { embeddedConnections } from '../../../src/dev/database/embedded.ts';
import { createHttp } from '../../../src/dev/http.ts';
import { createKeys, generateKeys, type KeptKeys } from '../../../src/dev/keys.ts';
import { createRest } from '../../../src/dev/rest/rest.ts';

export interface RestServer {
  url: string;
  keys: KeptKeys;
  database: OwnDatabase;
  /** With all rights. */
  service: SupabaseClient;
  /** A visitor's client; a user's, with the claims of a token. */
  client(user?: string): Promise<SupabaseClient>;
  /** Sends a request to the Data API with all rights. */
  send(path: string, init?: SendOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface SendOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Another key or token than the secret one. */
  key?: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The text as JSON; undefined where it is none. */
  json: unknown;
}

/**
 * Starts a server with a schema of its own.
 * @param schema a script, run before the first request
 */
export async function startRest(schema: string): Promise<RestServer> {
  const database = await createOwnDatabase(embeddedConnections(await shareEmbedded()));
  await database.asServer((session) => session.script(schema));
  const keys = await createKeys(await generateKeys());
  const rest = createRest({ database, schemas: ['public', 'private_api'], maxRows: 100 });
  const http = await createHttp({
    keys,
    routes: [{ prefix: '/rest/v1', part: rest, badToken: (error) => error }],
  });
  const url = `http://127.0.0.1:${await http.listen(0)}`;
  const connect = (key: string, token?: string): SupabaseClient =>
    createClient(url, key, {
      auth: { persistSession: false, autoRefreshToken: false },
      realtime: { transport: WebSocket as never },
      ...(token === undefined ? {} : { accessToken: () => Promise.resolve(token) }),
    });
  return {
    url,
    keys,
    database,
    service: connect(keys.secret),
    async client(user) {
      if (user === undefined) return connect(keys.publishable);
      const exp = Math.floor(Date.now() / 1000) + 3600;
      return connect(keys.publishable, await keys.sign({ sub: user, role: 'authenticated', exp }));
    },
    async send(path, { key = keys.secret, headers = {}, ...init } = {}) {
      const sent = { apikey: keys.publishable, authorization: `Bearer ${key}`, ...headers };
      const response = await fetch(`${url}/rest/v1${path}`, { ...init, headers: sent });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: asJson(text) };
    },
    async close() {
      await http.close();
      await rest.close?.();
      await database.close();
    },
  };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
