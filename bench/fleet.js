// Many databases on one server: `muse portfolio migrate`, compared with bare `pg` at the same concurrency, and with psql file by file;
// then what ten times as many muses cost, on the same databases, as a thousand of them would fill the disk.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { compare, median, once } from './measure.js';
import { startServer } from './server.js';
import { museFile } from './muse-file.js';

const files = 14;
const concurrency = 8;
const floor = 'floor: pg, eight at once';
/** How many databases; the ratios hold from about twenty on. */
const count = Number(process.env.CREATE_MUSE_BENCH_FLEET ?? 100);

/** A table of users' own rows, as lint wants it. */
const sql = (number) => `-- Adds table t${number}.
create table if not exists public.t${number} (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists idx_t${number}_user_id on public.t${number} (user_id);
alter table public.t${number} enable row level security;
drop policy if exists "own rows" on public.t${number};
create policy "own rows" on public.t${number} for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
grant select, insert, update, delete on public.t${number} to authenticated;
grant all on public.t${number} to service_role;
`;

/** @param {string} folder @param {number} muses how many */
function writeMuses(folder, muses) {
  for (let number = 1; number <= muses; number++) {
    const directory = join(folder, `muse${number}`);
    for (const place of ['core', 'rollback/core']) mkdirSync(join(directory, 'migrations', place), { recursive: true });
    for (let file = 1; file <= files; file++) {
      const name = `${String(file).padStart(3, '0')}_t.sql`;
      writeFileSync(join(directory, 'migrations/core', name), sql(file));
    }
    writeFileSync(join(directory, 'muse.json'), museFile(`muse${number}`, { staging: { target: 'postgres' } }));
  }
}

/** Works on numbers, so many at a time. */
async function atOnce(work) {
  let next = 1;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (next <= count) await work(next++);
    }),
  );
}

/** How many databases psql works on: it takes the same for each, and long. */
const psqlCount = Math.min(count, 10);

/**
 * Wall time and CPU time of a piece of work: of this process and of the server, which counts on a machine that others use too.
 * @returns {Promise<{ ms: number, cpu: number | undefined }>}
 */
async function timed(server, work) {
  const [own, others, began] = [process.cpuUsage(), server.cpu(), performance.now()];
  await work();
  const ms = performance.now() - began;
  const { user, system } = process.cpuUsage(own);
  // The server counts a session when it has ended.
  await sleep(300);
  const after = server.cpu();
  return { ms, cpu: others === undefined ? undefined : (user + system) / 1000 + after - others };
}

/** Creates the databases. Nobody measures this, so it waits for no disk until all of it is there. */
async function createDatabases(admin) {
  await admin.query('alter system set fsync = off');
  await admin.query('select pg_reload_conf()');
  for (let number = 1; number <= count; number++) await admin.query(`create database muse${number} template platform`);
  await admin.query('alter system reset fsync');
  await admin.query('select pg_reload_conf()');
  await admin.query('checkpoint');
}

/** Takes everything out of the databases that the files and our history put into them. */
const empty = (server) =>
  atOnce(async (number) => {
    const client = new pg.Client(server.url(`muse${number}`));
    await client.connect();
    const tables = Array.from({ length: files }, (_, index) => `public.t${index + 1}`);
    await client.query(`drop table if exists ${tables.join(', ')}; drop schema if exists muse cascade`);
    await client.query('vacuum');
    await client.end();
  });

/** Runs psql, file by file, and says whether there is a psql. */
function withPsql(server, folder) {
  try {
    execFileSync('psql', ['--version'], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return () => {
    for (let number = 1; number <= psqlCount; number++)
      for (const name of readdirSync(folder).sort()) {
        const args = ['-qX', '-1', '-v', 'ON_ERROR_STOP=1', '-f', join(folder, name), server.url(`muse${number}`)];
        execFileSync('psql', args, { stdio: 'ignore' });
      }
  };
}

/** @param {{ root: string, rounds: number }} options */
export async function fleet({ root, rounds: asked }) {
  const rounds = Math.min(asked, 3);
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const cache = join(place, 'cache');
  process.env.CREATE_MUSE_CACHE = cache;
  const server = await startServer();
  const admin = new pg.Client(server.url('postgres'));
  const load = (file) => import(pathToFileURL(join(root, 'build', file)).href);
  const [{ openPortfolio }, { openPostgres }, { installPlatform }, { openEmbedded }] = await Promise.all([
    load('index.js'),
    load('database/postgres/postgres.js'),
    load('database/platform/install.js'),
    load('database/embedded/embedded.js'),
  ]);
  try {
    writeMuses(join(place, 'muses'), count);
    // What is made once on a machine: the embedded database with the platform's objects.
    await (await openEmbedded()).close();
    await admin.connect();
    await admin.query('create database platform');
    const template = await openPostgres({ url: server.url('platform') });
    await installPlatform(template);
    await template.close();
    const folder = join(place, 'muses/muse1/migrations/core');
    const texts = readdirSync(folder)
      .sort()
      .map((name) => readFileSync(join(folder, name), 'utf8'));
    const bare = () =>
      atOnce(async (number) => {
        const client = new pg.Client(server.url(`muse${number}`));
        await client.connect();
        for (const text of texts) await client.query(`begin;${text};commit`);
        await client.end();
      });
    await createDatabases(admin);
    await admin.query('create database registry');
    const environment = { ...process.env, CREATE_MUSE_PORTFOLIO: join(place, 'data') };
    for (let number = 1; number <= count; number++)
      environment[`MUSE_MUSE${number}_STAGING_URL`] = server.url(`muse${number}`);
    const portfolio = await openPortfolio({ registry: server.url('registry'), environment });
    await portfolio.add([], { scan: [join(place, 'muses')] });
    const ours = async () => {
      const { run, muses } = await portfolio.migrate({ env: 'staging', waves: '100%', concurrency });
      if (run.state !== 'done') throw new Error(JSON.stringify(muses.find(({ state }) => state !== 'done')));
    };
    const forget = () => {
      for (const kept of ['rehearsals', 'proofs']) rmSync(join(cache, kept), { recursive: true, force: true });
    };
    const psql = withPsql(server, folder);
    const subjects = [
      { name: floor, work: bare },
      { name: 'muse portfolio migrate, files that are new', work: ours, before: forget },
      { name: 'muse portfolio migrate, rehearsed before', work: ours },
    ];
    const found = new Map(subjects.map(({ name }) => [name, []]));
    for (let round = 1; round <= rounds; round++)
      for (const { name, work, before } of subjects) {
        await empty(server);
        before?.();
        found.get(name).push(await timed(server, work));
      }
    const nothing = await timed(server, ours);
    const results = [...found].map(([name, times]) => ({
      name,
      ms: median(times.map(({ ms }) => ms)) / count,
      cpu: median(times.map(({ cpu }) => cpu ?? Number.NaN)) / count,
    }));
    if (psql !== undefined) {
      await empty(server);
      const { ms } = await timed(server, psql);
      results.push({ name: `psql, file by file, ${psqlCount} databases`, ms: ms / psqlCount, cpu: Number.NaN });
    }
    printFleet(results);
    report('nothing to do, ms a muse', nothing.ms / count, 100);
    // What follows needs the databases as ours left them.
    if (psql !== undefined) await empty(server);
    if (psql !== undefined) await ours();
    await portfolio.close();
    await many({ root, place, server, admin, rounds });
  } finally {
    await admin.end();
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
}

/** Prints what each takes for one database, and how much more than the floor. */
function printFleet(results) {
  const base = results[0];
  process.stdout.write(`\n${count} databases on one server, ${files} files each, for each database\n`);
  for (const { name, ms, cpu } of results) {
    const time = Number.isNaN(cpu) ? '' : `, CPU ${cpu.toFixed(0)} ms, ${(cpu / base.cpu).toFixed(2)}x`;
    process.stdout.write(`  ${name}: ${ms.toFixed(0)} ms, ${(ms / base.ms).toFixed(2)}x${time}\n`);
  }
  report('files that are new, over the floor', results[1].ms / base.ms, 2);
  report('rehearsed before, over the floor', results[2].ms / base.ms, 2);
}

/**
 * Ten times as many muses beside as many: each has its directory, and shares its database, which has all of its files, with nine
 * others. So this is what the registry, the queue and the worker cost.
 */
async function many({ root, place, server, admin, rounds }) {
  const bin = join(root, 'bin/muse.js');
  const env = { CREATE_MUSE_PORTFOLIO: join(place, 'data') };
  for (let number = 1; number <= 10 * count; number++)
    env[`MUSE_MUSE${number}_STAGING_URL`] = server.url(`muse${1 + (number % count)}`);
  writeMuses(join(place, 'many'), 10 * count);
  const portfolio = async (folder) => {
    await admin.query(`create database registry_${folder}`);
    const call = (...args) => ({
      command: process.execPath,
      args: [bin, 'portfolio', ...args, '--registry', server.url(`registry_${folder}`)],
      env,
    });
    await once(call('add', '--scan', join(place, folder)));
    // The CPU time of the process and of the server.
    const both = async (run) => {
      const before = server.cpu();
      const { cpu, ...rest } = await once(run);
      await sleep(300);
      return { ...rest, cpu: before === undefined || cpu === undefined ? undefined : cpu + server.cpu() - before };
    };
    return {
      migrate: () => both(call('migrate', '--env', 'staging', '--waves', '100%')),
      status: () => both(call('status', '--json')),
    };
  };
  const [few, all] = [await portfolio('muses'), await portfolio('many')];
  const [some, most, status] = await compare(
    [
      { name: `${count}`, run: few.migrate },
      { name: `${10 * count}`, run: all.migrate },
      { name: 'status', run: all.status },
    ],
    rounds,
  );
  process.stdout.write(
    `\n${10 * count} muses on ${count} databases beside ${count}, nothing to do, each run a process\n`,
  );
  report(`${count}, ms a muse`, some.ms / count);
  report(`${10 * count}, ms a muse`, most.ms / count / 10);
  report('one of them over one of the fewer', most.ms / some.ms / 10, 1.2);
  if (some.cpu !== undefined && most.cpu !== undefined) {
    report(`CPU of ${count}, ms a muse`, some.cpu / count);
    report(`CPU of ${10 * count}, ms a muse`, most.cpu / count / 10);
    report('CPU of one of them over one of the fewer', most.cpu / some.cpu / 10, 1.2);
  }
  if (some.peak !== undefined && most.peak !== undefined) {
    report('memory, MB', most.peak);
    report('memory over that of the fewer', most.peak / some.peak, 1.3);
  }
  report(`status of ${10 * count}, s`, status.ms / 1000, 1);
  if (status.cpu !== undefined) report(`CPU of status of ${10 * count}, s`, status.cpu / 1000);
}

/** @param {string} what @param {number} value @param {number} [aim] at most */
function report(what, value, aim) {
  const verdict = aim === undefined ? '' : `, aim ${aim}: ${value <= aim ? 'met' : 'NOT met'}`;
  process.stdout.write(`  ${what}: ${value.toFixed(2)}${verdict}\n`);
}
