/** What staff, managers, and members of one school or firm do in their work, and who makes an offer; and holes near it. */
import { describe } from 'vitest';
import { callable } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const uid = '(select auth.uid())';

/** Cases of customers, and what is said there; the claim `desk` is that of staff, who sign what they say. */
const desk = (asked: string, declared = ''): string => `
  create table public.cases (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, title text not null);
  create table public.notes (id bigint generated always as identity primary key,
    case_id uuid not null references public.cases (id) on delete cascade,
    author_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create index on public.cases (user_id); create index on public.notes (case_id); create index on public.notes (author_id);
  ${declared}
  create function public.is_desk() returns boolean language sql stable set search_path = '' as
    $$ select coalesce(auth.jwt() -> 'app_metadata' ->> 'desk' = 'support', false) $$;
  create function public.is_my_case(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.cases where id = p and user_id = auth.uid()) $$;
  alter table public.cases enable row level security; alter table public.notes enable row level security;
  grant select, update on public.cases to authenticated; grant insert (user_id, title) on public.cases to authenticated;
  grant select, insert on public.notes to authenticated;
  create policy r on public.cases for select to authenticated using (user_id = ${uid} or (select public.is_desk()));
  create policy i on public.cases for insert to authenticated with check (user_id = ${uid});
  create policy u on public.cases for update to authenticated using ((select public.is_desk())) with check ((select public.is_desk()));
  create policy r on public.notes for select to authenticated using (public.is_my_case(case_id) or ${asked});
  create policy i on public.notes for insert to authenticated
    with check (author_id = ${uid} and (public.is_my_case(case_id) or (select public.is_desk())));`;

/** Schools with their teachers. */
const schools = `create schema private; grant usage on schema private to authenticated;
  create table public.schools (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.teachers (school_id uuid not null references public.schools (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'teacher' check (role in ('teacher', 'head')), primary key (school_id, user_id));
  create index on public.teachers (user_id);
  create function private.teaches(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.teachers where school_id = p and user_id = auth.uid()) $$;
  alter table public.schools enable row level security; alter table public.teachers enable row level security;
  grant select on public.schools, public.teachers to authenticated;
  create policy r on public.schools for select to authenticated using (private.teaches(id));
  create policy r on public.teachers for select to authenticated using (private.teaches(school_id));`;

/** Alarms of the devices of a school, which only the server adds; who has seen one says so. */
const alarms = (using: string): string => `${schools}
  create table public.devices (id uuid primary key default gen_random_uuid(),
    school_id uuid not null references public.schools (id) on delete cascade);
  create table public.alarms (id uuid primary key default gen_random_uuid(),
    device_id uuid not null references public.devices (id) on delete cascade, level int not null default 1,
    acknowledged_by uuid references auth.users (id));
  create index on public.devices (school_id); create index on public.alarms (device_id); create index on public.alarms (acknowledged_by);
  create function private.device_here(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.devices d where d.id = p and private.teaches(d.school_id)) $$;
  alter table public.devices enable row level security; alter table public.alarms enable row level security;
  grant select on public.devices, public.alarms to authenticated; grant update (acknowledged_by) on public.alarms to authenticated;
  create policy r on public.devices for select to authenticated using (private.teaches(school_id));
  create policy r on public.alarms for select to authenticated using (exists (select 1 from public.devices d where d.id = device_id));
  create policy u on public.alarms for update to authenticated using (${using}) with check (acknowledged_by = ${uid} and ${using});`;

/** Marks of pupils, who have accounts of their own; teachers write them. */
const marks = (check: string): string => `${schools}
  create table public.classes (id uuid primary key default gen_random_uuid(),
    school_id uuid not null references public.schools (id) on delete cascade);
  create table public.pupils (id uuid primary key default gen_random_uuid(), class_id uuid not null references public.classes (id),
    user_id uuid unique references auth.users (id), first_name text not null);
  create table public.marks (id uuid primary key default gen_random_uuid(),
    pupil_id uuid not null references public.pupils (id) on delete cascade, mark numeric(3, 1) not null);
  create index on public.classes (school_id); create index on public.pupils (class_id); create index on public.marks (pupil_id);
  create function private.teaches_pupil(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.pupils x join public.classes c on c.id = x.class_id
      where x.id = p and private.teaches(c.school_id)) $$;
  create function private.is_pupil(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.pupils where id = p and user_id = auth.uid()) $$;
  create function private.teaches_class(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.classes c where c.id = p and private.teaches(c.school_id)) $$;
  alter table public.classes enable row level security; alter table public.pupils enable row level security;
  alter table public.marks enable row level security;
  grant select on public.classes, public.pupils to authenticated; grant select, insert, update, delete on public.marks to authenticated;
  create policy r on public.classes for select to authenticated using (private.teaches(school_id));
  create policy r on public.pupils for select to authenticated using (private.teaches_class(class_id) or user_id = ${uid});
  create policy r on public.marks for select to authenticated using (private.is_pupil(pupil_id) or private.teaches_pupil(pupil_id));
  create policy w on public.marks for all to authenticated using (private.teaches_pupil(pupil_id)) with check (${check});`;

/** Studios, in which a manager says who is who, but for the owner. */
const studios = (using: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.studios (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.seats (studio_id uuid not null references public.studios (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'artist' check (role in ('artist', 'manager', 'owner')), primary key (studio_id, user_id));
  create index on public.seats (user_id);
  create function private.seat_role(p uuid) returns text language sql stable security definer set search_path = '' as
    $$ select role from public.seats where studio_id = p and user_id = auth.uid() $$;
  alter table public.studios enable row level security; alter table public.seats enable row level security;
  grant select, update on public.studios, public.seats to authenticated;
  create policy r on public.studios for select to authenticated using (private.seat_role(id) is not null);
  create policy u on public.studios for update to authenticated
    using (private.seat_role(id) = 'owner') with check (private.seat_role(id) = 'owner');
  create policy r on public.seats for select to authenticated using (private.seat_role(studio_id) is not null);
  create policy u on public.seats for update to authenticated using (private.seat_role(studio_id) in ('manager', 'owner')${using})
    with check (private.seat_role(studio_id) in ('manager', 'owner') and role <> 'owner');`;

/** Goods that everyone sees, and offers for them, which name the buyer and the seller. */
const offers = (seen: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.goods (id uuid primary key default gen_random_uuid(),
    seller_id uuid not null default auth.uid() references auth.users (id) on delete cascade, title text not null);
  create table public.offers (id uuid primary key default gen_random_uuid(),
    good_id uuid not null references public.goods (id) on delete cascade,
    buyer_id uuid not null default auth.uid() references auth.users (id), seller_id uuid not null references auth.users (id),
    cents int not null default 100 check (cents > 0), check (buyer_id <> seller_id));
  create index on public.goods (seller_id); create index on public.offers (good_id);
  create index on public.offers (buyer_id); create index on public.offers (seller_id);
  ${callable(
    'public.make_offer(p_good uuid)',
    'uuid',
    `insert into public.offers (good_id, buyer_id, seller_id) select g.id, auth.uid(), g.seller_id from public.goods g
      where g.id = p_good and g.seller_id <> auth.uid() returning id`,
  )}
  create function private.has_offered(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.offers where good_id = p and buyer_id = auth.uid()) $$;
  alter table public.goods enable row level security; alter table public.offers enable row level security;
  grant select on public.goods to anon; grant select, insert, update, delete on public.goods to authenticated;
  grant select on public.offers to authenticated;
  -- muse: public-read
  create policy r on public.goods for select to anon, authenticated using (true);
  create policy w on public.goods for all to authenticated using (seller_id = ${uid}) with check (seller_id = ${uid});
  create policy r on public.offers for select to authenticated using (${uid} in (buyer_id, seller_id)${seen});`;

/** Notes, and lines in them, whose policy asks a helper in a schema of its own; `asked` is what users call themselves. */
const helpers = (asked: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.notes (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, body text not null);
  create table public.lines (id uuid primary key default gen_random_uuid(),
    note_id uuid not null references public.notes (id) on delete cascade, line text not null);
  create index on public.notes (user_id); create index on public.lines (note_id);
  create function private.owner_of(p uuid) returns uuid language sql stable security definer set search_path = '' as
    $$ select user_id from public.notes where id = p $$;
  ${asked}
  alter table public.notes enable row level security; alter table public.lines enable row level security;
  grant select, insert, update, delete on public.notes, public.lines to authenticated;
  create policy o on public.notes for all to authenticated using (user_id = ${uid}) with check (user_id = ${uid});
  create policy o on public.lines for all to authenticated
    using (private.owner_of(note_id) = ${uid}) with check (private.owner_of(note_id) = ${uid});`;

/** Files that are those of who has uploaded them, wherever they lie; `read` is what else lets them be read. */
const uploads = (
  read: string,
): string => `insert into storage.buckets (id, name, public) values ('sheets', 'sheets', false);
  create policy "sheets: read" on storage.objects for select to authenticated
    using (bucket_id = 'sheets' and (owner_id = ${uid}::text${read}));
  create policy "sheets: write" on storage.objects for all to authenticated
    using (bucket_id = 'sheets' and owner_id = ${uid}::text) with check (bucket_id = 'sheets' and owner_id = ${uid}::text);`;

/** Tickets that are the buyer's by the address in the token. */
const tickets = (using: string): string => `
  create table public.tickets (id uuid primary key default gen_random_uuid(), buyer_email text not null, code text not null);
  alter table public.tickets enable row level security; grant select on public.tickets to authenticated;
  create policy r on public.tickets for select to authenticated using (${using});`;

/** Crews, whose captain takes members out; `asked` is who may. */
const crews = (asked: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.crews (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.crew_members (crew_id uuid not null references public.crews (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'member' check (role in ('member', 'captain')), primary key (crew_id, user_id));
  create index on public.crew_members (user_id);
  create function private.in_crew(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.crew_members where crew_id = p and user_id = auth.uid()) $$;
  create function private.leads_crew(p uuid) returns boolean language sql stable security definer set search_path = '' as
    $$ select exists (select 1 from public.crew_members where crew_id = p and user_id = auth.uid() and role = 'captain') $$;
  ${callable(
    'public.remove_from_crew(p_crew uuid, p_user uuid)',
    'void',
    `begin if not private.${asked}(p_crew) then raise exception 'no'; end if;
      delete from public.crew_members where crew_id = p_crew and user_id = p_user; end`,
    'plpgsql',
  )}
  alter table public.crews enable row level security; alter table public.crew_members enable row level security;
  grant select, update on public.crews to authenticated; grant select on public.crew_members to authenticated;
  create policy r on public.crews for select to authenticated using (private.in_crew(id));
  create policy u on public.crews for update to authenticated using (private.leads_crew(id)) with check (private.leads_crew(id));
  create policy r on public.crew_members for select to authenticated using (private.in_crew(crew_id));`;

/** A view of one's own alarms, through which a trigger writes the row that `where` finds. */
const alarmView = (
  where: string,
): string => `create table public.alarm_clocks (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, rings_at time not null, label text);
  create index on public.alarm_clocks (user_id); alter table public.alarm_clocks enable row level security;
  grant select on public.alarm_clocks to authenticated;
  create policy r on public.alarm_clocks for select to authenticated using (user_id = ${uid});
  create view public.my_clocks as select id, rings_at, label from public.alarm_clocks where user_id = auth.uid();
  create function public.write_clock() returns trigger language plpgsql security definer set search_path = '' as $$
    begin update public.alarm_clocks set label = new.label where ${where}; return new; end $$;
  create trigger write_clock instead of update on public.my_clocks for each row execute function public.write_clock();
  grant select, update on public.my_clocks to authenticated;`;

const manages = 'private.teaches_pupil(pupil_id)';
const cases: Pair[] = [
  [
    'a claim of staff, who sign what they say',
    desk('(select public.is_desk())'),
    desk('(select public.is_desk()) is not null'),
    'isolation-read public.notes',
  ],
  [
    'a claim that is declared to be that of staff',
    desk('(select public.is_desk())', '-- muse: staff app_metadata.desk'),
    desk('author_id is not null', '-- muse: staff app_metadata.desk'),
    'isolation-read public.notes',
  ],
  [
    'who has seen an alarm of the school',
    alarms('private.device_here(device_id)'),
    alarms('level > 0'),
    'isolation-reassign public.alarms',
  ],
  [
    'marks that teachers move to another pupil of theirs',
    marks(manages),
    marks('mark > 0'),
    'isolation-reassign public.marks',
  ],
  [
    'a manager who leaves the owner alone',
    studios(" and role <> 'owner'"),
    studios(''),
    'isolation-write public.seats',
  ],
  [
    'a helper that tells policies whose a note is',
    helpers(''),
    helpers(callable('public.owner_of(p uuid)', 'uuid', 'select private.owner_of(p)')),
    'isolation-read public.owner_of(uuid)',
  ],
  [
    'files by who has uploaded them',
    uploads(''),
    uploads(' or owner_id is not null'),
    'isolation-read storage.objects[sheets]',
  ],
  [
    'an address that is taken for a pattern',
    tickets("lower(buyer_email) = lower(auth.jwt() ->> 'email')"),
    tickets("buyer_email ilike (auth.jwt() ->> 'email')"),
    'isolation-read public.tickets',
  ],
  [
    'a captain who takes members out of the crew',
    crews('leads_crew'),
    crews('in_crew'),
    'isolation-write public.remove_from_crew(uuid, uuid)',
  ],
  [
    'a view that writes the row that it shows',
    alarmView('id = old.id and user_id = auth.uid()'),
    alarmView('id = new.id'),
    'isolation-write public.my_clocks',
  ],
  [
    'an offer for what everyone sees',
    offers(''),
    offers(' or private.has_offered(good_id)'),
    'isolation-read public.offers',
  ],
];

describe('people at work', () => {
  testPairs(cases);
});
