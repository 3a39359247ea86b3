-- 015 notifications: messages to a user inside the app, with a mark for those that were read, delivered live by Realtime.

create table if not exists public.notifications (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  kind text not null check (char_length(kind) between 1 and 100),
  title text not null check (char_length(title) between 1 and 200),
  body text not null default '' check (char_length(body) <= 2000),
  link text check (link ~ '^/([^/].*)?$' and char_length(link) <= 2000),
  read_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.notifications is 'Messages to a user inside the app. The backend writes them; users read, mark and delete theirs.';
comment on column public.notifications.kind is 'What it is about, in the app''s own words, e.g. invitation_accepted.';
comment on column public.notifications.link is 'The page it leads to, as a path of the app: starts with one slash, so that it never leads to another site.';
comment on column public.notifications.read_at is 'When the user read it; null while it is new.';
create index if not exists notifications_user_id_idx on public.notifications (user_id, created_at desc);
create index if not exists notifications_unread_idx on public.notifications (user_id) where read_at is null;

alter table public.notifications enable row level security;
revoke all on table public.notifications from public, anon, authenticated, service_role;
grant select, delete on table public.notifications to authenticated;
grant update (read_at) on table public.notifications to authenticated;
grant all on table public.notifications to service_role;

drop policy if exists "Users read their own notifications" on public.notifications;
create policy "Users read their own notifications" on public.notifications
  for select to authenticated
  using ((select auth.uid()) = user_id);

drop policy if exists "Users mark their own notifications" on public.notifications;
create policy "Users mark their own notifications" on public.notifications
  for update to authenticated
  using ((select auth.uid()) = user_id)
  with check ((select auth.uid()) = user_id);

drop policy if exists "Users delete their own notifications" on public.notifications;
create policy "Users delete their own notifications" on public.notifications
  for delete to authenticated
  using ((select auth.uid()) = user_id);

create or replace trigger set_updated_at
  before update on public.notifications
  for each row execute function private.set_updated_at();

-- Realtime delivers the changes of the tables in this publication, to those who may read the row.
do $$
begin
  if exists (select 1 from pg_catalog.pg_publication where pubname = 'supabase_realtime' and not puballtables)
    and not exists (
      select 1
      from pg_catalog.pg_publication_tables
      where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'notifications'
    )
  then
    alter publication supabase_realtime add table public.notifications;
  end if;
end;
$$;
