// Lint and rehearsal of the real MuseKit on a shadow database (every file twice, and rolled back), compared with psql
// running the same files once. MUSEKIT_SOURCE names a clone or mirror to use instead of GitHub.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { compare, once, print } from './measure.js';
import { startServer } from './server.js';

const source = 'https://github.com/SpeckledDarth/master-saas-muse';

/** @param {{ root: string, rounds: number }} options */
export async function musekit({ root, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const kit = join(place, 'musekit');
  const from = process.env.MUSEKIT_SOURCE;
  try {
    const git = (...args) =>
      execFileSync('git', args, {
        stdio: 'pipe',
        encoding: 'utf8',
        env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
      }).trim();
    git('clone', '--quiet', '--depth', '1', '--', from === undefined ? source : pathToFileURL(from).href, kit);
    process.stdout.write(`\nMuseKit at ${git('-C', kit, 'rev-parse', '--short=12', 'HEAD')}\n`);
  } catch (error) {
    process.stdout.write(
      `\nMuseKit could not be cloned, so its times are left out: ${String(error.stderr ?? error)
        .trim()
        .split('\n')
        .at(-1)}\n`,
    );
    rmSync(place, { recursive: true, force: true });
    return;
  }
  const server = await startServer();
  try {
    const node = (args, env) => once({ command: process.execPath, args, cwd: place, env });
    const floor = (name) => join(import.meta.dirname, 'floor', name);
    await node([floor('baseline.js'), root], { DATABASE_URL: server.url('postgres') });
    await measure({ title: 'as it is', muse: kit, root, place, server, rounds, node, floor });
    await node([
      join(root, 'bin', 'create-muse.js'),
      'fixed',
      '--kit',
      kit,
      '--fix',
      '--kit-extensions',
      'keep',
      '--yes',
      '--json',
    ]);
    await measure({ title: 'fixed by --fix', muse: join(place, 'fixed'), root, place, server, rounds, node, floor });
  } finally {
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
}

async function measure({ title, muse, root, place, server, rounds, node, floor }) {
  const answer = join(place, 'examined.json');
  const ours = () => node([floor('examine.js'), root, muse, answer]);
  await ours();
  const { files, errors, warnings } = JSON.parse(readFileSync(answer, 'utf8'));
  const paths = files.map((file) => join(muse, file));
  const fresh = async (apply) => {
    await recreate(server);
    return apply(server.url('musekit'));
  };
  const pgSends = {
    name: 'pg, each file whole',
    run: () => fresh((url) => node([floor('whole-files.js'), ...paths], { DATABASE_URL: url })),
  };
  const psql = {
    name: 'psql -f …',
    run: () =>
      fresh((url) =>
        once({ command: 'psql', args: ['-X', '-q', '-d', url, ...paths.flatMap((path) => ['-f', path])] }),
      ),
  };
  const runner = hasPsql() ? psql : pgSends;
  const results = await compare([runner, { name: 'lint + rehearsal', run: ours }], Math.min(rounds, 5));
  print(`MuseKit ${title}: ${files.length} files, ${errors} errors and ${warnings} warnings found`, results, {
    floor: runner.name,
    ours: 'lint + rehearsal',
  });
}

async function recreate(server) {
  const admin = new pg.Client(server.url('template1'));
  await admin.connect();
  await admin.query('drop database if exists musekit with (force)');
  await admin.query('create database musekit template postgres');
  await admin.query('alter database musekit set search_path to "$user", public, extensions');
  await admin.end();
}

function hasPsql() {
  try {
    execFileSync('psql', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stdout.write('(no psql on this machine: pg sends each file whole instead)\n');
    return false;
  }
}
