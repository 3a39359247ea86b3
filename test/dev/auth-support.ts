/** Auth behind real HTTP on one PGlite, with the clients that apps use. */
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
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

/** The one database of a test file, which closes it; the next file gets another. */
export function sharedDatabase(): Promise<OwnDatabase> {
  shared ??= shareEmbedded().then(async (embedded) => {
    const database = await createOwnDatabase(embeddedConnections(embedded));
    const close = (): Promise<void> => {
      shared = undefined;
      return database.close();
    };
    return { ...database, close };
  });
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

/** Addresses and numbers are confirmed by a code; everything is on. */
export const strictly: PartialSettings = {
  email: { autoconfirm: false },
  phone: { enabled: true, autoconfirm: false, codes: true },
  anonymous: true,
  redirectUrls: ['https://app.example.com/**'],
  code: { everySeconds: 0 },
  refresh: { reuseSeconds: 0 },
  password: { secureChange: true, requiredCharacters: ['abcdefghijklmnopqrstuvwxyz', '0123456789'] },
};

let count = 0;

/** An address that nobody has. */
export function newEmail(): string {
  count += 1;
  return `user${count}@example.com`;
}

export const password = 'secret1';

export interface SignedIn {
  client: SupabaseClient;
  email: string;
  id: string;
}

/** A client with a new user who is signed in. */
export async function signedIn(server: AuthServer, email = newEmail()): Promise<SignedIn> {
  const client = server.visitor();
  await server.service.auth.admin.createUser({ email, password, email_confirm: true });
  const { data, error } = await client.auth.signInWithPassword({ email, password });
  if (error) throw error;
  return { client, email, id: data.user.id };
}

/** Opens a link of a mail, and says where it leads. */
export async function open(link: string): Promise<URL> {
  const response = await fetch(link, { redirect: 'manual' });
  expect(response.status).toBe(303);
  return new URL(response.headers.get('location') ?? '');
}

/** What a link hands to the app. */
export function fragment(url: URL): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(url.hash.slice(1)));
}
