/** Rows that a public policy lets through because something in them is not set. */
import { expect, it } from 'vitest';
import { owned } from './designs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';

const find = findingsProver();

const shown = (column: string, using: string): string => `${owned('albums', column)}
  -- muse: public-read
  create policy shown on public.albums for select to authenticated using (${using});`;

it.each<[string, string, boolean]>([
  ['a time that has not come', shown('published_at timestamptz', 'coalesce(published_at, now()) <= now()'), true],
  ['a time that is compared itself', shown('published_at timestamptz', 'published_at <= now()'), false],
  [
    'a place in a document',
    shown("settings jsonb not null default '{}'", "coalesce(settings ->> 'seen', 'all') = 'all'"),
    true,
  ],
  [
    'one that the default fills',
    shown(`settings jsonb not null default '{"seen": "all"}'`, "coalesce(settings ->> 'seen', 'all') = 'all'"),
    false,
  ],
  ['a flag', shown('is_public boolean', 'coalesce(is_public, true)'), true],
  ['a flag with a default', shown('is_public boolean default true', 'coalesce(is_public, true)'), false],
  ['a flag that closes where it is not set', shown('is_public boolean', 'coalesce(is_public, false)'), false],
])('%s', async (_, sql, isUnproven) => {
  const found = await find(sql);
  expect(errorsOf(found)).toEqual([]);
  const told = found.filter(
    ({ rule, message }) => rule === 'not-proven' && message.includes('which is declared public'),
  );
  expect(told.map(({ object }) => object)).toEqual(isUnproven ? ['public.albums'] : []);
});
