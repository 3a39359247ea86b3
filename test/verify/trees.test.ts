/** Places in a tree: who is at one reads what is below it, or above. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { withSchema } from './database.ts';
import { opened } from './designs.ts';
import { asMigration } from './kit.ts';
import { errorsOf, findingsOf } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const me = '(select auth.uid())';

/** Units with who manages each, and budgets at places of the tree. */
const units = (check: string, seen: string, path = 'extensions.ltree not null'): string => `
  create extension if not exists ltree with schema extensions;
  create table public.units (id bigint generated always as identity primary key, manager uuid not null default auth.uid() references auth.users (id), path ${path});
  create table public.budgets (id bigint generated always as identity primary key, place extensions.ltree not null, amount numeric not null);
  create function public.manages(p extensions.ltree) returns boolean language sql stable security definer set search_path = 'extensions' as
    $$ select exists (select 1 from public.units where manager = auth.uid() and p <@ path) $$;
  create function public.is_below(p extensions.ltree) returns boolean language sql stable security definer set search_path = 'extensions' as
    $$ select exists (select 1 from public.units where manager = auth.uid() and p @> path) $$;
  ${opened('units', 'select, insert')} ${opened('budgets', 'select')}
  create policy r on public.units for select to authenticated using (manager = ${me});
  create policy i on public.units for insert to authenticated with check (${check});
  create policy r on public.budgets for select to authenticated using (${seen});`;
const inline =
  'exists (select 1 from public.units u where u.manager = auth.uid() and u.path operator(extensions.@>) place)';
const managed = `manager = ${me} and public.manages(path)`;

const cases: [name: string, hole: string, correct: string][] = [
  ['below, by a helper', units(`manager = ${me}`, 'public.manages(place)'), units(managed, 'public.manages(place)')],
  [
    'below, where each place is there once',
    units(`manager = ${me}`, 'public.manages(place)', 'extensions.ltree not null unique'),
    units(managed, 'public.manages(place)', 'extensions.ltree not null unique'),
  ],
  ['below, in the policy itself', units(`manager = ${me}`, inline), units(managed, inline)],
  ['above', units(`manager = ${me}`, 'public.is_below(place)'), units(managed, 'public.is_below(place)')],
];

describe('a place in a tree that a user makes up', () => {
  // The native server does not have the extension.
  let embedded: Database;
  beforeAll(async () => {
    embedded = await openEmbedded();
  });
  afterAll(() => embedded.close());
  const prove = async (sql: string): Promise<string[]> =>
    withSchema(embedded, sql, async (session) =>
      errorsOf(await findingsOf(session, [asMigration('extension_002.sql', sql)])),
    );

  it.each(sampleOf(cases, 2))('%s', async (_, hole, correct) => {
    expect(await prove(hole)).toContain('isolation-escalation public.units');
    expect(await prove(correct)).toEqual([]);
  });
});
