import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { join } from 'node:path';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { createAuth } from './auth/auth.ts';
import { createDashboard } from './dashboard/dashboard.ts';
import type { Route } from './http.ts';
import { attachRealtime } from './realtime/realtime.ts';
import { createRest } from './rest/rest.ts';
import type { RequestLog } from './request-log.ts';
import { localPrefix } from './running.ts';
import type { DevDatabase, DevKeys, Mail } from './service.ts';
import { createStorage } from './storage/storage.ts';

/** What the services are made of. */
export interface ServicesOptions {
  database: DevDatabase;
  keys: DevKeys;
  /** Where the server is. */
  url: string;
  /** Where the app is, for the links of mails; default: where Next.js listens. */
  siteUrl: string | undefined;
  muse: Muse;
  environment: EnvironmentName;
  /** The key to the local pages. */
  token: string;
  log: RequestLog;
  /** Whether the dashboard has a page. */
  dashboard: boolean;
}

export interface Services {
  routes: Route[];
  /** Takes over a request to become a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** How many mails the dashboard keeps, the newest. */
const keptMails = 500;

/** The schemas that a new Supabase project exposes. */
const exposed = ['public', 'graphql_public'] as const;

/** An app on this machine may be sent to after a mail's link, whatever its port. */
const localPages = ['http://localhost:*/**', 'http://127.0.0.1:*/**'];

/** Every service of a Supabase project that there is here, below its prefix. */
export async function createServices(options: ServicesOptions): Promise<Services> {
  const { database, keys, url, siteUrl, muse, environment, token, log, dashboard: page } = options;
  const mails: Mail[] = [];
  const mailbox = {
    push(mail: Mail): void {
      mails.push(mail);
      if (mails.length > keptMails) mails.shift();
    },
  };
  const settings = { redirectUrls: localPages, ...(siteUrl === undefined ? {} : { siteUrl }) };
  const files = join(muse.directory, '.muse', environment === 'development' ? 'storage' : `storage-${environment}`);
  const realtime = await attachRealtime({ database, keys });
  const storage = createStorage({ database, keys, directory: files });
  const local = { log, mails, storage: files };
  const dashboard = createDashboard({ database, muse, environment, token, page, services: local });
  return {
    routes: [
      { prefix: '/rest/v1', part: createRest({ database, schemas: exposed }), badToken: (error) => error },
      {
        prefix: '/auth/v1',
        part: createAuth({ database, keys, settings, mails: mailbox, url: () => url }),
        open: (path) => authWithoutKey.test(path),
      },
      // Storage looks for a token by itself: public and signed URLs need none.
      { prefix: '/storage/v1', part: storage, open: () => true },
      { prefix: '/realtime/v1', part: realtime.part, badToken: (error) => error },
      { prefix: localPrefix, part: dashboard, local: true },
    ],
    upgrade: (request, socket, head) => realtime.upgrade(request, socket, head),
    async close() {
      await Promise.all([realtime.close(), storage.close?.(), dashboard.close?.()]);
    },
  };
}

/** What a browser opens from a mail or an identity provider, and what is public. */
const authWithoutKey = /^\/(?:verify|callback|authorize|\.well-known\/.*)$/;
