/** Functions by the form of what they take and give: several cursors, domains, pairs of limits, small numbers, codes by which one joins. */
import { describe } from 'vitest';
import { callable, owned } from './designs.ts';
import { testPairs } from './pairs.ts';

const mine = 'n.owner_id = (select auth.uid())';
const notes = owned('notes', 'amount numeric not null default 5');

const cursors = (asks: string): string => `${notes}
  create function public.boards(out own refcursor, out all_of refcursor) language plpgsql security definer set search_path = '' as $$ begin
    own := 'own'; all_of := 'all'; open own for select n.title from public.notes n where ${mine}; open all_of for select n.title from public.notes n where ${asks}; end $$;
  revoke execute on function public.boards() from public, anon; grant execute on function public.boards() to authenticated;`;

const table = (asks: string): string => `${notes}
  create function public.boards() returns table (name text, rows_of refcursor) language plpgsql security definer set search_path = '' as $$
    declare c refcursor := 'c'; begin open c for select n.title from public.notes n where ${asks}; return query select 'all'::text, c; end $$;
  revoke execute on function public.boards() from public, anon; grant execute on function public.boards() to authenticated;`;

const domain = (
  asks: string,
): string => `create domain public.duty as text check (value in ('member', 'cantor')); ${notes}
  ${callable('public.of(p_duty public.duty)', 'setof text', `select n.title from public.notes n where (p_duty = 'cantor') and ${asks}`)}`;

const span = (asks: string): string => `create type public.span as (lowest numeric, highest numeric); ${notes}
  ${callable('public.within(p_span public.span)', 'setof text', `select n.title from public.notes n where n.amount between (p_span).lowest and (p_span).highest and ${asks}`)}`;

const rows = (asks: string): string => `${notes}
  ${callable(
    'public.page(p_after bigint, p_take smallint)',
    'setof text',
    `select q.title from (select n.title, row_number() over (order by n.id) as place from public.notes n where ${asks}) q where q.place > p_after and q.place <= p_after + p_take`,
  )}`;

/** Where the next page begins, as the function gave it out with the one before. */
const next = (asks: string): string => `${notes}
  ${callable(
    'public.next(page_token text)',
    'setof text',
    `select n.title from public.notes n where n.id >= convert_from(decode(page_token, 'base64'), 'utf8')::uuid and ${asks} order by n.id limit 10`,
  )}`;

/** A clinic that one joins with its code; `post` is what the new member gets. */
const clinic = (post: string): string => `create type public.post as enum ('desk', 'nurse', 'manager');
  create table public.clinics (id bigint generated always as identity primary key, name text not null);
  create table public.staff (clinic_id bigint not null references public.clinics (id) on delete cascade, person uuid not null references auth.users (id) on delete cascade,
    post public.post not null default 'desk', primary key (clinic_id, person));
  create table public.codes (clinic_id bigint primary key references public.clinics (id) on delete cascade, code uuid not null unique default gen_random_uuid());
  create table public.patients (id bigint generated always as identity primary key, clinic_id bigint not null references public.clinics (id) on delete cascade, name text not null);
  create index on public.staff (person); create index on public.patients (clinic_id); create schema app; grant usage on schema app to authenticated;
  create function app.works(c bigint, wanted public.post default 'desk') returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.staff s where s.clinic_id = c and s.person = auth.uid() and (wanted <> 'manager' or s.post = 'manager')) $$;
  alter table public.clinics enable row level security; alter table public.staff enable row level security; alter table public.codes enable row level security;
  alter table public.patients enable row level security; grant select on public.clinics, public.staff, public.codes to authenticated; grant delete on public.staff to authenticated;
  grant select, insert, update, delete on public.patients to authenticated;
  create policy r on public.clinics for select to authenticated using (app.works(id));
  create policy r on public.staff for select to authenticated using (app.works(clinic_id));
  create policy d on public.staff for delete to authenticated using (app.works(clinic_id, 'manager'));
  create policy r on public.codes for select to authenticated using (app.works(clinic_id));
  create policy a on public.patients for all to authenticated using (app.works(clinic_id)) with check (app.works(clinic_id));
  ${callable(
    `public.enrol(p_code uuid, p_post public.post default 'desk')`,
    'void',
    `insert into public.staff (clinic_id, person, post) select c.clinic_id, auth.uid(), ${post} from public.codes c where c.code = p_code on conflict do nothing`,
  )}`;

describe('what a function takes and gives', () => {
  testPairs([
    ['where the next page begins', next(mine), next('true'), 'isolation-read public.next(text)'],
    ['several cursors', cursors(mine), cursors('true'), 'isolation-read public.boards()'],
    ['a table of cursors', table(mine), table('true'), 'isolation-read public.boards()'],
    ['a domain that lists its texts', domain(mine), domain('true'), 'isolation-read public.of(duty)'],
    ['a pair of limits', span(mine), span('true'), 'isolation-read public.within(span)'],
    ['a small number', rows(mine), rows('true'), 'isolation-read public.page(bigint, smallint)'],
    ['a role beside a code', clinic("'desk'"), clinic('p_post'), 'isolation-escalation public.enrol(uuid, post)'],
  ]);
});
