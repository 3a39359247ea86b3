import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { shareEmbedded } from '../../src/database/embedded/shared.ts';
import { createOwnDatabase, type OwnDatabase } from '../../src/dev/database/database.ts';
import { embeddedConnections } from '../../src/dev/database/embedded.ts';
import { createHttp } from '../../src/dev/http.ts';
import { createKeys, generateKeys, type KeptKeys } from '../../src/dev/keys.ts';
import { attachRealtime } from '../../src/dev/realtime/realtime.ts';
import type { Claims } from '../../src/dev/service.ts';
import { createStorage } from '../../src/dev/storage/storage.ts';

/** Storage and Realtime on a database in memory, behind the real HTTP server. */
export interface LocalServices {
  url: string;
  /** Where the files of Storage are. */
  directory: string;
  database: OwnDatabase;
  keys: KeptKeys;
  /** A client with a key, or with a user's token. */
  client(token?: string, options?: Parameters<typeof createClient>[2]): SupabaseClient;
  /** The token of a user; a claim may be replaced. */
  tokenOf(user: string, claims?: Claims): Promise<string>;
  close(): Promise<void>;
}

/** @param script what the database has from the start, as `postgres` */
export async function startServices(script: string, limits: { fileSize?: number } = {}): Promise<LocalServices> {
  const directory = await mkdtemp(join(tmpdir(), 'muse-services-'));
  const keys = await createKeys(await generateKeys());
  const database = await createOwnDatabase(embeddedConnections(await shareEmbedded()));
  await database.asServer((session) => session.script(script));
  const storage = createStorage({ database, keys, directory: join(directory, 'storage'), limits });
  const realtime = await attachRealtime({ database, keys });
  const http = await createHttp({
    keys,
    routes: [
      { prefix: '/storage/v1', part: storage, open: () => true },
      { prefix: '/realtime/v1', part: realtime.part, badToken: (error) => error },
    ],
  });
  http.server.on('upgrade', (request, socket, head) => void realtime.upgrade(request, socket, head));
  const url = `http://127.0.0.1:${await http.listen(0)}`;
  return {
    url,
    directory: join(directory, 'storage'),
    database,
    keys,
    client: (token, options = {}) =>
      createClient(url, keys.publishable, {
        ...options,
        auth: { persistSession: false, autoRefreshToken: false },
        ...(token === undefined ? {} : { accessToken: () => Promise.resolve(token) }),
        realtime: { transport: WebSocket as never, ...options.realtime },
      }) as SupabaseClient,
    tokenOf: (user, claims = {}) =>
      keys.sign({
        sub: user,
        role: 'authenticated',
        aud: 'authenticated',
        exp: Math.floor(Date.now() / 1000) + 3600,
        ...claims,
      }),
    async close() {
      await realtime.close();
      await http.close();
      await storage.close?.();
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
