import { connect as connectSocket } from 'node:net';
import { type Database, DatabaseError } from '../database/database.ts';
import { readCertificates } from '../database/postgres/certificate.ts';
import { MuseError } from '../shared/error.ts';
import { getProject, retrieveNetworkBans } from './api.ts';
import { jittered } from './clock.ts';
import { directEndpoint, type Endpoint, type Endpoints, poolerEndpoints } from './endpoints.ts';
import { connectionCode } from './failure.ts';
import type { Http } from './http.ts';
import { refuseLease } from './lease.ts';
import { openQueryDatabase } from './query-database.ts';
import type { Secret } from './secret.ts';
import type { SupabaseSettings } from './settings.ts';
import { refuseFinal } from './wait.ts';

export interface ConnectOptions {
  http: Http;
  settings: SupabaseSettings;
  ref: string;
  password: Secret;
  /** Path of the PEM file with the database's own root certificate (`--db-ca`). */
  caFile?: string;
  /**
   * The project was found in the list and not named in an answer: its database must accept the password before anything
   * is done.
   */
  mustProve?: boolean;
  /** Between two tries, ms: each failed try counts towards a ban of this address. */
  intervalMs?: number;
  /** For a new project's database to let us in, ms. */
  timeoutMs?: number;
  /** Ends the connection when it aborts; over HTTPS, `http` has its own. */
  signal?: AbortSignal | undefined;
  /** Called with messages: what is tried, and what prevents a connection. */
  onNote?: (note: string) => void;
}

export interface Connected {
  database: Database;
  via: 'direct' | 'pooler' | 'https';
  /** The server's certificate was verified with `caFile`, or needs no check (loopback, HTTPS). */
  verified: boolean;
  endpoints: Endpoints;
}

/**
 * Connects to a project's database: direct where this network reaches it, else by the session pooler, else by SQL over
 * HTTPS.
 * @throws MuseError `project-unusable` for a paused project, `bad-certificate`, `database-tls` if the server's identity does
 *   not verify, `password-refused`, `ownership-unproven`, `pooler-refused`, `connect-failed`, and what the API refuses
 */
export async function connectProject(options: ConnectOptions): Promise<Connected> {
  const { http, settings, ref, intervalMs = 5000, timeoutMs = 240_000 } = options;
  const note = options.onNote ?? (() => undefined);
  // An invalid file is reported before the password is sent anywhere.
  const ca = options.caFile === undefined ? undefined : await readCertificates(options.caFile);
  const until = http.clock.now() + timeoutMs;
  const pause = (factor = 1): Promise<void> =>
    http.clock.sleep(factor * intervalMs + jittered(http.clock, intervalMs / 2));
  const project = await getProject(http, ref);
  // The database of a paused project does not answer, and waiting for it changes nothing.
  refuseFinal(ref, project.status);
  const direct = directEndpoint(settings, ref, project);
  const endpoints: Endpoints = { direct, session: undefined, transaction: undefined };

  let trouble: Trouble | undefined;
  if (await answers(direct.host, direct.port)) {
    // Another server may answer there: the pooler decides.
    const opened = await knock(options, direct, ca, Math.min(until, http.clock.now() + 5 * intervalMs), pause, note);
    if (typeof opened !== 'string') {
      Object.assign(endpoints, await poolerEndpoints(http, settings, ref));
      return connected(options, opened, 'direct', direct, endpoints);
    }
    trouble = opened;
  }
  note('The direct host does not answer on this network (it is IPv6 only): using the session pooler.');
  let poolers = await poolerEndpoints(http, settings, ref);
  while (!poolers && http.clock.now() < until) {
    await pause();
    poolers = await poolerEndpoints(http, settings, ref);
  }
  Object.assign(endpoints, poolers);
  if (endpoints.session) {
    const opened = await knock(options, endpoints.session, ca, until, pause, note);
    if (typeof opened !== 'string') return connected(options, opened, 'pooler', endpoints.session, endpoints);
    trouble = opened;
  }
  if (trouble === 'password') throw passwordRefused(ref, options.mustProve === true);
  await noteBans(http, ref, note);
  if (options.mustProve) throw unproven(ref);
  note('Neither the direct host nor the pooler can be reached from here: sending SQL over HTTPS.');
  return { database: openQueryDatabase(http, ref), via: 'https', verified: true, endpoints };
}

/** Tries one endpoint slowly until it connects or cannot. A closed endpoint is not tried again: it may be a ban. */
async function knock(
  options: ConnectOptions,
  endpoint: Endpoint,
  ca: string | undefined,
  until: number,
  pause: (factor?: number) => Promise<void>,
  note: (text: string) => void,
): Promise<Database | Trouble> {
  const { openPostgres } = await import('../database/postgres/postgres.ts');
  for (let refusals = 0; ;) {
    let database: Database | undefined;
    try {
      // As fields: no password can break them, and it is in no URL.
      database = await openPostgres({
        host: endpoint.host,
        port: endpoint.port,
        user: endpoint.user,
        password: options.password.reveal(),
        database: endpoint.database,
        ssl: tls(endpoint, ca),
        connectTimeoutMs: 15_000,
        signal: options.signal,
      });
      await database.query('select 1');
      return database;
    } catch (error) {
      await database?.close().catch(() => undefined);
      const trouble = troubleOf(error);
      if (error instanceof MuseError && error.code === 'database-tls') throw error;
      if (trouble === 'other') throw connectFailed(endpoint, error);
      if (trouble === 'closed') return trouble;
      if (options.http.clock.now() >= until) return trouble;
      note(`${endpoint.host} is not ready for this project yet (${words[trouble]}); trying again.`);
      // Addresses are banned for refused passwords: each further attempt waits twice as long.
      refusals += trouble === 'password' ? 1 : 0;
      await pause(trouble === 'password' ? Math.min(12, 2 ** (refusals - 1)) : 1);
    }
  }
}

const words: Record<Exclude<Trouble, 'closed' | 'other'>, string> = {
  absent: 'its name does not resolve',
  early: 'it does not know the project yet or is starting',
  password: 'it does not accept the password',
};

function tls(endpoint: Endpoint, ca: string | undefined): false | { rejectUnauthorized: boolean; ca?: string } {
  if (endpoint.loopback) return false;
  return ca === undefined ? { rejectUnauthorized: false } : { rejectUnauthorized: true, ca };
}

/** What to say about a connection that is not `verified`. */
export const notVerified =
  "The connection is encrypted, but the server's identity was not verified. To verify it, add --db-ca <file> " +
  '(download the certificate in the dashboard: Database settings, SSL).';

function connected(
  options: ConnectOptions,
  database: Database,
  via: 'direct' | 'pooler',
  endpoint: Endpoint,
  endpoints: Endpoints,
): Connected {
  const verified = endpoint.loopback || options.caFile !== undefined;
  if (!verified) options.onNote?.(notVerified);
  const withRunLock: Database['withRunLock'] = (work, waitMs) =>
    database.withRunLock(async () => {
      await refuseLease(database);
      return work();
    }, waitMs);
  return { database: { ...database, withRunLock }, via, verified, endpoints };
}

/** Says it when addresses are banned: too many failed sign-ins, from here or from elsewhere. */
async function noteBans(http: Http, ref: string, note: (text: string) => void): Promise<void> {
  const banned = await retrieveNetworkBans(http, ref).then(
    (bans) => bans.banned_ipv4_addresses,
    () => [],
  );
  if (banned.length === 0) return;
  note(
    `Supabase has banned ${banned.join(', ')} from this database after failed sign-ins; a ban ends after a few minutes without sign-ins.`,
  );
}

function passwordRefused(ref: string, mustProve: boolean): MuseError {
  if (mustProve) return unproven(ref);
  return new MuseError({
    code: 'password-refused',
    message: `The database of ${ref} does not accept the password.`,
    suggestion:
      "Set SUPABASE_DB_PASSWORD to the project's database password; you can reset it in the dashboard, Database " +
      'settings. Wait two minutes before you try again: failed sign-ins lead to a ban.',
  });
}

function unproven(ref: string): MuseError {
  return new MuseError({
    code: 'ownership-unproven',
    message:
      `The project ${ref} looks like the one this run asked for, but its database does not accept this run's ` +
      'password, so nothing was done to it.',
    suggestion:
      `Check it in the dashboard: use it with --project-ref ${ref}, or continue with --resume from a network that ` +
      'reaches the pooler.',
  });
}

function connectFailed(endpoint: Endpoint, cause: unknown): MuseError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MuseError({
    code: 'connect-failed',
    message: `Connecting to ${endpoint.host}:${endpoint.port} failed: ${reason}`,
    suggestion: 'Check the project in the dashboard, and https://status.supabase.com.',
    cause,
  });
}

/**
 * What a failed connection means. `absent`: no such name; `closed`: not reachable from this network; `early`: the
 * service is not up yet; `password`: it refuses the password, which also happens for minutes on a new project; `other`.
 */
type Trouble = 'absent' | 'closed' | 'early' | 'password' | 'other';

const byCode: Record<string, Trouble> = {
  ENOTFOUND: 'absent',
  EAI_AGAIN: 'absent',
  ENODATA: 'absent',
  ECONNREFUSED: 'closed',
  ENETUNREACH: 'closed',
  EHOSTUNREACH: 'closed',
  ETIMEDOUT: 'closed',
  EADDRNOTAVAIL: 'closed',
  ECONNRESET: 'early',
  EPIPE: 'early',
  '28P01': 'password',
  '28000': 'password',
  '57P03': 'early',
  '57P01': 'early',
  '53300': 'early',
  '08006': 'early',
  '08001': 'early',
};

/** Classifies the error of a failed connection, by SQLSTATE, Node's code, or the pooler's message. */
function troubleOf(error: unknown): Trouble {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth += 1) {
    if (/tenant(?:\/| or )user\b.*not found/i.test(current.message)) return 'early';
    const code = current instanceof DatabaseError ? current.code : connectionCode(current);
    const known = code === undefined ? undefined : byCode[code];
    if (known) return known;
    if (/timeout expired/i.test(current.message)) return 'closed';
    if (/connection terminated|server closed|ended unexpectedly/i.test(current.message)) return 'early';
  }
  return 'other';
}

/**
 * Says whether a TCP connection can be made, and sends nothing over it.
 * @param timeoutMs a firewall that drops packets looks like this
 */
async function answers(host: string, port: number, timeoutMs = 4000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
