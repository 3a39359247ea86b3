/**
 * All services of a project that a browser uses (Data API, Auth, Storage, Realtime): those of `muse dev`, on the project's
 * database, with the project's URL, keys and Auth settings.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { openPostgres } from '../../../src/database/postgres/postgres.ts';
import { createAuth } from '../../../src/dev/auth/auth.ts';
import { createOwnDatabase } from '../../../src/dev/database/database.ts';
import { poolConnections } from '../../../src/dev/database/pooled.ts';
import { createHttp } from '../../../src/dev/http.ts';
import { createKeys, generateKeys } from '../../../src/dev/keys.ts';
import { attachRealtime } from '../../../src/dev/realtime/realtime.ts';
import { createRest } from '../../../src/dev/rest/rest.ts';
import type { Mail } from '../../../src/dev/service.ts';
import { createStorage } from '../../../src/dev/storage/storage.ts';
import type { FakeServer } from './databases.ts';
import type { FakeProject } from './state.ts';

export interface FakeServices {
  /** What Auth would have sent, the oldest first. */
  mails: readonly Mail[];
  /** Answers a request whose path is the one below the project's URL. */
  handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Takes over such a request to become a WebSocket. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  close: () => Promise<void>;
}

/**
 * @param url of the project
 * @param server with the name of the project's database
 */
export async function startServices(
  project: FakeProject,
  url: string,
  server: FakeServer & { database: string },
): Promise<FakeServices> {
  const directory = await mkdtemp(join(tmpdir(), 'muse-fake-project-'));
  const { publishable, secret, jwtSecret } = project.keys;
  const keys = await createKeys({ ...(await generateKeys()), publishable, secret, jwtSecret });
  const database = await createOwnDatabase(poolConnections(() => openPostgres({ ...server, ssl: false })));
  const mails: Mail[] = [];
  const auth = createAuth({ database, keys, mails, url: () => url, settings: settingsOf(project) });
  const storage = createStorage({ database, keys, directory });
  const rest = createRest({ database, schemas: ['public', 'graphql_public'] });
  const realtime = await attachRealtime({ database, keys });
  const http = await createHttp({
    keys,
    routes: [
      { prefix: '/rest/v1', part: rest, badToken: (error) => error },
      { prefix: '/auth/v1', part: auth, open: (path) => path === '/verify' },
      { prefix: '/storage/v1', part: storage, open: () => true },
      { prefix: '/realtime/v1', part: realtime.part, badToken: (error) => error },
    ],
  });
  return {
    mails,
    handle: (request, response) => void http.server.emit('request', request, response),
    upgrade: (request, socket, head) => void realtime.upgrade(request, socket, head),
    async close() {
      await realtime.close();
      await http.close();
      await Promise.all([rest.close?.(), storage.close?.()]);
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What the Management API was told about Auth, for Auth itself. */
function settingsOf({ authConfig }: FakeProject): NonNullable<Parameters<typeof createAuth>[0]['settings']> {
  return {
    siteUrl: String(authConfig['site_url']),
    redirectUrls: String(authConfig['uri_allow_list']).split(','),
    signup: authConfig['disable_signup'] !== true,
    email: {
      enabled: authConfig['external_email_enabled'] === true,
      autoconfirm: authConfig['mailer_autoconfirm'] === true,
    },
    tokenSeconds: Number(authConfig['jwt_exp']),
  };
}
