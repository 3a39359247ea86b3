// Many databases on one server: `muse portfolio migrate`, compared with bare `pg` at the same concurrency, and with psql file by file.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { print } from './measure.js';
import { startServer } from './server.js';
import { museFile } from './muse-file.js';

const files = 14;
const concurrency = 8;
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

/** @param {string} folder */
function writeMuses(folder) {
  for (let number = 1; number <= count; number++) {
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

/** @param {{ root: string, rounds: number }} options */
export async function fleet({ root, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const server = await startServer();
  const admin = new pg.Client(server.url('postgres'));
  const load = (file) => import(pathToFileURL(join(root, 'build', file)).href);
  const [{ openPortfolio }, { openPostgres }, { installPlatform }] = await Promise.all([
    load('index.js'),
    load('database/postgres/postgres.js'),
    load('database/platform/install.js'),
  ]);
  try {
    writeMuses(place);
    await admin.connect();
    await admin.query('create database platform');
    const template = await openPostgres({ url: server.url('platform') });
    await installPlatform(template);
    await template.close();
    const fresh = async () => {
      for (let number = 1; number <= count; number++) {
        await admin.query(`drop database if exists muse${number} with (force)`);
        await admin.query(`create database muse${number} template platform`);
      }
    };
    const folder = join(place, 'muse1/migrations/core');
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
    const psql = () => {
      for (let number = 1; number <= count; number++)
        for (const name of readdirSync(folder).sort())
          execFileSync(
            'psql',
            ['-qX', '-1', '-v', 'ON_ERROR_STOP=1', '-f', join(folder, name), server.url(`muse${number}`)],
            {
              stdio: 'ignore',
            },
          );
    };
    await admin.query('create database registry');
    const environment = { ...process.env, CREATE_MUSE_PORTFOLIO: join(place, 'data') };
    for (let number = 1; number <= count; number++)
      environment[`MUSE_MUSE${number}_STAGING_URL`] = server.url(`muse${number}`);
    const portfolio = await openPortfolio({ registry: server.url('registry'), environment });
    await portfolio.add([], { scan: [place] });
    const ours = async () => {
      const { run, muses } = await portfolio.migrate({ env: 'staging', waves: '100%', concurrency });
      if (run.state !== 'done') throw new Error(JSON.stringify(muses.find(({ state }) => state !== 'done')));
    };
    const hasPsql = (() => {
      try {
        execFileSync('psql', ['--version'], { stdio: 'ignore' });
        return true;
      } catch {
        return false;
      }
    })();
    const subjects = [
      ['floor: pg, eight at once', bare],
      ['muse portfolio migrate', ours],
      ...(hasPsql ? [['psql, file by file', psql]] : []),
    ];
    const times = new Map(subjects.map(([name]) => [name, []]));
    for (let round = 1; round <= Math.min(rounds, 3); round++) {
      for (const [name, run] of subjects) {
        await fresh();
        const began = performance.now();
        await run();
        times.get(name).push(performance.now() - began);
      }
    }
    const results = [...times].map(([name, list]) => ({ name, ms: list.sort((a, b) => a - b)[list.length >> 1] }));
    print(`${count} databases on one server, ${files} files each`, results, {
      floor: 'floor: pg, eight at once',
      ours: 'muse portfolio migrate',
      limit: 2,
    });
    // The databases of the last round of psql have no history of ours: one more run makes them ours.
    await fresh();
    await ours();
    const began = performance.now();
    await ours();
    const each = (performance.now() - began) / count;
    process.stdout.write(
      `  nothing to do: ${each.toFixed(1)} ms a muse, aim 100: ${each <= 100 ? 'met' : 'NOT met'}\n`,
    );
    await portfolio.close();
  } finally {
    await admin.end();
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
}
