/** What strangers put into what only those read whom a table joins to it: a group of people, the customers of a dealer. */
import { opened } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

/** Circles, with the people in them. */
const circles = (key = 'uuid primary key default gen_random_uuid()', ref = 'uuid'): string => `
  create table public.circles (id ${key}, name text not null);
  create table public.circle_people (circle_id ${ref} not null references public.circles (id) on delete cascade,
    person uuid not null references auth.users (id) on delete cascade, primary key (circle_id, person));
  create function public.in_circle(c ${ref}) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.circle_people where circle_id = c and person = auth.uid()) $$;
  create function public.my_circles() returns setof ${ref} language sql stable security definer set search_path = '' as
    $$ select circle_id from public.circle_people where person = auth.uid() $$;
  ${opened('circles', 'select')} ${opened('circle_people', 'select')}
  create policy c on public.circles for select to authenticated using (public.in_circle(id));
  create policy p on public.circle_people for select to authenticated using (public.in_circle(circle_id));`;

/** What people write there, each in their own name. */
const posts = (check: string, ref = 'uuid', seen = 'public.in_circle(circle_id)'): string => `
  create table public.posts (id uuid primary key default gen_random_uuid(), circle_id ${ref} not null references public.circles (id) on delete cascade,
    author uuid not null default auth.uid() references auth.users (id), words text not null);
  ${opened('posts', 'select, insert')}
  create policy r on public.posts for select to authenticated using (${seen});
  create policy i on public.posts for insert to authenticated with check (${check});`;
const counted = circles('bigint generated always as identity primary key', 'bigint');
const inline =
  'exists (select 1 from public.circle_people p where p.circle_id = posts.circle_id and p.person = auth.uid())';

/** Things of a circle that nobody has made in a name of their own; a function of the owner's adds some. */
const things = (signature: string, body: string): string => `${circles()}
  create table public.things (id uuid primary key default gen_random_uuid(), circle_id uuid not null references public.circles (id) on delete cascade, name text not null);
  ${opened('things', 'select, insert, update, delete')}
  create policy t on public.things to authenticated using (circle_id in (select public.my_circles())) with check (circle_id in (select public.my_circles()));
  create function public.${signature} returns int language plpgsql security definer set search_path = '' as $$
    declare n int; begin ${body} get diagnostics n = row_count; return n; end $$;
  revoke all on function public.${signature.slice(0, signature.indexOf('('))} from public, anon;
  grant execute on function public.${signature.slice(0, signature.indexOf('('))} to authenticated;`;
const imported = (and: string): string =>
  things(
    'bring(p_rows jsonb)',
    `insert into public.things (circle_id, name) select (r ->> 'circle_id')::uuid, r ->> 'name' from jsonb_array_elements(p_rows) r ${and};`,
  );
const named = (and: string): string =>
  things(
    'add_thing(p_circle uuid, p_name text)',
    `insert into public.things (circle_id, name) select p_circle, p_name ${and};`,
  );
const copied = (and: string): string =>
  things(
    'copy_thing(p_thing uuid, p_to uuid)',
    `insert into public.things (circle_id, name) select p_to, t.name from public.things t
       where t.id = p_thing and t.circle_id in (select public.my_circles()) ${and};`,
  );
const moved = (and: string): string =>
  things(
    'move_things(p_from uuid, p_to uuid)',
    `update public.things set circle_id = p_to where circle_id = p_from ${and};`,
  );

const ours = 'in (select public.my_circles())';

const pairs: Pair[] = [
  [
    'a post of one’s own in a circle of others',
    circles() + posts(`author = ${me} and public.in_circle(circle_id)`),
    circles() + posts(`author = ${me}`),
    'isolation-insert public.posts',
  ],
  [
    'a post in a circle that is known by its number',
    counted + posts(`author = ${me} and circle_id ${ours}`, 'bigint'),
    counted + posts(`author = ${me}`, 'bigint'),
    'isolation-insert public.posts',
  ],
  [
    'a post in a circle whose people each policy asks for itself',
    circles() + posts(`author = ${me} and ${inline}`, 'uuid', inline),
    circles() + posts(`author = ${me}`, 'uuid', inline),
    'isolation-insert public.posts',
  ],
  [
    'an import of things in JSON',
    imported(`where (r ->> 'circle_id')::uuid ${ours}`),
    imported(''),
    'isolation-write public.bring(jsonb)',
  ],
  [
    'a thing for the circle that is given',
    named(`where p_circle ${ours}`),
    named(''),
    'isolation-write public.add_thing(uuid, text)',
  ],
  [
    'a copy of one’s own for another circle',
    copied(`and p_to ${ours}`),
    copied(''),
    'isolation-write public.copy_thing(uuid, uuid)',
  ],
  [
    'things that move to another circle',
    moved(`and p_from ${ours} and p_to ${ours}`),
    moved(`and p_from ${ours}`),
    'isolation-write public.move_things(uuid, uuid)',
  ],
];

testPairs(pairs);
