/** A real PostgreSQL 17 for tests: its own process, a free port on loopback, a temporary directory. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { installedBinaries, nativeBinaries, type User } from './native-binaries.ts';
import { directoryVariable } from './run-directory.ts';

export interface Native {
  /** The superuser's URL; default database `postgres`. */
  url(database?: string): string;
  /**
   * Creates a database and returns the superuser's URL for it. On a shared server the name gets a suffix.
   * @param template the URL of another one to copy, to which nobody may be connected; without it, the database is empty
   */
  createDatabase(name: string, template?: string): Promise<string>;
  /** Stops the server or, on a shared one, drops the databases that were created through this handle. */
  stop(): Promise<void>;
}

export interface NativeOptions {
  /** Name of the superuser; default `postgres`. */
  superuser?: string;
  /**
   * Durable writes. Default: false, because tests need no protection against power failures. Benchmarks use the
   * server's defaults.
   */
  fsync?: boolean;
  /** A separate server, although the test run has a shared one. */
  private?: boolean;
  /** Serves TLS with `test/support/certificates/<name>.pem`; implies a separate server. */
  certificate?: 'server' | 'elsewhere';
  /**
   * What every server by this name begins with; implies a separate server. It is made once in a run: the others start with a
   * copy of its files.
   */
  beginning?: { name: string; make(native: Native): Promise<void> };
}

/** The variable in which `global-setup.ts` stores the URL of the server that all test files share. */
export const sharedVariable = 'CREATE_MUSE_TEST_POSTGRES';
const prefix = 'create-muse-native-';
const password = 'native-password';
/** The user `nobody`, because PostgreSQL refuses to run as root. */
const runAs: User | undefined = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

/** Starts a server, or returns the shared one of the run. */
export async function startNative(options: NativeOptions = {}): Promise<Native> {
  const shared = process.env[sharedVariable];
  if (shared && !options.private && !options.superuser && options.fsync === undefined && !options.certificate)
    return handle(shared, true);
  const { beginning } = options;
  if (beginning === undefined) return startOwn(options);
  // Outside of a run, nobody removes what is kept.
  const kept = process.env[directoryVariable];
  if (kept !== undefined) return startOwn(options, await beginningIn(kept, options, beginning));
  const native = await startOwn(options);
  await beginning.make(native);
  return native;
}

type Beginning = NonNullable<NativeOptions['beginning']>;

/** The path of a cluster that has what servers by this name begin with, which is made if it is not there yet. */
async function beginningIn(kept: string, options: NativeOptions, { name, make }: Beginning): Promise<string> {
  const path = join(kept, `cluster-${name}`);
  if (existsSync(path)) return path;
  const native = await startOwn(options);
  await make(native);
  const made = `${path}-${process.pid}`;
  await native.stop((data) => cpSync(data, made, { recursive: true }));
  try {
    renameSync(made, path);
  } catch (error) {
    // Another worker was faster.
    if (!existsSync(path)) throw error;
  }
  return path;
}

interface OwnNative extends Native {
  /** @param keep gets the path of the stopped server's files before they are removed */
  stop(keep?: (data: string) => void): Promise<void>;
}

/** @param beginning the cluster to copy; without it, a new one is made */
async function startOwn(options: NativeOptions, beginning?: string): Promise<OwnNative> {
  sweep();
  const user = options.superuser ?? 'postgres';
  const { directory, data, postgres } = makeCluster(user, beginning);
  const tls = options.certificate === undefined ? {} : putCertificate(data, options.certificate);
  const { child, port } = await listen(postgres, directory, data, { ...(options.fsync ? {} : unsafe), ...tls });

  const remove = (): void => {
    child.kill('SIGKILL');
    removeDirectory(directory);
  };
  process.once('exit', remove);
  const own = handle(`postgres://${user}:${password}@127.0.0.1:${port}/postgres`, false);
  return {
    ...own,
    async stop(keep) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      // Where nothing else keeps this process, it would end before what comes after the server's end.
      child.ref();
      // Nobody needs the files of a server that is not kept, so it need not write them.
      if (child.exitCode === null && child.kill(keep === undefined ? 'SIGQUIT' : 'SIGINT')) await ended;
      process.removeListener('exit', remove);
      keep?.(data);
      remove();
    },
  };
}

interface Cluster {
  /** Directory with everything that the server needs, removed with it. */
  directory: string;
  data: string;
  /** The server's binary. */
  postgres: string;
}

/**
 * Directories for servers. Root's own TMPDIR may be inaccessible to the user that PostgreSQL runs as, or not allow
 * executables (noexec), so the system's temporary directories are tried too.
 */
function places(): string[] {
  if (!runAs) return [tmpdir()];
  const existing = [tmpdir(), '/tmp', '/var/tmp'].filter((path, index) => index === 0 || existsSync(path));
  return [...new Set(existing)];
}

/** Creates a cluster in the first directory that works: an empty one, or a copy. */
function makeCluster(superuser: string, beginning: string | undefined): Cluster {
  const failures: string[] = [];
  for (const place of places()) {
    const directory = mkdtempSync(join(place, prefix));
    try {
      return initialize(directory, superuser, beginning);
    } catch (error) {
      removeDirectory(directory);
      failures.push(`in ${place}: ${(error as Error).message.trim()}`);
    }
  }
  const hint = runAs
    ? `\nAs root, PostgreSQL runs as user ${runAs.uid}: set TMPDIR to a directory that this user can reach and run programs in.`
    : '';
  throw new Error(`initdb failed ${failures.join('\n')}${hint}`);
}

function initialize(directory: string, superuser: string, beginning: string | undefined): Cluster {
  const data = join(directory, 'data');
  const passwordFile = join(directory, 'password');
  // Set the modes explicitly, whatever the umask is.
  if (runAs) chmodSync(directory, 0o755);
  writeFileSync(join(directory, 'owner'), String(process.pid));
  const binaries = nativeBinaries(installedBinaries(), directory, runAs);
  if (beginning !== undefined) {
    copyCluster(beginning, data);
    return { directory, data, postgres: binaries.postgres };
  }
  writeFileSync(passwordFile, password, { mode: 0o600 });
  mkdirSync(data, { mode: 0o700 });
  if (runAs) for (const path of [passwordFile, data]) chownSync(path, runAs.uid, runAs.gid);
  const made = spawnSync(
    binaries.initdb,
    [
      '-D',
      data,
      '-U',
      superuser,
      '-A',
      'scram-sha-256',
      '--pwfile',
      passwordFile,
      '-E',
      'UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--no-sync',
    ],
    { ...runAs, cwd: directory, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.error?.message ?? made.stderr);
  return { directory, data, postgres: binaries.postgres };
}

/** Copies the files of a stopped server, for the user that servers run as. */
function copyCluster(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  if (!runAs) return;
  for (const name of ['', ...readdirSync(to, { recursive: true, encoding: 'utf8' })])
    chownSync(join(to, name), runAs.uid, runAs.gid);
}

const removeDirectory = (directory: string): void => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });

/** Settings without protection against power failures, which tests do not need. */
const unsafe = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** The server requires that no one else can read its key. */
function putCertificate(data: string, name: string): Record<string, string> {
  const from = join(import.meta.dirname, 'certificates');
  for (const [source, target] of [
    [`${name}.pem`, 'server.crt'],
    ['server.key.pem', 'server.key'],
  ] as const) {
    const path = join(data, target);
    copyFileSync(join(from, source), path);
    chmodSync(path, 0o600);
    if (runAs) chownSync(path, runAs.uid, runAs.gid);
  }
  return { ssl: 'on' };
}

async function listen(
  program: string,
  directory: string,
  data: string,
  more: Record<string, string>,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 0; ; attempt += 1) {
    const port = await freePort();
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      max_connections: 100,
      ...more,
    };
    const child = spawn(
      program,
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...runAs, cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let log = '';
    const up = await new Promise<boolean>((resolve) => {
      child.stderr?.on('data', (text: Buffer) => {
        log = (log + text.toString()).slice(-10_000);
        if (log.includes('ready to accept connections')) resolve(true);
      });
      child.once('exit', () => resolve(false));
      child.once('error', (error) => {
        log += error.message;
        resolve(false);
      });
    });
    child.unref();
    (child.stderr as unknown as { unref(): void } | null)?.unref();
    if (up) return { child, port };
    if (attempt === 3) throw new Error(`postgres does not start: ${log}`);
  }
}

function handle(base: string, shared: boolean): Native {
  const made: string[] = [];
  const url = (database = 'postgres'): string => {
    const of = new URL(base);
    of.pathname = `/${encodeURIComponent(database)}`;
    return of.href;
  };
  const run = async (...statements: string[]): Promise<void> => {
    const client = new pg.Client({ connectionString: url() });
    await client.connect();
    try {
      for (const sql of statements) await client.query(sql);
    } finally {
      await client.end();
    }
  };
  return {
    url,
    async createDatabase(name, template) {
      const full = shared ? `${name}_${randomBytes(4).toString('hex')}` : name;
      // template0, because a connection to template1 in another test file would make this fail.
      const from = template === undefined ? 'template0' : decodeURIComponent(new URL(template).pathname.slice(1));
      await run(
        `CREATE DATABASE ${pg.escapeIdentifier(full)} TEMPLATE ${pg.escapeIdentifier(from)}`,
        // What roles are set to in a database is no part of its copy.
        `INSERT INTO pg_catalog.pg_db_role_setting
         SELECT copy.oid, setrole, setconfig FROM pg_catalog.pg_db_role_setting
         JOIN pg_catalog.pg_database original ON original.oid = setdatabase AND original.datname = ${pg.escapeLiteral(from)}
         JOIN pg_catalog.pg_database copy ON copy.datname = ${pg.escapeLiteral(full)}`,
      );
      made.push(full);
      return url(full);
    },
    async stop() {
      for (const name of made) await run(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    },
  };
}

/** Removes the remains of killed runs from directories. */
export function sweep(among: readonly string[] = places()): void {
  const left = among
    .filter((place) => existsSync(place))
    .flatMap((place) =>
      readdirSync(place)
        .filter((entry) => entry.startsWith(prefix))
        .map((entry) => join(place, entry)),
    );
  for (const directory of left) {
    try {
      const owner = Number(readFileSync(join(directory, 'owner'), 'utf8'));
      if (isAlive(owner)) continue;
      const file = join(directory, 'data', 'postmaster.pid');
      const postmaster = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
      if (postmaster > 0 && isAlive(postmaster)) process.kill(postmaster, 'SIGQUIT');
      removeDirectory(directory);
    } catch {
      // Keep it: another run uses it, or it belongs to another user.
    }
  }
}

/** Whether a process with that ID is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
