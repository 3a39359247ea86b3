import { MuseError } from '../shared/error.ts';
import { listPoolers } from './api.ts';
import type { Http } from './http.ts';
import { isLoopback, type SupabaseSettings } from './settings.ts';
import type { PoolerConfig, ProjectWithDatabase } from './types.ts';

/** An address of a database, without the password. */
export interface Endpoint {
  host: string;
  port: number;
  user: string;
  database: string;
  /** This machine: without TLS. */
  loopback: boolean;
}

/** The ways to a project's database. The poolers are undefined until the platform has them. */
export interface Endpoints {
  /** IPv6 only, unless an add-on is bought. */
  direct: Endpoint;
  /** One session for each client, as migrations need it. */
  session: Endpoint | undefined;
  /** For serverless apps: no session state, no prepared statements. */
  transaction: Endpoint | undefined;
}

/** Ports of the shared pooler's two modes, on one host. */
const sessionPort = 5432;
const transactionPort = 6543;

/**
 * The direct address: the project host in the profile, else the one from the API.
 * @param settings `projectHost` may end in `:port`
 */
export function directEndpoint(settings: SupabaseSettings, ref: string, project?: ProjectWithDatabase): Endpoint {
  const named = settings.projectHost === 'supabase.co' ? project?.database?.host : undefined;
  const [host = '', port] = splitPort(named ?? `db.${ref}.${settings.projectHost}`);
  return endpoint(host, port ?? 5432, 'postgres', 'postgres');
}

/**
 * The pooler's ways, from the endpoint that knows them: the host is each project's own and never built from the region.
 * Undefined while the platform has no PRIMARY row yet.
 * @throws MuseError `pooler-refused` if the host is outside the platform's own domain: it would receive the password
 */
export async function poolerEndpoints(
  http: Http,
  settings: SupabaseSettings,
  ref: string,
): Promise<Pick<Endpoints, 'session' | 'transaction'> | undefined> {
  const rows = (await listPoolers(http, ref)).filter((row) => row.database_type === 'PRIMARY' && row.db_host);
  const row = rows.find((one) => one.pool_mode === 'session') ?? rows[0];
  if (!row) return undefined;
  checkHost(row.db_host, settings);
  const other = rows.find((one) => one.pool_mode === 'transaction');
  return {
    session: fromRow(row, ref, row.db_port === transactionPort ? sessionPort : row.db_port),
    transaction: other
      ? fromRow(other, ref, other.db_port)
      : fromRow(row, ref, row.db_port === sessionPort ? transactionPort : row.db_port),
  };
}

function fromRow(row: PoolerConfig, ref: string, port: number): Endpoint {
  return endpoint(row.db_host, port, row.db_user || `postgres.${ref}`, row.db_name || 'postgres');
}

function endpoint(name: string, port: number, user: string, database: string): Endpoint {
  // RFC 6761, 6.3: names under `localhost` are this machine; not every resolver knows.
  const host = name.toLowerCase().endsWith('.localhost') ? '127.0.0.1' : name;
  return { host, port, user, database, loopback: isLoopback(host) };
}

function splitPort(text: string): [string, number | undefined] {
  const match = /^(.*):(\d{1,5})$/.exec(text);
  return match?.[1] && !match[1].includes(':') ? [match[1], Number(match[2])] : [text, undefined];
}

function checkHost(host: string, settings: SupabaseSettings): void {
  const suffix = settings.poolerHost?.toLowerCase();
  const name = host.toLowerCase();
  if (isLoopback(host) || suffix === undefined || name === suffix || name.endsWith(`.${suffix}`)) return;
  throw new MuseError({
    code: 'pooler-refused',
    message: `The API names "${host}" as the pooler, which is not a host of ${suffix}; the password was not sent there.`,
    suggestion: 'If that is correct, set pooler_host in the profile that SUPABASE_PROFILE names.',
  });
}
