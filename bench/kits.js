// Kits of 50, 250 and 1,000 files with the same mix of defects: lint and rehearsal, and --fix, compared with a connection that
// applies every file twice, and with psql where there is one. The ratio of the largest kit to the smallest tells whether the time
// is linear in the files.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { compare, once, print } from './measure.js';
import { startServer } from './server.js';

const sizes = [50, 250, 1000];

/** What is wrong with a file, by its number: most kits have a little of everything. */
const defects = [
  (table) =>
    `create table ${table} (id uuid primary key default gen_random_uuid(), user_id uuid not null, title text);`,
  (table, before) =>
    `create table ${table} (id uuid primary key, user_id uuid not null, parent_id uuid references ${before} (id));
alter table ${table} enable row level security;
create policy "own" on ${table} using (auth.uid() = user_id);`,
  (table) =>
    `create table if not exists ${table} (id uuid primary key, user_id uuid not null, kind text);
alter table ${table} enable row level security;
create policy "read" on ${table} for select to authenticated using (auth.uid() = user_id);
grant select on ${table} to authenticated;`,
  (table, before) =>
    `alter table ${before} add column note_of_${table} text;\ncreate index on ${before} (note_of_${table});`,
  (table) => `create type kind_of_${table} as enum ('a', 'b');
create function touch_${table}() returns trigger language plpgsql security definer as $$ begin return new; end $$;`,
  (table) => `insert into storage.buckets (id, name) values ('${table}', '${table}');`,
];

function write(place, count) {
  const folder = join(place, 'supabase', 'migrations');
  mkdirSync(folder, { recursive: true });
  let before = 'public.t0';
  for (let number = 0; number < count; number++) {
    const kind = number % defects.length;
    const table = `public.t${number}`;
    const text = defects[kind](kind < 3 ? table : `t${number}`, before);
    if (kind < 3) before = table;
    writeFileSync(join(folder, `${20260101000000 + number}_t.sql`), `${text}\n`);
  }
  const git = (...args) =>
    execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com', ...args], { cwd: place });
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'Kit');
  return folder;
}

/** What Supabase has, as far as the files ask for it. */
const platform = `
do $$ begin create role anon; create role authenticated; create role service_role; exception when duplicate_object then null; end $$;
create schema auth; create schema storage; create table storage.buckets (id text primary key, name text);
create function auth.uid() returns uuid language sql stable as $$ select null::uuid $$;`;

async function newDatabase(server) {
  const run = async (database, ...statements) => {
    const client = new pg.Client({ connectionString: server.url(database) });
    await client.connect();
    for (const sql of statements) await client.query(sql);
    await client.end();
  };
  await run('postgres', 'drop database if exists kits', 'create database kits');
  await run('kits', platform);
  return server.url('kits');
}

/** Whether there is a psql. */
function hasPsql() {
  try {
    execFileSync('psql', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** How many files psql gets one by one: it takes the same for each, and long. */
const psqlFiles = 50;

/**
 * Runs psql over the files of a folder, and then once more; a statement that fails does not end it.
 * @param {boolean} each a process for each file, as scripts do, or one for all
 * @returns {Promise<number>} ms for all files; measured of the first ones where each has a process
 */
async function psqlTwice(server, folder, each) {
  const url = await newDatabase(server);
  const files = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
  const some = each ? files.slice(0, psqlFiles) : files;
  const runs = each ? some.map((file) => ['-f', file]) : [some.flatMap((file) => ['-f', file])];
  let sum = 0;
  for (let pass = 0; pass < 2; pass++)
    for (const args of runs)
      sum += (await once({ command: 'psql', args: ['-X', '-q', '-d', url, ...args], exit: [0, 1, 3] })).ms;
  return (sum * files.length) / some.length;
}

/** @param {{ root: string, rounds: number }} options */
export async function kits({ root, rounds }) {
  const server = await startServer();
  try {
    const of = new Map();
    for (const count of sizes) {
      const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
      try {
        const folder = write(place, count);
        const create = (args, exit) => async () => {
          const made = join(place, 'made');
          rmSync(made, { recursive: true, force: true });
          const bin = join(root, 'bin', 'create-muse.js');
          return once({
            command: process.execPath,
            // Without the proof, which only a kit without errors gets to.
            args: [bin, 'made', '--kit', place, '--dir', made, '--yes', '--no-verify', '--json', ...args],
            cwd: place,
            env: { XDG_CACHE_HOME: join(place, 'cache') },
            exit,
          });
        };
        const subjects = [
          {
            name: 'floor: each file twice',
            run: async () => {
              const url = await newDatabase(server);
              return once({
                command: process.execPath,
                args: [join(import.meta.dirname, 'floor', 'apply-twice.js'), folder],
                env: { DATABASE_URL: url },
              });
            },
          },
          { name: 'lint and rehearsal', run: create([], 3) },
          { name: 'with --fix', run: create(['--fix', '--allow-widening'], [0, 3]) },
        ];
        const results = await compare(subjects, Math.min(rounds, 3));
        of.set(count, results);
        print(`A kit of ${count} files`, results, {
          floor: 'floor: each file twice',
          ours: 'lint and rehearsal',
          limit: 3,
        });
        if (hasPsql()) {
          const ours = results.find(({ name }) => name === 'lint and rehearsal').ms;
          for (const each of [true, false]) {
            const ms = await psqlTwice(server, folder, each);
            const what = each ? 'a process for each file' : 'one process for all files';
            process.stdout.write(
              `  lint and rehearsal over psql, each file twice, ${what} (${ms.toFixed(0)} ms): ${(ours / ms).toFixed(2)}\n`,
            );
          }
        }
        print(`A kit of ${count} files, repaired`, results.slice(1), {
          floor: 'lint and rehearsal',
          ours: 'with --fix',
          limit: 3,
        });
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    }
    const perFile = (count, name) => of.get(count).find((one) => one.name === name).ms / count;
    for (const name of ['lint and rehearsal', 'with --fix'])
      process.stdout.write(
        `\n  ${name}: a file of ${sizes.at(-1)} costs ${(perFile(sizes.at(-1), name) / perFile(sizes[0], name)).toFixed(2)} times one of ${sizes[0]}\n`,
      );
  } finally {
    await server.stop();
  }
}
