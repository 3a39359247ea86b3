// 200 small migrations on a native server, compared with the floor (one connection, one transaction) and with other
// runners.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { compare, once, print } from './measure.js';
import { startServer } from './server.js';

const count = 200;
export const sql = (number) => `-- Adds table t${number}.
create table if not exists public.t${number} (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  title text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table public.t${number} enable row level security;
drop policy if exists "own rows" on public.t${number};
create policy "own rows" on public.t${number} for select to public using (user_id is not null);
create index if not exists t${number}_user_id_idx on public.t${number} (user_id);
`;

/** The same files, named the way each runner expects. */
function writeFiles(place) {
  for (const folder of ['muse/migrations/core', 'dbmate', 'node-pg-migrate'])
    mkdirSync(join(place, folder), { recursive: true });
  for (let number = 1; number <= count; number++) {
    const text = sql(number);
    writeFileSync(join(place, 'muse/migrations/core', `${String(number).padStart(3, '0')}_t.sql`), text);
    writeFileSync(
      join(place, 'dbmate', `${20260101000000 + number}_t.sql`),
      `-- migrate:up\n${text}\n-- migrate:down\ndrop table public.t${number};\n`,
    );
    writeFileSync(
      join(place, 'node-pg-migrate', `${1700000000000 + number}_t.sql`),
      `-- Up Migration\n${text}\n-- Down Migration\ndrop table public.t${number};\n`,
    );
  }
  const folders = {
    core: ['migrations/core'],
    extensions: [],
    rollback: 'migrations/rollback',
    archive: 'migrations/archive',
    order: 'number',
  };
  writeFileSync(
    join(place, 'muse', 'muse.json'),
    JSON.stringify({
      version: 1,
      name: 'bench',
      kit: { source: 'builtin', commit: 'bench', layout: 'musekit' },
      migrations: folders,
      isolation: 'auth-uid',
      prefix: '',
      presets: [],
      environments: { development: { target: 'postgres' } },
    }),
  );
}

/** @param {{ root: string, peer: (name: string, file: string) => string | undefined, rounds: number }} options */
export async function migrate({ root, peer, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const server = await startServer();
  const admin = new pg.Client(server.url('postgres'));
  try {
    writeFiles(place);
    await admin.connect();
    const fresh = async (name) => {
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.query(`create database ${name}`);
      return server.url(name);
    };
    const script = (name) => join(import.meta.dirname, 'floor', name);
    const run = (database, args, cwd) =>
      once({ command: process.execPath, args, cwd, env: { DATABASE_URL: server.url(database) } });
    // Without the rehearsal that muse does first, since the other runners have none.
    const ours = (database) => run(database, [script('ours.js'), root, join(place, 'muse')], place);
    const floor = (database) =>
      run(database, [script('one-transaction.js'), join(place, 'muse/migrations/core')], place);
    const subjects = [
      { name: 'floor: pg, one transaction', database: 'floor', run: floor },
      { name: 'create-muse', database: 'ours', run: ours },
    ];
    const npm = peer('node-pg-migrate', 'bin/node-pg-migrate.js');
    if (npm)
      subjects.push({
        name: 'node-pg-migrate 9',
        database: 'npm',
        run: (database) => run(database, [npm, 'up', '-m', join(place, 'node-pg-migrate')], place),
      });
    const dbmate = peer('dbmate', 'dist/cli.js');
    if (dbmate) {
      subjects.push({
        name: 'dbmate 2.36',
        database: 'dbmate',
        run: (database) =>
          once({
            command: process.execPath,
            args: [dbmate, '--no-dump-schema', '-d', join(place, 'dbmate'), 'up'],
            cwd: place,
            env: { DATABASE_URL: `${server.url(database)}?sslmode=disable` },
          }),
      });
    }
    const fromNothing = subjects.map(({ name, database, run: start }) => ({
      name,
      run: async () => {
        await fresh(database);
        return start(database);
      },
    }));
    print(`${count} migrations, fresh database`, await compare(fromNothing, rounds), {
      floor: 'floor: pg, one transaction',
      ours: 'create-muse',
      limit: 1.15,
    });
    const again = [
      { name: 'floor: node, one connection', run: () => run('ours', [script('one-connection.js')], place) },
      {
        name: 'muse migrate',
        run: () => run('ours', [join(root, 'bin/muse.js'), 'migrate', '--json'], join(place, 'muse')),
      },
      ...subjects.slice(2).map(({ name, database, run: start }) => ({ name, run: () => start(database) })),
    ];
    print(`${count} migrations, nothing to do`, await compare(again, rounds), {
      floor: 'floor: node, one connection',
      ours: 'muse migrate',
      limit: 1.2,
    });
  } finally {
    await admin.end();
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
}
