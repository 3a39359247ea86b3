/** Functions that find rows by what their arguments are compared with, each with the smallest repair. */
import { describe, expect, it } from 'vitest';
import { callable, owned } from './designs.ts';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

const rows = owned(
  'rows',
  `body text not null, day date not null default current_date, at timestamptz not null default now(), amount numeric not null,
   phone text not null, level int not null, lat float8 not null, lng float8 not null, ip inet not null, words tsvector generated always as (to_tsvector('english', title || ' ' || body)) stored`,
);

/** What is compared, the arguments, the condition, and what is refused first. */
const cases: [name: string, args: string, where: string, refused?: string][] = [
  [
    'days of one month',
    'p_from date, p_to date',
    'r.day between p_from and p_to',
    'p_to - p_from > 31 or p_to < p_from',
  ],
  ['times of one day', 'p_day date', 'r.at >= p_day and r.at < p_day + 1'],
  [
    'amounts in a range',
    'p_least numeric, p_most numeric',
    'r.amount >= p_least and r.amount <= p_most',
    'p_most - p_least > 10',
  ],
  [
    'a part of the map',
    'x1 float8, y1 float8, x2 float8, y2 float8',
    'r.lat between x1 and x2 and r.lng between y1 and y2',
    'x2 - x1 > 1',
  ],
  ['places near a point', 'p_lat float8, p_lng float8', 'sqrt((r.lat - p_lat) ^ 2 + (r.lng - p_lng) ^ 2) < 0.05'],
  ['addresses in a network', 'p_net cidr', 'r.ip <<= p_net and masklen(p_net) >= 24'],
  ['at least an amount', 'p_least numeric', 'r.amount >= p_least', 'p_least < 100'],
  ['a level of a few', 'p_level int', 'r.level = p_level and p_level between 3 and 5'],
  [
    'a number that is dialed',
    'p_phone text',
    String.raw`regexp_replace(r.phone, '\D', '', 'g') = regexp_replace(p_phone, '\D', '', 'g')`,
    String.raw`length(regexp_replace(p_phone, '\D', '', 'g')) < 7`,
  ],
  ['digits', 'p_digits text', "regexp_replace(r.phone, '[^0-9]', '', 'g') = p_digits and length(p_digits) > 5"],
  [
    'one of several parts',
    'p_parts text[]',
    "r.body ilike any (select '%' || x || '%' from unnest(p_parts) x where length(x) > 2)",
  ],
  ['the start of a text', 'p_start text', 'starts_with(r.body, p_start)', 'length(p_start) < 3'],
  ['words in a text', 'q text', "r.words @@ websearch_to_tsquery('english', q)"],
];

describe('rows that are found by a range', () => {
  it.each(sampleOf(cases, 3))('%s', async (_name, args, where, refused = 'false') => {
    const types = args.split(', ').map((one) => one.split(' ')[1]!);
    const name = `public.f(${types.map((type) => ({ float8: 'double precision', int: 'integer' })[type] ?? type).join(', ')})`;
    const find = (asks: string): string =>
      callable(
        `public.f(${args})`,
        'table (found_title text, found_body text)',
        `begin if ${refused} then raise exception 'too much'; end if; return query select r.title, r.body from public.rows r where ${where} ${asks}; end`,
        'plpgsql',
      );
    expect(await prove(rows + find(''))).toContain(`isolation-read ${name}`);
    expect(await prove(rows + find('and r.owner_id = auth.uid()'))).toEqual([]);
  });
});

describe('rows below others', () => {
  const homes = `create table public.homes (id uuid primary key default gen_random_uuid(), slug text not null unique,
      owner_id uuid not null default auth.uid() references auth.users (id));
    create table public.rooms (id uuid primary key default gen_random_uuid(), home_id uuid not null references public.homes (id),
      slug text not null, plan text, unique (home_id, slug));
    create index on public.homes (owner_id); alter table public.homes enable row level security; alter table public.rooms enable row level security;
    grant select, insert, update, delete on public.homes, public.rooms to authenticated;
    create policy own on public.homes to authenticated using (owner_id = (select auth.uid()));
    create policy own on public.rooms to authenticated using (exists (select 1 from public.homes h where h.id = home_id and h.owner_id = (select auth.uid())));`;

  it.each([
    ['a list of two names', 'p_path text[]', 'h.slug = p_path[1] and r.slug = p_path[2]'],
    ['a path of two names', 'p_path text', "h.slug || '/' || r.slug = trim(both '/' from p_path)"],
  ])('are found by %s', async (_name, args, where) => {
    const find = (asks: string): string =>
      callable(
        `public.f(${args})`,
        'setof public.rooms',
        `select r.* from public.rooms r join public.homes h on h.id = r.home_id where ${where} ${asks}`,
      );
    expect(await prove(homes + find(''))).toContain(`isolation-read public.f(${args.split(' ')[1]})`);
    expect(await prove(homes + find('and h.owner_id = auth.uid()'))).toEqual([]);
  });
});

it('a table and a column that the caller names are not proven', async () => {
  const increment = (asks: string): string =>
    callable(
      'public.increment(table_name text, row_id uuid, field_name text)',
      'void',
      `begin ${asks} execute format('update public.%I set %I = %I + 1 where id = $1 and length(title) > 90', table_name, field_name, field_name) using row_id; end`,
      'plpgsql',
    );
  const object = 'not-proven public.increment(text, uuid, text)';
  expect(await prove(rows + increment(''))).toContain(object);
  const listed = `if table_name not in ('rows') or field_name not in ('amount') or not exists
    (select 1 from public.rows where id = row_id and owner_id = auth.uid()) then return; end if;`;
  expect(await prove(rows + increment(listed))).toEqual([]);
});
