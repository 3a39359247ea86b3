/**
 * dev/dashboard/: the page that `muse dev` prints the URL of: rows as anyone sees them, policies and what was proven of them,
 * findings, the schema as a picture, files, mails, users, requests. The page itself is in templates/dev; here is what it
 * asks for, as JSON.
 * May touch: the database by `DevDatabase`, files of the package, of the muse, and of Storage.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseError } from '../../database/database.ts';
import { packageDirectory } from '../../kit/builtin.ts';
import { diagramStyle } from '../../publish/diagram/diagram.ts';
import { type Lazy, lazy } from '../../shared/lazy.ts';
import type { Muse } from '../../shared/muse-file.ts';
import { jsonAnswer } from '../http.ts';
import type { RequestLog } from '../request-log.ts';
import { tokenHeader } from '../running.ts';
import type { DevAnswer, DevDatabase, DevPart, DevRequest, Mail } from '../service.ts';
import { createFileStore } from '../storage/files.ts';
import type { Checks } from './checks.ts';
import { readBuckets, readFolder, readObject } from './files.ts';
import { readUsers } from './identities.ts';
import { readRows, readTables } from './reads.ts';

export interface DashboardOptions {
  database: DevDatabase;
  muse: Muse;
  environment: string;
  /** The key to it, new at each start. */
  token: string;
  /** Whether there is a page; else it only says that the server is there. */
  page: boolean;
  /** What the services beside it have; undefined where it is alone, on a database that is served elsewhere. */
  services:
    | {
        log: RequestLog;
        mails: readonly Mail[];
        /** Absolute path of Storage's files. */
        storage: string;
      }
    | undefined;
}

/** The files of the page. They hold nothing of the muse, so they need no token. */
const scripts = ['dashboard', 'page', 'tables', 'checks', 'findings', 'diagram', 'storage', 'lists'];
const files = new Map<string, readonly [name: string, type: string]>([
  ['/', ['dashboard.html', 'text/html']],
  ['/dashboard.css', ['dashboard.css', 'text/css']],
  ...scripts.map((name) => [`/${name}.js`, [`${name}.js`, 'text/javascript']] as const),
]);

/** Lets the page have the style of the schema's picture, and no other, in its markup. */
const diagramStyleHash = `'sha256-${createHash('sha256').update(diagramStyle).digest('base64')}'`;

/** Nothing from elsewhere, and in no frame. A picture of Storage is a `blob:` that the page itself has made. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${diagramStyleHash}`,
  "connect-src 'self'",
  'img-src data: blob:',
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

/** What a path answers: JSON, or a whole answer. */
type Read = (request: DevRequest) => unknown;

/** Serves the page and what it asks for. */
export function createDashboard(options: DashboardOptions): DevPart {
  const { muse, token, page: hasPage } = options;
  // Loaded when it is asked for: a check needs most of the program.
  const checks = lazy(async () => (await import('./checks.ts')).createChecks(muse));
  const alive: Record<string, Read> = { 'GET /alive': () => ({ ok: true }) };
  const reads = new Map(Object.entries(hasPage ? { ...alive, ...readsOf(options, checks) } : alive));
  return {
    async handle(request: DevRequest): Promise<DevAnswer> {
      const { path, headers } = request;
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const file = hasPage && method === 'GET' ? files.get(path) : undefined;
      if (file !== undefined) return page(...file);
      if (headers[tokenHeader] !== token)
        return failed(401, 'The token is missing or of an earlier start. Open the URL that muse dev printed.');
      const read = reads.get(`${method} ${path}`);
      if (read === undefined) {
        return reads.has(`GET ${path}`)
          ? failed(405, 'The dashboard only reads.')
          : failed(404, 'There is no such page.');
      }
      try {
        const answer = await read(request);
        return answer instanceof Answer ? answer.whole : jsonAnswer(200, answer, pageHeaders);
      } catch (error) {
        if (error instanceof DatabaseError) return failed(400, `${error.message} (${error.code})`);
        throw error;
      }
    },
    close: () => checks.close(),
  };
}

/** An answer in another form than JSON. */
class Answer {
  readonly whole: DevAnswer;

  constructor(whole: DevAnswer) {
    this.whole = whole;
  }
}

/** What the page asks for. Nothing of it writes to the database. */
function readsOf(
  { database, muse, environment, services }: DashboardOptions,
  checks: Lazy<Checks>,
): Record<string, Read> {
  const own: Record<string, Read> = {
    'GET /about': () => ({ name: muse.museFile.name, environment, services: services !== undefined }),
    'GET /tables': () => readTables(database),
    'GET /rows': ({ query }) => readRows(database, query),
    'GET /users': () => readUsers(database),
    'GET /diagram': async () => {
      const { drawDatabase } = await import('./diagram.ts');
      return { svg: await drawDatabase(database, muse) };
    },
    'GET /check': async () => (await checks()).state(),
    'POST /check': async () => {
      const { start, state } = await checks();
      start();
      return state();
    },
    'GET /rule': async ({ query }) => {
      const { ruleText } = await import('./checks.ts');
      return { text: (await ruleText(query.get('name') ?? '')) ?? null };
    },
    'GET /buckets': () => readBuckets(database),
    'GET /folder': ({ query }) => readFolder(database, query),
  };
  if (services === undefined) return own;
  const { log, mails, storage } = services;
  const store = createFileStore(storage);
  return {
    ...own,
    'GET /mails': () => mails.toReversed(),
    'GET /requests': () => log.entries().toReversed(),
    'GET /object': async ({ query, signal }) => {
      const found = await readObject(database, store, query, signal);
      return new Answer(
        found === undefined
          ? failed(404, 'There is no such file.')
          : { ...found, headers: { ...pageHeaders, ...found.headers } },
      );
    },
  };
}

async function page(name: string, type: string): Promise<DevAnswer> {
  const body = await readFile(join(packageDirectory, 'templates', 'dev', name));
  return { status: 200, headers: { ...pageHeaders, 'content-type': `${type}; charset=utf-8` }, body };
}

const failed = (status: number, message: string): DevAnswer => jsonAnswer(status, { message }, pageHeaders);
