import { afterEach, expect, it, vi } from 'vitest';
import { openShadow } from '../../src/muse/core-snapshot.ts';
import { rehearseMuse } from '../../src/muse/rehearse.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { useOwnCache } from '../support/own-cache.ts';
import { sampleOf } from '../support/sample.ts';
import { museOnDisk } from './muse-on-disk.ts';

useOwnCache();
afterEach(() => void vi.useRealTimers());

const people = `-- People.
create table if not exists public.people (id bigint generated always as identity primary key, name text not null unique);
alter table public.people enable row level security;
insert into public.people (name) values ('Ada') on conflict do nothing;
`;
const extension = `-- Pets.
create table if not exists public.pets (id bigint primary key, owner bigint references public.people (id));
create index if not exists pets_owner_idx on public.pets (owner);
alter table public.pets enable row level security;
insert into public.pets select 1, id from public.people where name = 'Ada' on conflict do nothing;
`;

/** The core's files, and how many of them are there from the start once they were rehearsed. */
const cores: [string, readonly string[], number][] = [
  // Of each kind the first: what a snapshot has, what it would lose, and what does not run as it is.
  ['settings of its own', ["-- Settings.\nset search_path = 'pg_catalog';\nset role anon;", people], 2],
  ['tables and rows', [people], 1],
  ['several files', [people, '-- Again.\nupdate public.people set name = name;'], 2],
  ['a table of its session', [people, '-- Temporary.\ncreate temp table if not exists kept (id int);'], 0],
  ['a table that a crash empties', [people, '-- Unlogged.\ncreate unlogged table if not exists public.u (id int);'], 0],
  ['a user that it must not become', [people, '-- Above.\nset session authorization supabase_admin;'], 0],
  ['rows of psql', [`${people}copy public.people (name) from stdin;\nGrace\n\\.\n`], 0],
  ['a mistake', [people, '-- Wrong.\nselect nothing_of_the_kind();'], 0],
  ['nothing that is its own', [], 0],
];
it.each(sampleOf(cores, 3))('a core with %s is rehearsed alike from a snapshot', async (_, core, applied) => {
  const files = Object.fromEntries(core.map((sql, index) => [`migrations/core/00${index + 1}_core.sql`, sql]));
  const own = core.length === 0 ? people : extension;
  const muse = await museOnDisk({ ...files, 'migrations/extensions/001_pets.sql': own });
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations);
  const seen = [];
  // The second one writes the snapshot, and the third one reads it.
  for (let time = 1; time <= (applied === 0 ? 2 : 3); time += 1) {
    const { findings, rehearsal } = await rehearseMuse(muse);
    const { files: run, unchanged, rolledBack, ended } = rehearsal;
    seen.push({ findings, run: run.map(({ file, failed }) => [file, failed]), unchanged, rolledBack, ended });
  }
  for (const again of seen) expect(again).toEqual(seen[0]);
  const shadow = await openShadow(migrations);
  await shadow.database.close();
  expect(shadow.applied).toBe(applied);
});

it('has the rows, the sequences and the user that the files leave', async () => {
  const muse = await museOnDisk({ 'migrations/core/001_core.sql': people });
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations);
  for (let time = 1; time <= 2; time += 1) await rehearseMuse(muse);
  const { database } = await openShadow(migrations);
  try {
    await database.script("insert into public.people (name) values ('Grace')");
    const { rows } = await database.query('select name, current_user as who from public.people order by id');
    expect(rows).toEqual(['Ada', 'Grace'].map((name) => ({ name, who: 'postgres' })));
    await expect(database.script('set session authorization supabase_admin')).rejects.toThrow('permission denied');
  } finally {
    await database.close();
  }
});

it('is another one for other files, and on another day', async () => {
  const muse = await museOnDisk({ 'migrations/core/001_core.sql': people });
  const { migrations } = await readMigrations(muse.directory, muse.museFile.migrations);
  const appliedOn = async (day: number, files = migrations): Promise<number> => {
    vi.useFakeTimers({ now: Date.UTC(2030, 1, day), toFake: ['Date'] });
    const { database, applied } = await openShadow(files);
    await database.close();
    return applied;
  };
  expect(await appliedOn(1)).toBe(0);
  await rehearseMuse(muse);
  const [file] = migrations;
  expect([await appliedOn(1), await appliedOn(2), await appliedOn(1, [{ ...file!, checksum: 'another' }])]).toEqual([
    1, 0, 0,
  ]);
});
