/** What the database does beside a write: rewrite rules, and triggers that act on a row which is deleted. */
import { describe, expect, it } from 'vitest';
import { owned } from './designs.ts';
import { testPairs } from './pairs.ts';
import { findingsProver } from './prove-files.ts';

const findings = findingsProver();

/** Recipes, and a list of one's own that names others. */
const list = (key: string, more: string): string => `${owned('recipes')}
  create table public.bin (owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, ${key}, primary key (owner_id, named));
  alter table public.bin enable row level security; grant select, insert, delete on public.bin to authenticated;
  create policy own on public.bin for all to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid())); ${more}`;

/** Commands about recipes, which a trigger carries out. */
const commands = (key: string, event: string, does: string): string => `${owned('recipes')}
  create table public.orders (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    act text, ${key});
  create index on public.orders (owner_id); alter table public.orders enable row level security; grant select, insert, update on public.orders to authenticated;
  create policy own on public.orders for all to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
  create function public.obey() returns trigger language plpgsql security definer set search_path = '' as $$ ${does} $$;
  create trigger obey after ${event} on public.orders for each row execute function public.obey();`;

const isOwners = 'and owner_id = new.owner_id';
const deletesIf = (more: string): string =>
  `begin if new.act = 'purge' then delete from public.recipes where id = new.recipe ${more}; end if; return null; end`;
const renames = (more: string): string =>
  `declare v uuid; begin v := new.recipe; update public.recipes set title = 'Taken' where id = v ${more}; return null; end`;
const opens = (more: string): string =>
  `begin update public.recipes set title = 'Opened' where id = new.recipe ${more}; return null; end`;
const toRecipes = 'recipe uuid references public.recipes (id) on delete cascade';

/** A trigger that acts on rows that are deleted from the list. */
const emptied = (does: string): string => `
  create function public.empty() returns trigger language plpgsql security definer set search_path = '' as $$ begin ${does} return null; end $$;
  create trigger empty after delete on public.bin for each row execute function public.empty();`;

const rule = (event: string, does: string): string => `create rule beside as on ${event} do also ${does};`;

const archive = (reads: string): string => `${owned('recipes')}
  create table public.archive (no bigint generated always as identity primary key, owner_id uuid not null references auth.users (id) on delete cascade, title text);
  create index on public.archive (owner_id); alter table public.archive enable row level security; grant select on public.archive to authenticated;
  create policy r on public.archive for select to authenticated using (${reads});
  create rule keep as on insert to public.recipes do also insert into public.archive (owner_id, title) values (new.owner_id, new.title);`;

describe('rows beside the one that is written', () => {
  testPairs([
    [
      'a rule that writes the row that a key names',
      list(
        'named uuid not null',
        rule(
          'insert to public.bin',
          'update public.recipes set title = title where id = new.named and owner_id = new.owner_id',
        ),
      ),
      list('named uuid not null', rule('insert to public.bin', 'delete from public.recipes where id = new.named')),
      'isolation-write public.bin',
    ],
    [
      'a rule that acts where a row is deleted',
      list(
        'named text not null',
        rule(
          'delete to public.bin',
          'delete from public.recipes r where r.title = old.named and r.owner_id = old.owner_id',
        ),
      ),
      list(
        'named text not null',
        rule('delete to public.bin', 'delete from public.recipes r where r.title = old.named'),
      ),
      'isolation-write public.bin',
    ],
    [
      'a rule that keeps a copy',
      archive('owner_id = (select auth.uid())'),
      archive('(select auth.uid()) is not null'),
      'isolation-read public.archive',
    ],
    [
      'a trigger by the key in a row that is deleted',
      list(
        'named uuid not null',
        emptied('delete from public.recipes r where r.id = old.named and r.owner_id = old.owner_id;'),
      ),
      list('named uuid not null', emptied('delete from public.recipes r where r.id = old.named;')),
      'isolation-write public.bin',
    ],
    [
      'a trigger by a text in a row that is deleted',
      list(
        'named text not null',
        emptied('delete from public.recipes r where r.title = old.named and r.owner_id = old.owner_id;'),
      ),
      list('named text not null', emptied('delete from public.recipes r where r.title = old.named;')),
      'isolation-write public.bin',
    ],
    [
      'a command that names a row without a foreign key, and what to do',
      commands('recipe uuid', 'insert', deletesIf(isOwners)),
      commands('recipe uuid', 'insert', deletesIf('')),
      'isolation-write public.orders',
    ],
    [
      'a command by way of a variable',
      commands('recipe uuid', 'insert', renames(isOwners)),
      commands('recipe uuid', 'insert', renames('')),
      'isolation-write public.orders',
    ],
    [
      "a row of one's own that is moved to another's, which a trigger writes",
      commands(toRecipes, 'update of recipe', opens(isOwners)),
      commands(toRecipes, 'update of recipe', opens('')),
      'isolation-write public.orders',
    ],
  ]);
});

it('names the rule that writes', async () => {
  const deletes = rule('insert to public.bin', 'delete from public.recipes where id = new.named');
  const found = await findings(list('named uuid not null', deletes));
  expect(found.map(({ suggestion }) => suggestion)).toContain(
    'Let rule beside touch only rows of public.recipes that belong to the user who writes public.bin.',
  );
});

describe('a verb whose privilege is withheld', () => {
  it.each([
    ['revoked later', 'revoke insert, update, delete on public.recipes from authenticated;', 'warning'],
    ['for reading', 'revoke all on public.recipes from authenticated;', 'error'],
  ])('%s', async (_, sql, severity) => {
    const found = await findings(`${owned('recipes')} ${sql}`);
    expect(found.filter(({ rule }) => rule === 'owner-locked-out')).toEqual([expect.objectContaining({ severity })]);
  });
});
