-- Rooms, who is in them, what they write, and what each has read; whoever makes a room asks others in.
create schema private;
grant usage on schema private to authenticated;

create table public.rooms (
  id uuid primary key default gen_random_uuid(),
  created_by uuid not null default auth.uid() references auth.users (id) on delete cascade,
  name text not null
);
create index on public.rooms (created_by);
create table public.room_members (
  room_id uuid not null references public.rooms (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  joined_at timestamptz not null default now(),
  primary key (room_id, user_id)
);
create index on public.room_members (user_id);
create table public.messages (
  id uuid primary key default gen_random_uuid(),
  room_id uuid not null references public.rooms (id) on delete cascade,
  sender_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  body text not null,
  sent_at timestamptz not null default now()
);
create index on public.messages (room_id);
create index on public.messages (sender_id);
create table public.read_marks (
  room_id uuid not null references public.rooms (id) on delete cascade,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  read_at timestamptz not null default now(),
  primary key (room_id, user_id)
);
create index on public.read_marks (user_id);

create function private.my_rooms() returns setof uuid language sql stable security definer set search_path = '' as $$
  select room_id from public.room_members where user_id = (select auth.uid()) $$;
create function private.made_room(room uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.rooms r where r.id = room and r.created_by = (select auth.uid())) $$;
revoke execute on all functions in schema private from public;
grant execute on all functions in schema private to authenticated;

alter table public.rooms enable row level security;
alter table public.room_members enable row level security;
alter table public.messages enable row level security;
alter table public.read_marks enable row level security;
create policy rooms_read on public.rooms for select to authenticated using (created_by = (select auth.uid()) or id in (select private.my_rooms()));
create policy rooms_add on public.rooms for insert to authenticated with check (created_by = (select auth.uid()));
create policy rooms_rename on public.rooms for update to authenticated using (created_by = (select auth.uid())) with check (created_by = (select auth.uid()));
create policy members_read on public.room_members for select to authenticated using (room_id in (select private.my_rooms()) or private.made_room(room_id));
create policy members_add on public.room_members for insert to authenticated with check (private.made_room(room_id));
create policy members_leave on public.room_members for delete to authenticated using (user_id = (select auth.uid()) or private.made_room(room_id));
create policy messages_read on public.messages for select to authenticated using (room_id in (select private.my_rooms()));
create policy messages_send on public.messages for insert to authenticated with check (sender_id = (select auth.uid()) and room_id in (select private.my_rooms()));
create policy messages_take_back on public.messages for delete to authenticated using (sender_id = (select auth.uid()) and room_id in (select private.my_rooms()));
create policy marks_read on public.read_marks for select to authenticated using (user_id = (select auth.uid()));
create policy marks_set on public.read_marks for insert to authenticated with check (user_id = (select auth.uid()) and room_id in (select private.my_rooms()));
create policy marks_move on public.read_marks for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()) and room_id in (select private.my_rooms()));
grant select, insert on public.rooms to authenticated;
grant update (name) on public.rooms to authenticated;
grant select, insert, delete on public.room_members, public.messages to authenticated;
grant select, insert on public.read_marks to authenticated;
grant update (read_at) on public.read_marks to authenticated;
grant all on all tables in schema public to service_role;
