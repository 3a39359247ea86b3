import { describe } from 'vitest';
import { type Hole, testHoles, useProver } from './holes.ts';

const rooms = `
  create table public.rooms (id uuid primary key default gen_random_uuid(), name text);
  create table public.room_people (
    room_id uuid not null references public.rooms (id), user_id uuid not null references public.profiles (id), primary key (room_id, user_id));
  create function private.my_rooms() returns setof uuid language sql stable security definer set search_path = ''
    as 'select room_id from public.room_people where user_id = auth.uid()';
  create function private.is_in_room(room uuid, who uuid) returns boolean language sql stable security definer set search_path = ''
    as 'select exists (select 1 from public.room_people where room_id = room and user_id = who)';
  grant execute on function private.my_rooms(), private.is_in_room(uuid, uuid) to authenticated;
  alter table public.rooms enable row level security; alter table public.room_people enable row level security;
  grant select on public.rooms, public.room_people to authenticated;
  create policy mine on public.rooms for select to authenticated using (id in (select private.my_rooms()));
  create policy mine on public.room_people for select to authenticated using (room_id in (select private.my_rooms()));
  create table public.read_marks (
    room_id uuid not null references public.rooms (id), user_id uuid not null references public.profiles (id), note text, primary key (room_id, user_id));
  alter table public.read_marks enable row level security; grant select, insert on public.read_marks to authenticated;
  create policy mine on public.read_marks for select to authenticated using (user_id = (select auth.uid()));
`;

const holes: Hole[] = [
  {
    name: 'a row of another user, in a table that only its own user reads',
    sql: `${rooms} create policy sets on public.read_marks for insert to authenticated with check (room_id in (select private.my_rooms()))`,
    finds: ['isolation-insert public.read_marks'],
    says: /inserts rows in the name of another/,
    repair:
      'alter policy sets on public.read_marks with check (user_id = (select auth.uid()) and room_id in (select private.my_rooms()))',
  },
  {
    name: '… that its user is told of, as a member of the same room',
    sql: `${rooms} create policy sets on public.read_marks for insert to authenticated with check (user_id is not null)`,
    finds: ['isolation-insert public.read_marks'],
    repair:
      'alter policy sets on public.read_marks with check (room_id in (select private.my_rooms()) and private.is_in_room(room_id, user_id))',
  },
];

describe('whose a row is, by its keys', () => {
  testHoles(useProver(), holes);
});
