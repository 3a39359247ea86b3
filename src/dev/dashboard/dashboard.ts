/**
 * dev/dashboard/: the page that `muse dev` prints the URL of: rows as anyone sees them, policies, mails, users, requests.
 * The page itself is in templates/dev; here is what it asks for, as JSON.
 * May touch: the database by `DevDatabase`, files of the package.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseError } from '../../database/database.ts';
import { packageDirectory } from '../../kit/builtin.ts';
import { jsonAnswer } from '../http.ts';
import type { RequestLog } from '../request-log.ts';
import { tokenHeader } from '../running.ts';
import type { DevAnswer, DevDatabase, DevPart, DevRequest, Mail } from '../service.ts';
import { readRows, readTables, readUsers } from './reads.ts';

export interface DashboardOptions {
  database: DevDatabase;
  log: RequestLog;
  mails: readonly Mail[];
  /** The key to it, new at each start. */
  token: string;
  /** Name of the muse. */
  name: string;
  /** Where the API is. */
  url: string;
  /** Whether there is a page; else it only says that the server is there. */
  page: boolean;
}

/** The files of the page. They hold nothing of the muse, so they need no token. */
const files: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['dashboard.html', 'text/html'],
  '/dashboard.css': ['dashboard.css', 'text/css'],
  '/dashboard.js': ['dashboard.js', 'text/javascript'],
};

/** Nothing from elsewhere, and in no frame. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

const pageHeaders = {
  'content-security-policy': contentPolicy.join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Serves the page and what it asks for. */
export function createDashboard(options: DashboardOptions): DevPart {
  const { database, log, mails, token, name, url, page: hasPage } = options;
  const alive = () => Promise.resolve({ ok: true });
  const pages: Readonly<Record<string, (query: URLSearchParams) => Promise<unknown>>> = {
    '/alive': alive,
    '/tables': async () => ({ name, url, tables: await readTables(database) }),
    '/rows': (query) => readRows(database, query),
    '/users': () => readUsers(database),
    '/mails': () => Promise.resolve(mails.toReversed()),
    '/requests': () => Promise.resolve(log.entries().toReversed()),
  };
  const reads = hasPage ? pages : { '/alive': alive };
  return {
    async handle({ method, path, query, headers }: DevRequest): Promise<DevAnswer> {
      if (method !== 'GET' && method !== 'HEAD') return failed(405, 'The dashboard only reads.');
      const file = hasPage && Object.hasOwn(files, path) ? files[path] : undefined;
      if (file !== undefined) return page(...file);
      if (headers[tokenHeader] !== token)
        return failed(401, 'The token is missing or of an earlier start. Open the URL that muse dev printed.');
      if (!Object.hasOwn(reads, path)) return failed(404, 'There is no such page.');
      try {
        return jsonAnswer(200, await reads[path]!(query), pageHeaders);
      } catch (error) {
        if (error instanceof DatabaseError) return failed(400, `${error.message} (${error.code})`);
        throw error;
      }
    },
  };
}

async function page(name: string, type: string): Promise<DevAnswer> {
  const body = await readFile(join(packageDirectory, 'templates', 'dev', name));
  return { status: 200, headers: { ...pageHeaders, 'content-type': `${type}; charset=utf-8` }, body };
}

const failed = (status: number, message: string): DevAnswer => jsonAnswer(status, { message }, pageHeaders);
