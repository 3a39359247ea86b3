/** Tables and policies as created by a kit's migrations, with flaws on demand. */
export const kitSchema = `
create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, email text, full_name text,
  updated_at timestamptz not null default now());
alter table public.profiles enable row level security;
grant select, update (full_name) on public.profiles to authenticated;
grant all on public.profiles to service_role;
create policy "own" on public.profiles for all to authenticated using ((select auth.uid()) = id) with check ((select auth.uid()) = id);
create function public.new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin insert into public.profiles (id, email) values (new.id, new.email); return new; end $$;
create trigger new_user after insert on auth.users for each row execute function public.new_user();

create table public.user_roles (user_id uuid primary key references auth.users (id) on delete cascade, role text not null);
alter table public.user_roles enable row level security;
grant select on public.user_roles to authenticated;
grant all on public.user_roles to service_role;
create policy "own role" on public.user_roles for select to authenticated using ((select auth.uid()) = user_id);

create table public.listings (id bigint generated always as identity primary key, address text not null default 'none', owner_id uuid);
alter table public.listings enable row level security;
grant select, insert, update, delete on public.listings to authenticated;
grant all on public.listings to service_role;
insert into public.listings (address) values ('a street');

create table public.plans (id text primary key, price integer not null);
alter table public.plans enable row level security;
grant select on public.plans to anon, authenticated;
create policy "plans are public" on public.plans for select to anon, authenticated using (true);
insert into public.plans values ('free', 0);

create policy "own folder is read" on storage.objects for select to authenticated
  using (bucket_id = 'photos' and (storage.foldername(name))[1] = (select auth.uid())::text);
create policy "own folder is written" on storage.objects for insert to authenticated
  with check (bucket_id = 'photos' and (storage.foldername(name))[1] = (select auth.uid())::text);
`;
