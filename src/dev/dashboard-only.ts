import type { Database } from '../database/database.ts';
import { cancelled, MuseError } from '../shared/error.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { type EnvironmentPlace, placeOf } from '../targets/open.ts';
import { createOwnDatabase } from './database/database.ts';
import { defaultPort, ensureMayServe, serve, type ServeOptions, type Serving, undoable } from './dev.ts';
import { ApiError } from './errors.ts';
import { createHttp, loopback, type Route } from './http.ts';
import { listenFrom } from './ports.ts';
import { localPrefix, makeToken, noteRunning } from './running.ts';

/** What is served of an environment: everything, or of one whose services run elsewhere its dashboard alone. */
export type Served = Pick<Serving, 'url' | 'dashboardUrl' | 'close'> & Partial<Serving> & { only?: 'dashboard' };

/**
 * Serves what there is to serve of an environment.
 * @throws MuseError what `serve` and {@link serveDashboard} throw
 */
export async function serveEnvironment(muse: Muse, options: ServeOptions): Promise<Served> {
  const { target } = placeOf(muse, options.environment, options.variables);
  return target.provisioned && options.dashboard !== false ? serveDashboard(muse, options) : serve(muse, options);
}

/**
 * Serves the dashboard alone, for an environment whose services run elsewhere. Nothing is written to its database.
 * @throws MuseError `dev-running`, `bad-port`, `bad-confirmation`, `not-confirmed`, what opening the database throws, and
 *   `cancelled`
 */
async function serveDashboard(muse: Muse, options: ServeOptions): Promise<Served> {
  const { environment, variables, port = defaultPort, signal, onNote } = options;
  const at = placeOf(muse, environment, variables);
  await ensureMayServe(muse, at, options, readText(environment));
  const [{ createDashboard }, { poolConnections, readOnly }] = await Promise.all([
    import('./dashboard/dashboard.ts'),
    import('./database/pooled.ts'),
  ]);
  const { closing, close } = undoable();
  try {
    const connections = readOnly(poolConnections(() => openOne(at, options)));
    closing.push(() => connections.close());
    const database = await createOwnDatabase(connections);
    signal?.throwIfAborted();
    const token = makeToken();
    const dashboard = createDashboard({ database, muse, environment, token, page: true, services: undefined });
    closing.push(async () => dashboard.close?.());
    const routes: Route[] = [
      { prefix: localPrefix, part: dashboard, local: true },
      { prefix: '', part: { handle: () => Promise.reject(elsewhere(environment)) }, local: true },
    ];
    const http = await createHttp({ routes });
    closing.push(() => http.close());
    const url = `http://${loopback}:${await listenFrom(port, http.listen, onNote)}`;
    const dashboardUrl = `${url}${localPrefix}/?t=${token}`;
    const served = { url, dashboardUrl, only: 'dashboard' } as const;
    closing.push(await noteRunning(muse.directory, environment, { pid: process.pid, token, ...served }));
    signal?.throwIfAborted();
    return { ...served, close };
  } catch (error) {
    await close();
    throw signal?.aborted ? cancelled(error) : error;
  }
}

/** Opens one connection; only the first says how it was made. */
async function openOne({ target, place }: EnvironmentPlace, { signal, onNote }: ServeOptions): Promise<Database> {
  const { database } = await target.open(place, { signal, onNote });
  if (database.kind !== 'https') return database;
  await database.close();
  throw new MuseError({
    code: 'no-interactive-transaction',
    message: `The database of ${place.name} can only be reached by SQL over HTTPS from here; the dashboard needs a connection.`,
    suggestion: 'Try another network, one that lets connections to ports 5432 and 6543 through.',
  });
}

const readText = (environment: EnvironmentName): string =>
  `muse dev shows every row of ${environment} on this machine, to anyone with the URL that it prints. It changes nothing there.`;

const elsewhere = (environment: EnvironmentName): ApiError =>
  new ApiError(404, {
    message: `${environment} is a Supabase project, which serves its API itself. Here is only its dashboard.`,
    hint: 'Its URL and keys are in its secrets file.',
  });
