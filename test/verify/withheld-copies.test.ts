/** Columns that nobody may read, and that a trigger writes to where others read. */
import { opened } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

/** Bureaus, whose staff has a salary and a phone number that no grant names, and a history of what is written there. */
const bureaus = (
  entry: string,
  column = 'entry jsonb not null',
  seen = 'public.role_in(bureau_id) is not null',
): string => `
  create table public.bureaus (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.staff (bureau_id uuid not null references public.bureaus (id) on delete cascade, user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'clerk' check (role in ('clerk', 'head')), title text, phone text, salary numeric(14, 2), primary key (bureau_id, user_id));
  create table public.history (no bigint generated always as identity primary key, bureau_id uuid not null references public.bureaus (id) on delete cascade, ${column});
  create function public.role_in(b uuid) returns text language sql stable security definer set search_path = '' as
    $$ select role from public.staff where bureau_id = b and user_id = auth.uid() $$;
  create function public.keep() returns trigger language plpgsql security definer set search_path = '' as $$ begin ${entry} return new; end $$;
  create trigger keep after insert or update on public.staff for each row execute function public.keep();
  ${opened('bureaus', 'select')} alter table public.staff enable row level security; ${opened('history', 'select')}
  grant select (bureau_id, user_id, role, title) on public.staff to authenticated;
  create policy r on public.bureaus for select to authenticated using (public.role_in(id) is not null);
  create policy r on public.staff for select to authenticated using (public.role_in(bureau_id) is not null);
  create policy r on public.history for select to authenticated using (${seen});`;
const whole = (but: string): string =>
  `insert into public.history (bureau_id, entry) values (new.bureau_id, to_jsonb(new) ${but});`;
const line = (of: string): string =>
  `insert into public.history (bureau_id, line) values (new.bureau_id, coalesce(${of}, ''));`;
const text = 'line text not null';

/** Profiles of which everyone reads the handle, and what each user is told of those that are new. */
const profiles = (told: string): string => `
  create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, handle text not null, code text);
  create table public.news (no bigint generated always as identity primary key, line text not null);
  create function public.tell() returns trigger language plpgsql security definer set search_path = '' as
    $$ begin insert into public.news (line) values ('new: ' || ${told}); return null; end $$;
  create trigger tell after insert on public.profiles for each row execute function public.tell();
  alter table public.profiles enable row level security; ${opened('news', 'select')}
  grant select (id, handle) on public.profiles to authenticated;
  -- muse: public-read
  create policy r on public.profiles for select to authenticated using (true);
  -- muse: public-read
  create policy r on public.news for select to authenticated using (true);`;

const pairs: Pair[] = [
  [
    'the whole row',
    bureaus(whole("- array['salary', 'phone']")),
    bureaus(whole("- 'phone'")),
    'isolation-read public.history',
  ],
  ['a text of it', bureaus(line('new.title'), text), bureaus(line('new.phone'), text), 'isolation-read public.history'],
  [
    'to all, or to who has a higher role',
    bureaus(whole(''), undefined, "public.role_in(bureau_id) = 'head'"),
    bureaus(whole('')),
    'isolation-read public.history',
  ],
  ['to everyone', profiles('new.handle'), profiles("coalesce(new.code, '')"), 'isolation-read public.news'],
];

testPairs(pairs);
