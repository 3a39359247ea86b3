-- 002 profiles: one row of public.profiles for each user of auth.users, created at sign-up.

create table if not exists public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  email text,
  full_name text check (char_length(full_name) <= 200),
  avatar_url text check (avatar_url ~* '^https?://[^[:space:]]+$' and char_length(avatar_url) <= 2000),
  timezone text not null default 'UTC' check (char_length(timezone) <= 100),
  locale text not null default 'en' check (char_length(locale) <= 35),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.profiles is 'Profile of a user; one row for each user of auth.users.';
comment on column public.profiles.id is 'The user in auth.users; deleting the user deletes the profile.';
comment on column public.profiles.email is 'Copy of the address in auth.users, kept by a trigger; users cannot write it.';
comment on column public.profiles.avatar_url is 'An http(s) URL: browsers also run javascript: in links.';
comment on column public.profiles.timezone is 'IANA name, e.g. Europe/Berlin.';
comment on column public.profiles.locale is 'Language tag, e.g. en or de-AT.';

alter table public.profiles enable row level security;
revoke all on table public.profiles from public, anon, authenticated, service_role;
grant select on table public.profiles to authenticated;
-- INSERT and UPDATE on id let a client upsert its own profile; the policies restrict it to its own id.
grant insert (id, full_name, avatar_url, timezone, locale) on table public.profiles to authenticated;
grant update (id, full_name, avatar_url, timezone, locale) on table public.profiles to authenticated;
grant all on table public.profiles to service_role;

drop policy if exists "Users read their own profile" on public.profiles;
create policy "Users read their own profile" on public.profiles
  for select to authenticated
  using ((select auth.uid()) = id);

drop policy if exists "Users add their own profile" on public.profiles;
create policy "Users add their own profile" on public.profiles
  for insert to authenticated
  with check ((select auth.uid()) = id);

drop policy if exists "Users change their own profile" on public.profiles;
create policy "Users change their own profile" on public.profiles
  for update to authenticated
  using ((select auth.uid()) = id)
  with check ((select auth.uid()) = id);

create or replace trigger set_updated_at
  before update on public.profiles
  for each row execute function private.set_updated_at();

-- What a user typed at sign-up is cut to what the columns take, or left out: a profile must never stop a sign-up.
create or replace function private.handle_new_user()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.profiles (id, email, full_name, avatar_url)
  values (
    new.id,
    new.email,
    left(coalesce(new.raw_user_meta_data ->> 'full_name', new.raw_user_meta_data ->> 'name'), 200),
    (
      select given.url
      from (values (new.raw_user_meta_data ->> 'avatar_url')) as given (url)
      where given.url ~* '^https?://[^[:space:]]+$' and char_length(given.url) <= 2000
    )
  )
  on conflict (id) do update set email = excluded.email;
  return null;
end;
$$;
comment on function private.handle_new_user() is 'Trigger on auth.users: creates a profile at sign-up.';
revoke all on function private.handle_new_user() from public, anon, authenticated, service_role;

create or replace trigger musekit_user_created
  after insert on auth.users
  for each row execute function private.handle_new_user();

create or replace function private.handle_user_email_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.profiles set email = new.email where id = new.id;
  return null;
end;
$$;
comment on function private.handle_user_email_change() is 'Trigger on auth.users: updates the copy of the address.';
revoke all on function private.handle_user_email_change() from public, anon, authenticated, service_role;

create or replace trigger musekit_user_email_changed
  after update of email on auth.users
  for each row
  when (old.email is distinct from new.email)
  execute function private.handle_user_email_change();

-- A profile that the user inserts also gets the address of auth.users.
create or replace function private.set_profile_email()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  new.email = coalesce((select users.email from auth.users where users.id = new.id), new.email);
  return new;
end;
$$;
comment on function private.set_profile_email() is 'Trigger: the address of a new profile comes from auth.users.';
revoke all on function private.set_profile_email() from public, anon, authenticated, service_role;

create or replace trigger set_profile_email
  before insert on public.profiles
  for each row execute function private.set_profile_email();

-- Users who signed up before this file ran.
insert into public.profiles (id, email)
select users.id, users.email
from auth.users
on conflict (id) do nothing;
