/** Auth behind real HTTP on one PGlite, with the clients that apps use. */
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import WebSocket from 'ws';
import { createAuth, type PartialSettings } from '../../src/dev/auth/auth.ts';
import { createOwnDatabase, type OwnDatabase } from '../../src/dev/database/database.ts';
import { embeddedConnections } from '../../src/dev/database/embedded.ts';
import { createHttp } from '../../src/dev/http.ts';
import { createKeys, generateKeys, type KeptKeys } from '../../src/dev/keys.ts';
import type { Mail } from '../../src/dev/service.ts';
import { shareEmbedded } from '../../src/database/embedded/shared.ts';

export interface AuthServer {
  url: string;
  keys: KeptKeys;
  mails: Mail[];
  /** A client of a visitor, with a session of its own. */
  visitor(flow?: 'implicit' | 'pkce'): SupabaseClient;
  /** A client with the secret key. */
  service: SupabaseClient;
  /** Any request below `/auth/v1`. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Asked>;
  sql<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface Asked {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

let shared: Promise<OwnDatabase> | undefined;

/** The one database of a test file. */
export function sharedDatabase(): Promise<OwnDatabase> {
  shared ??= shareEmbedded().then((embedded) => createOwnDatabase(embeddedConnections(embedded)));
  return shared;
}

/** Serves Auth with these settings on the file's database. */
export async function serveAuth(settings: PartialSettings = {}): Promise<AuthServer> {
  const database = await sharedDatabase();
  const keys = await createKeys(await generateKeys());
  const mails: Mail[] = [];
  let url = '';
  const part = createAuth({ database, keys, settings, mails, url: () => url });
  const http = await createHttp({ keys, routes: [{ prefix: '/auth/v1', part, open: (path) => path === '/verify' }] });
  url = `http://127.0.0.1:${await http.listen(0)}`;
  const client = (key: string, flowType: 'implicit' | 'pkce' = 'implicit'): SupabaseClient =>
    createClient(url, key, {
      auth: { autoRefreshToken: false, persistSession: flowType === 'pkce', storage: memory(), flowType },
      realtime: { transport: WebSocket as never },
    });
  return {
    url,
    keys,
    mails,
    visitor: (flow) => client(keys.publishable, flow),
    service: client(keys.secret),
    async ask(method, path, body, headers = {}) {
      const response = await fetch(`${url}/auth/v1${path}`, {
        method,
        headers: { apikey: keys.publishable, 'content-type': 'application/json', ...headers },
        redirect: 'manual',
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
    },
    sql: (text, values) => database.asServer(async (session) => (await session.query<never>(text, values)).rows),
    close: () => http.close(),
  };
}

function memory() {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}
