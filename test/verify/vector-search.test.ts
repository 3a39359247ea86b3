/** Functions that search by a vector, as assistants do in what their users have given them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { withSchema } from './database.ts';
import { callable, mine } from './designs.ts';
import { asMigration } from './kit.ts';
import { errorsOf, findingsOf } from './prove-files.ts';

const chunks = (signature: string, body: string, language?: string): string => `
  create extension if not exists vector with schema extensions;
  create table public.chunks (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users (id),
    body text not null, embedding extensions.vector(3));
  create index on public.chunks (owner_id); alter table public.chunks enable row level security; grant select, insert on public.chunks to authenticated;
  create policy r on public.chunks for select to authenticated using (${mine});
  create policy i on public.chunks for insert to authenticated with check (${mine});
  ${callable(signature, 'table (chunk uuid, text text)', body, language)}`;

const nearest = (whose: string): string =>
  chunks(
    'public.match(query extensions.vector, threshold double precision, most integer)',
    `select c.id, c.body from public.chunks c where 1 - (c.embedding operator(extensions.<=>) query) > threshold ${whose}
       order by c.embedding operator(extensions.<=>) query limit most`,
  );

const either = (whose: string): string =>
  chunks(
    'public.search(whose uuid, title text default null, query extensions.vector default null, words text default null, most integer default 5)',
    `begin if query is not null then
       return query select c.id, c.body from public.chunks c where c.owner_id = whose and (title is null or c.body = title) and c.embedding is not null ${whose}
         order by c.embedding operator(extensions.<=>) query limit most;
     elsif words <> '' then return query select c.id, c.body from public.chunks c where c.owner_id = auth.uid() and c.body ilike words limit 5;
     end if; end`,
    'plpgsql',
  );

describe('a search by a vector', () => {
  // The native server does not have the extension.
  let embedded: Database;
  beforeAll(async () => {
    embedded = await openEmbedded();
  });
  afterAll(() => embedded.close());

  const cases: [name: string, design: (whose: string) => string, object: string][] = [
    ['of any number of dimensions', nearest, 'public.match(vector, double precision, integer)'],
    ['that is optional', either, 'public.search(uuid, text, vector, text, integer)'],
  ];
  it.each(cases)('%s', async (_, design, object) => {
    const find = async (sql: string) =>
      withSchema(embedded, sql, (session) => findingsOf(session, [asMigration('extension_002.sql', sql)]));
    const correct = await find(design('and c.owner_id = auth.uid()'));
    expect(errorsOf(correct)).toEqual([]);
    expect(correct.filter(({ rule }) => rule === 'not-proven')).toEqual([]);
    expect(errorsOf(await find(design('')))).toContain(`isolation-read ${object}`);
  });
});
