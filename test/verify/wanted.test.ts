/** What is proven again after a change: what changed, what depends on it, and whatever may open it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { findAffected } from '../../src/verify/verify-isolation.ts';
import { tableSql } from '../muse/muse-on-disk.ts';
import { openProofDatabase, withSchema } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

const tables = ['homes', 'rooms', 'sheds'];
const f = (body: string): string =>
  `create function public.f() returns void language plpgsql security definer as $$ begin ${body} end $$;`;
const silences = f('alter table public.rooms disable trigger user; delete from public.rooms;');

it.each<[what: string, sql: string, changed: readonly string[] | undefined, wanted: string[]]>([
  ['everything, where the changes are not known', '', undefined, ['homes', 'rooms', 'sheds', 'f()']],
  ['a table alone', '', ['public.sheds'], ['sheds']],
  ['a function that writes it', f('delete from public.sheds;'), ['public.sheds'], ['sheds', 'f()']],
  ['no function that only turns off triggers of another table', silences, ['public.sheds'], ['sheds']],
  ['a function that turns off its triggers', silences, ['public.rooms'], ['rooms', 'f()']],
  ...[
    "execute 'grant all on public.rooms to anon';",
    'grant all on public.rooms to anon;',
    'alter table public.rooms disable row level security;',
    'drop policy "own rows" on public.rooms;',
    'alter table public.rooms disable trigger user, disable row level security;',
  ].map((body): [string, string, string[], string[]] => [
    `all that a function may open by "${body}"`,
    f(body),
    ['public.sheds'],
    ['homes', 'rooms', 'sheds', 'f()'],
  ]),
  ['nothing after files that change nothing, whatever the functions do', f("execute 'select 1';"), [], []],
])('%s', async (_, sql, changed, wanted) => {
  await withSchema(database, `${tables.map((table) => tableSql(table)).join('\n')}${sql}`, async (session) => {
    const isWanted = await findAffected(session, {
      declarations: [],
      ...(changed === undefined ? {} : { only: changed }),
    });
    expect([...tables, 'f()'].filter((name) => isWanted(`public.${name}`))).toEqual(wanted);
  });
});
