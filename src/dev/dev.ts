import { setTimeout as sleep } from 'node:timers/promises';
import { shareEmbedded, type SharedEmbedded } from '../database/embedded/shared.ts';
import { removeServed } from '../database/embedded/served.ts';
import { commandFor, type Consent, needConsent, takeConsent } from '../muse/guard.ts';
import { cancelled, MuseError } from '../shared/error.ts';
import { once } from '../shared/lazy.ts';
import type { FileName } from '../migrations/compare.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { embeddedDirectory } from '../targets/embedded.ts';
import { type EnvironmentPlace, placeOf } from '../targets/open.ts';
import { type Connections, createOwnDatabase, type OwnDatabase } from './database/database.ts';
import { embeddedConnections } from './database/embedded.ts';
import { type Filled, fillSecretsFiles } from './env-file.ts';
import { createHttp, loopback, type Route } from './http.ts';
import { openKeys } from './keys.ts';
import { listenFrom } from './ports.ts';
import { findRunning, localPrefix, makeToken, noteRunning, type RunningServer } from './running.ts';

/** How to serve an environment of a muse. */
export interface ServeOptions {
  environment: EnvironmentName;
  /** Variables of the process. */
  variables: NodeJS.ProcessEnv;
  /** Where to look for a free port; 0 for any. Default: 54321. */
  port?: number | undefined;
  /** As `port`, for the wire protocol. Default: 54322. */
  databasePort?: number | undefined;
  /** Whether to serve the dashboard; default true. */
  dashboard?: boolean | undefined;
  /** How serving a database that is not this machine's own is confirmed, outside of development. */
  consent?: Consent | undefined;
  /** Ends the start. */
  signal?: AbortSignal | undefined;
  /** Gets what a person should know, e.g. that a port was taken. */
  onNote?: ((text: string) => void) | undefined;
}

/** A server that runs in this process. */
export interface Serving {
  url: string;
  databaseUrl: string | undefined;
  /** With the token that opens it. */
  dashboardUrl: string | undefined;
  publishableKey: string;
  secretKey: string;
  /** Which variables of which files lead to it now. */
  filled: Filled | undefined;
  /** The migration files that the database does not have yet. */
  pending(): Promise<FileName[]>;
  /** Ends the server, within a second. What was acknowledged is kept. */
  close(): Promise<void>;
}

/** Where Supabase's own CLI listens. */
export const defaultPort = 54_321;
const defaultDatabasePort = 54_322;

/**
 * Serves the database of an environment as a Supabase project.
 * @throws MuseError `dev-running` where another process serves it, `bad-target`, `bad-port`, `bad-confirmation`,
 *   `not-confirmed`, what opening the database throws, and `cancelled`
 */
export async function serve(muse: Muse, options: ServeOptions): Promise<Serving> {
  const { environment, variables, port = defaultPort, dashboard = true, signal, onNote } = options;
  const { directory } = muse;
  const at = placeOf(muse, environment, variables);
  if (at.target.provisioned) throw servesItself(environment);
  await ensureMayServe(muse, at, options, openText(environment));
  const { closing, close } = undoable();
  try {
    // This thread loads the services while the engine's opens the database, which is started first.
    const loading = once(() => import('./services.ts'));
    const opening = openDatabase(at, options, () => void loading().catch(() => undefined));
    opening.catch(() => undefined);
    closing.push(async () => (await opening.catch(() => undefined))?.close());
    const keys = await openKeys(directory, environment);
    let ready!: (routes: readonly Route[]) => void;
    const http = await createHttp({ keys, routes: new Promise<readonly Route[]>((resolve) => (ready = resolve)) });
    closing.push(() => http.close());
    const url = `http://${loopback}:${await listenFrom(port, http.listen, onNote)}`;
    const { database, shared } = await opening;
    signal?.throwIfAborted();
    const wire = shared === undefined ? undefined : await listenWire(shared, keys.databasePassword, options);
    if (wire !== undefined) closing.push(() => wire.close());
    const filled = await fillSecretsFiles(directory, environment, { url, keys, databasePort: wire?.port }, onNote);
    const token = makeToken();
    const made = { database, keys, url, siteUrl: filled.siteUrl, muse, environment, token, log: http.log, dashboard };
    const services = await (await loading()).createServices(made);
    closing.push(() => services.close());
    http.server.on('upgrade', (request, socket, head) => void services.upgrade(request, socket, head));
    ready(services.routes);
    const databaseUrl = wire && `postgresql://postgres:${keys.databasePassword}@${loopback}:${wire.port}/postgres`;
    const dashboardUrl = dashboard ? `${url}${localPrefix}/?t=${token}` : undefined;
    const urls = { url, databaseUrl, dashboardUrl };
    closing.push(await noteRunning(directory, environment, { pid: process.pid, token, ...urls }));
    signal?.throwIfAborted();
    const pending = (): Promise<FileName[]> => pendingIn(muse, database);
    return { ...urls, publishableKey: keys.publishable, secretKey: keys.secret, filled, pending, close };
  } catch (error) {
    await close();
    throw signal?.aborted ? cancelled(error) : error;
  }
}

/**
 * Makes sure that this process may serve the environment: no other one does, and where it needs a yes, there is one.
 * @param plan what that would mean, for the person who is asked
 * @throws MuseError `dev-running`, `bad-confirmation`, `not-confirmed`
 */
export async function ensureMayServe(
  { directory }: Muse,
  { target }: EnvironmentPlace,
  { environment, consent = {} }: ServeOptions,
  plan: string,
): Promise<void> {
  const running = await findRunning(directory, environment);
  if (running !== undefined) throw new AlreadyRunning(environment, running);
  if (environment === 'development' || target.local) return;
  needConsent(environment, consent, commandFor('muse dev', environment));
  await takeConsent(environment, consent, plan);
}

/** What is undone at the end, or where the start fails, the newest first. */
export function undoable(): { closing: (() => Promise<unknown>)[]; close(): Promise<void> } {
  const closing: (() => Promise<unknown>)[] = [];
  return {
    closing,
    async close() {
      const failures: unknown[] = [];
      for (const end of closing.splice(0).toReversed()) await end().catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw failures[0];
    },
  };
}

async function pendingIn({ directory, museFile }: Muse, database: OwnDatabase): Promise<FileName[]> {
  const [{ readMigrations }, { migrationStatus }, { hasHistory }] = await Promise.all([
    import('../migrations/read.ts'),
    import('../migrations/compare.ts'),
    import('../migrations/history.ts'),
  ]);
  const { migrations } = await readMigrations(directory, museFile.migrations);
  return database.asServer(async (session) => {
    const all = migrations.map(({ layer, file }) => ({ layer, file }));
    return (await hasHistory(session)) ? (await migrationStatus(session, migrations)).pending : all;
  });
}

/** Serves PostgreSQL's own protocol on the embedded database; any other has an address of its own. */
async function listenWire(
  shared: SharedEmbedded,
  password: string,
  { databasePort = defaultDatabasePort, onNote }: ServeOptions,
): Promise<{ port: number; close(): Promise<void> }> {
  const { createWire } = await import('./wire/wire.ts');
  const wire = await createWire({ shared, password });
  try {
    const port = await listenFrom(databasePort, (one) => wire.listen(one), onNote);
    return { port, close: () => wire.close() };
  } catch (error) {
    await wire.close();
    throw error;
  }
}

/** The database of the server, and what ends it. */
interface OpenDatabase {
  database: OwnDatabase;
  /** Where it is the embedded one. */
  shared?: SharedEmbedded;
  close(): Promise<void>;
}

/** @param onStarting see `WorkerOptions` */
async function openDatabase(
  { place, target }: EnvironmentPlace,
  options: ServeOptions,
  onStarting: () => void,
): Promise<OpenDatabase> {
  const { signal, onNote } = options;
  // Once it is open, it ends in order.
  const opening = new AbortController();
  const stop = (): void => opening.abort(cancelled(signal?.reason));
  signal?.addEventListener('abort', stop);
  try {
    if (!target.local) {
      onStarting();
      const { poolConnections } = await import('./database/pooled.ts');
      return await tidied(poolConnections(async () => (await target.open(place)).database));
    }
    const shared = await shareEmbedded({
      directory: embeddedDirectory(place.directory, place.name),
      signal: opening.signal,
      onStarting,
      lock: { onWait: onNote },
    });
    const database = await createOwnDatabase(embeddedConnections(shared)).catch(async (error: unknown) => {
      await shared.close();
      throw error;
    });
    shared.onChange(database.changed);
    // As PostgREST hears of a schema that was changed by a request.
    shared.channels.listen('pgrst', () => database.changed({ schemaMayDiffer: true }));
    await database.asServer((session) => session.script('LISTEN pgrst'));
    return { database, shared, close: () => database.close() };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** A database of another server: what is kept in it for this one is removed at the start and at the end, as the embedded one does. */
async function tidied(connections: Connections): Promise<OpenDatabase> {
  try {
    const database = await createOwnDatabase(connections);
    const clean = (): Promise<void> => database.asServer(removeServed);
    await clean();
    return {
      database,
      async close() {
        // While a long statement runs, this would take too long: then the next start does it.
        await Promise.race([clean().catch(() => undefined), sleep(tidyMs, undefined, { ref: false })]);
        await connections.close();
      },
    };
  } catch (error) {
    await connections.close();
    throw error;
  }
}

/** How long tidying up may take at the end, in ms. */
const tidyMs = 150;

/** The error where another process already serves the environment, with where it does. */
export class AlreadyRunning extends MuseError {
  readonly running: RunningServer;

  constructor(environment: EnvironmentName, running: RunningServer) {
    super({
      code: 'dev-running',
      message: `muse dev already serves ${environment}, at ${running.url} (process ${running.pid}).`,
      suggestion: 'Use that one, or end it with Ctrl-C and start again.',
    });
    this.running = running;
  }
}

const openText = (environment: EnvironmentName): string =>
  `muse dev opens ${environment} on this machine: anyone with its keys can read and change every row, and Realtime adds triggers while ` +
  'a client listens.';

function servesItself(environment: EnvironmentName): MuseError {
  return new MuseError({
    code: 'bad-target',
    message: `${environment} is a Supabase project, which serves its own API: there is only the dashboard to serve.`,
    suggestion: `Open the dashboard: ${commandFor('muse dev', environment)}. For an app, use the URL and keys of its secrets file.`,
  });
}
