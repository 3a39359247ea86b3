/** Functions that give their caller a row without an owner: a slot that is booked, a code that is redeemed, a device that is paired. */
import { describe, expect, it } from 'vitest';
import { type Pair, testPairs } from './pairs.ts';
import { errorsOf, findingsProver } from './prove-files.ts';

const head = "security definer set search_path = ''";

/** A table whose rows may have an owner, which its policy asks for. */
const ownable = (name: string, owner: string, columns: string): string => `
  create table public.${name} (id uuid primary key default gen_random_uuid(), ${owner} uuid references auth.users (id), ${columns});
  alter table public.${name} enable row level security; grant select on public.${name} to authenticated;
  create policy mine on public.${name} for select to authenticated using (${owner} = (select auth.uid()));`;

/** A table whose rows belong to those of another. */
const below = (name: string, parent: string, owner: string): string => `
  create table public.${name} (id uuid primary key default gen_random_uuid(), parent_id uuid not null references public.${parent} (id), note text not null);
  alter table public.${name} enable row level security; grant select on public.${name} to authenticated;
  create policy mine on public.${name} for select to authenticated
    using (exists (select 1 from public.${parent} p where p.id = parent_id and p.${owner} = (select auth.uid())));`;

const cards = ownable('cards', 'holder_id', 'serial text not null unique, credit int not null');
const devices = `${ownable('devices', 'user_id', "code text not null default encode(extensions.gen_random_bytes(8), 'hex')")} ${below('readings', 'devices', 'user_id')}`;
const tasks = ownable(
  'tasks',
  'assignee_id',
  'author_id uuid not null default auth.uid() references auth.users (id), body text not null',
);

const sql = (signature: string, body: string): string =>
  `create function public.${signature} returns void language sql ${head} as $$ ${body} $$;`;

describe('rows without an owner', () => {
  const find = findingsProver();

  it.each<[name: string, design: string, object: string]>([
    [
      'are booked by their id',
      `${ownable('slots', 'booked_by', 'starts_at timestamptz not null')}
      ${sql('book(slot uuid)', 'update public.slots set booked_by = auth.uid() where id = slot and booked_by is null')}`,
      'public.book(uuid)',
    ],
    [
      'are redeemed by a code, with what else the table has to do with them',
      `${cards} ${below('moves', 'cards', 'holder_id')}
      ${sql('redeem(code text)', 'update public.cards set holder_id = auth.uid() where serial = code and holder_id is null')}`,
      'public.redeem(text)',
    ],
    [
      'are redeemed in PL/pgSQL, which says what is wrong',
      `${cards} create function public.redeem(code text) returns int language plpgsql ${head} as $$ declare found_credit int; begin
        update public.cards set holder_id = auth.uid() where serial = code and holder_id is null returning credit into found_credit;
        if found_credit is null then raise exception 'unknown code'; end if; return found_credit; end $$;`,
      'public.redeem(text)',
    ],
  ])('%s, which is a warning', async (_, design, object) => {
    const found = await find(design);
    expect(errorsOf(found)).toEqual([]);
    expect(found.map((one) => [one.rule, one.object, one.severity])).toContainEqual([
      'isolation-write',
      object,
      'warning',
    ]);
  });

  const pairs: Pair[] = [
    [
      'are taken, and not those of others',
      `${cards} ${sql('take(code text)', 'update public.cards set holder_id = auth.uid() where serial = code and holder_id is null')}`,
      `${cards} ${sql('take(code text)', 'update public.cards set holder_id = auth.uid() where serial = code')}`,
      'isolation-write public.take(text)',
    ],
    [
      'are changed only by who has taken them',
      `${cards} ${sql('load(code text, more int)', 'update public.cards set credit = more where serial = code and holder_id = auth.uid()')}`,
      `${cards} ${sql('load(code text, more int)', 'update public.cards set credit = more where serial = code and holder_id is null')}`,
      'isolation-write public.load(text, integer)',
    ],
    [
      'are not deleted by anyone',
      `${cards} ${sql('burn(code text)', 'delete from public.cards where serial = code and holder_id = auth.uid()')}`,
      `${cards} ${sql('burn(code text)', 'delete from public.cards where serial = code and holder_id is null')}`,
      'isolation-write public.burn(text)',
    ],
    [
      'may be those of a person whom another column names',
      `${tasks} ${sql('take(task uuid)', 'update public.tasks set assignee_id = auth.uid() where id = task and assignee_id is null and author_id = auth.uid()')}`,
      `${tasks} ${sql('take(task uuid)', 'update public.tasks set assignee_id = auth.uid() where id = task and assignee_id is null')}`,
      'isolation-write public.take(uuid)',
    ],
    [
      'open what others wrote below them',
      `${devices} ${sql('pair(device uuid)', 'update public.devices set user_id = auth.uid() where code = device::text and user_id is null')}`,
      `${devices} ${sql('pair(device uuid)', 'update public.devices set user_id = auth.uid() where id = device and user_id is null')}`,
      'isolation-escalation public.pair(uuid)',
    ],
  ];
  testPairs(pairs);
});

/** People whom an organization knows before they sign up: each user is one of them at most. */
const people = (policy: string, more = ''): string => `
  create table public.people (id bigint generated always as identity primary key, user_id uuid unique references auth.users (id),
    name text not null, email text, code text not null unique default encode(extensions.gen_random_bytes(8), 'hex'));
  alter table public.people enable row level security; grant select (id, user_id, name), update (user_id, name) on public.people to authenticated;
  create policy s on public.people for select to authenticated using (user_id = (select auth.uid()));
  create policy u on public.people for update to authenticated ${policy}; ${more}`;
const own = 'using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()))';
const anyone = 'using (user_id is null or user_id = (select auth.uid())) with check (user_id = (select auth.uid()))';
const claim = (signature: string, where: string): string =>
  `${people(own)} ${sql(signature, `update public.people set user_id = auth.uid() where user_id is null and ${where}`)}`;
const results = `${below('results', 'people', 'user_id').replace('parent_id uuid', 'parent_id bigint')} create index on public.results (parent_id);`;

describe('people without a user', () => {
  const pairs: Pair[] = [
    ['are claimed by anyone who has none', people(own), people(anyone), 'isolation-reassign public.people'],
    [
      'are claimed by an address',
      claim('claim(person bigint)', "id = person and email = (auth.jwt() ->> 'email')"),
      people(anyone),
      'isolation-reassign public.people',
    ],
    [
      'open what is noted about them',
      `${claim('claim(person bigint)', "id = person and email = (auth.jwt() ->> 'email')")} ${results}`,
      `${claim('claim(person bigint)', 'id = person')} ${results}`,
      'isolation-escalation public.claim(bigint)',
    ],
  ];
  testPairs(pairs);

  const find = findingsProver();
  it('says what to ask who claims them', async () => {
    const found = await find(claim('claim(person bigint)', 'id = person'));
    const [claimed] = found.filter(({ rule }) => rule === 'isolation-write');
    expect(claimed?.severity).toBe('warning');
    expect(claimed?.suggestion).toContain('a code that only they were told, or for their own address');
    const taken = (await find(people(anyone))).filter(({ rule }) => rule === 'isolation-reassign');
    expect(taken.map(({ suggestion }) => suggestion).join()).toContain(`email = (select auth.jwt() ->> 'email')`);
  });
});
