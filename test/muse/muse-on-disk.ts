import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MigrateMuseOptions } from '../../src/muse/migrate.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { openMuse } from '../../src/muse/open.ts';
import type { Database } from '../../src/database/database.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import type { Environment, EnvironmentName, MuseFile } from '../../src/shared/muse-file.ts';
import type { Native } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';

/**
 * A muse in its own directory, with these files and environments. Each `postgres` environment has its URL in its
 * secrets file.
 */
export async function museOnDisk(
  files: Readonly<Record<string, string | Uint8Array>>,
  urls: Partial<Record<EnvironmentName, string>> = {},
): Promise<Muse> {
  const directory = await mkdtemp(join(tmpdir(), 'create-muse-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return museIn(directory, files, urls);
}

/** As {@link museOnDisk}, in a directory that the caller removes. */
export async function museIn(
  directory: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  urls: Partial<Record<EnvironmentName, string>> = {},
): Promise<Muse> {
  const environments: Partial<Record<EnvironmentName, Environment>> = { development: { target: 'embedded' } };
  for (const [name, url] of Object.entries(urls) as [EnvironmentName, string][]) {
    environments[name] = { target: 'postgres' };
    files = { ...files, [name === 'development' ? '.env.local' : `.env.${name}.local`]: `DATABASE_URL=${url}\n` };
  }
  const museFile: MuseFile = {
    version: 1,
    name: 'guarded',
    kit: { source: 'builtin', commit: 'create-muse@0.1.0', layout: 'musekit' },
    migrations: {
      core: ['migrations/core'],
      extensions: ['migrations/extensions'],
      rollback: 'migrations/rollback',
      archive: 'migrations/archive',
      order: 'number',
    },
    isolation: 'auth-uid',
    prefix: '',
    presets: [],
    environments,
  };
  await addFiles(directory, { ...files, 'muse.json': JSON.stringify(museFile) });
  return openMuse(directory);
}

export async function addFiles(directory: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

/** A database of a native server with the baseline installed: its URL, and a connection for the test. */
export async function nativeDatabase(native: Native, name: string): Promise<{ url: string; database: Database }> {
  const url = await platformDatabase(native, name);
  const database = await openPostgres({ url });
  onTestFinished(() => database.close());
  return { url, database };
}

/** For files that are known to pass: neither their rehearsal nor the proof that goes with it is run. */
export const unrehearsed = {
  verify: false,
  rehearse: () => Promise.resolve({ findings: [], isolation: undefined, isComplete: true }),
} satisfies MigrateMuseOptions;

/** The rows of a query, each as PostgreSQL's text of the whole row. */
export async function textRows(database: Database, from: string): Promise<string[]> {
  const { rows } = await database.query<{ row: string }>(`select (x.*)::text as row from ${from} x order by 1`);
  return rows.map(({ row }) => row);
}

/** A migration that passes the rehearsal: a table of users' own rows. */
export function tableSql(name: string, columns = ''): string {
  return `-- Adds ${name}.
create table if not exists public.${name} (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null${columns},
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index if not exists ${name}_user_id_idx on public.${name} (user_id);
alter table public.${name} enable row level security;
drop policy if exists "own rows" on public.${name};
create policy "own rows" on public.${name} for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
grant select, insert, update, delete on public.${name} to authenticated;
grant all on public.${name} to service_role;
`;
}

/** The files of such a migration and its rollback. */
export function tableFiles(number: string, name: string): Record<string, string> {
  return {
    [`migrations/extensions/${number}_${name}.sql`]: tableSql(name),
    [`migrations/rollback/extensions/${number}_${name}.sql`]: `-- Takes ${name} away.\ndrop table if exists public.${name};\n`,
  };
}
