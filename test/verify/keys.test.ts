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

const mine = 'organization_id in (select private.my_organizations())';
const invoices = `
  create table public.invoices (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), body text);
  alter table public.invoices enable row level security; grant select, insert, update, delete on public.invoices to authenticated;
  create function private.is_owner() returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.organization_members where user_id = auth.uid() and role = 'owner') $$;
  create function private.owns(o uuid) returns boolean language sql stable security definer set search_path = ''
    as $$ select exists (select 1 from public.organization_members where user_id = auth.uid() and role = 'owner' and organization_id = o) $$;
  grant execute on function private.is_owner(), private.owns(uuid) to authenticated;
`;

const holes: Hole[] = [
  {
    name: 'a row of another user, in a table that only its own user reads',
    sql: `${rooms} create policy sets on public.read_marks for insert to authenticated with check (room_id in (select private.my_rooms()))`,
    finds: ['isolation-insert public.read_marks'],
    says: /inserts rows on behalf of another/,
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
  {
    name: 'a role that counts in whichever organization it is',
    sql: `${invoices} create policy own on public.invoices to authenticated using (${mine} and private.is_owner()) with check (${mine} and private.is_owner())`,
    finds: [
      'isolation-insert public.invoices',
      'isolation-read public.invoices',
      'isolation-reassign public.invoices',
      'isolation-write public.invoices',
    ],
    says: /multi-org reads it/,
    repair:
      'alter policy own on public.invoices using (private.owns(organization_id)) with check (private.owns(organization_id))',
  },
  {
    name: 'a row of another that was deleted, which anyone restores',
    sql: `
      create table public.items (id uuid primary key default gen_random_uuid(), owner_id uuid not null references public.profiles (id), body text, deleted_at timestamptz);
      alter table public.items enable row level security; grant select, update on public.items to authenticated;
      create policy s on public.items for select to authenticated using (owner_id = (select auth.uid()));
      create policy u on public.items for update to authenticated using (owner_id = (select auth.uid()) and deleted_at is null or deleted_at is not null) with check (deleted_at is null);`,
    finds: ['isolation-reassign public.items', 'isolation-write public.items'],
    repair: `alter policy u on public.items using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));`,
  },
  {
    name: "a policy that asks a view with its owner's rights, which shows the rows of all",
    sql: `
      create table public.grants_of (user_id uuid not null references public.profiles (id), organization_id uuid not null references public.organizations (id), primary key (user_id, organization_id));
      alter table public.grants_of enable row level security;
      create view private.granted as select organization_id, user_id from public.grants_of;
      grant select on private.granted to authenticated;
      create table public.reports (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), body text);
      alter table public.reports enable row level security; grant select on public.reports to authenticated;
      create policy s on public.reports for select to authenticated using (exists (select 1 from private.granted g where g.organization_id = reports.organization_id));`,
    finds: ['isolation-read private.granted', 'isolation-read public.reports'],
    repair: `create or replace view private.granted as select organization_id, user_id from public.grants_of where user_id = auth.uid();`,
  },
  {
    name: 'a room that anyone renames, not only who is in it',
    sql: `
      create table public.rooms (id uuid primary key default gen_random_uuid(), name text);
      create table public.room_people (room_id uuid not null references public.rooms (id), user_id uuid not null references public.profiles (id), primary key (room_id, user_id));
      alter table public.rooms enable row level security; alter table public.room_people enable row level security;
      create function private.my_rooms() returns setof uuid language sql stable security definer set search_path = '' as 'select room_id from public.room_people where user_id = auth.uid()';
      grant execute on function private.my_rooms() to authenticated;
      grant select, insert, update on public.rooms to authenticated; grant select on public.room_people to authenticated;
      create policy s on public.rooms for select to authenticated using (id in (select private.my_rooms()));
      create policy i on public.rooms for insert to authenticated with check ((select auth.uid()) is not null);
      create policy u on public.rooms for update to authenticated using ((select auth.uid()) is not null) with check (id in (select private.my_rooms()) or name is not null);
      create policy s on public.room_people for select to authenticated using (user_id = (select auth.uid()));`,
    finds: ['isolation-write public.rooms'],
    repair: `alter policy u on public.rooms using (id in (select private.my_rooms())) with check (id in (select private.my_rooms()));`,
  },
  {
    name: 'a row under the organization of another, which a key over two columns lets pass',
    sql: `
      create table public.projects (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), unique (id, organization_id));
      create table public.tasks (id uuid primary key default gen_random_uuid(), organization_id uuid not null, project_id uuid not null, body text, foreign key (project_id, organization_id) references public.projects (id, organization_id));
      alter table public.projects enable row level security; alter table public.tasks enable row level security;
      grant select on public.projects to authenticated; grant select, insert, update on public.tasks to authenticated;
      create policy s on public.projects for select to authenticated using (organization_id in (select private.my_organizations()));
      create policy s on public.tasks for select to authenticated using (organization_id in (select private.my_organizations()));
      create policy i on public.tasks for insert to authenticated with check (body is not null);
      create policy u on public.tasks for update to authenticated using (organization_id in (select private.my_organizations()));`,
    finds: ['isolation-insert public.tasks'],
    repair: `alter policy i on public.tasks with check (exists (select 1 from public.projects p where p.id = tasks.project_id));`,
  },
  {
    name: 'a comment on a paper, where the key leads to posts or papers',
    sql: `
      create table public.posts (id uuid primary key default gen_random_uuid(), owner_id uuid not null references public.profiles (id), body text);
      create table public.papers (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), body text);
      create table public.comments (id uuid primary key default gen_random_uuid(), subject_type text not null check (subject_type in ('post', 'paper')), subject_id uuid not null, body text);
      alter table public.posts enable row level security; alter table public.papers enable row level security; alter table public.comments enable row level security;
      grant select on public.posts, public.papers, public.comments to authenticated;
      create policy s on public.posts for select to authenticated using (owner_id = (select auth.uid()));
      create policy s on public.papers for select to authenticated using (organization_id in (select private.my_organizations()));
      create policy s on public.comments for select to authenticated using (subject_type = 'post' and exists (select 1 from public.posts p where p.id = subject_id) or subject_type = 'paper');`,
    finds: ['isolation-read public.comments'],
    repair: `alter policy s on public.comments using (subject_type = 'post' and exists (select 1 from public.posts p where p.id = subject_id) or subject_type = 'paper' and exists (select 1 from public.papers p where p.id = subject_id));`,
  },
  {
    name: 'a box of a project, where the key leads to projects or organizations',
    sql: `
      create table public.projects (id uuid primary key default gen_random_uuid(), owner_id uuid not null references public.profiles (id), name text);
      create table public.boxes (id uuid primary key default gen_random_uuid(), owner_type text not null check (owner_type in ('project', 'organization')), owner_id uuid not null, body text);
      alter table public.projects enable row level security; alter table public.boxes enable row level security;
      grant select on public.projects to authenticated; grant select, delete on public.boxes to authenticated;
      create policy s on public.projects for select to authenticated using (owner_id = (select auth.uid()));
      create policy s on public.boxes for select to authenticated using (owner_type = 'organization' and owner_id in (select private.my_organizations()) or owner_type = 'project' and exists (select 1 from public.projects p where p.id = boxes.owner_id));
      create policy d on public.boxes for delete to authenticated using (owner_type <> 'organization' or owner_id in (select private.my_organizations()));`,
    finds: ['isolation-write public.boxes'],
    repair: `alter policy d on public.boxes using (owner_type = 'organization' and owner_id in (select private.my_organizations()) or owner_type = 'project' and exists (select 1 from public.projects p where p.id = boxes.owner_id));`,
  },
  {
    name: 'what an organization owns, where the key leads to users or organizations',
    sql: `
      create table public.assets (id uuid primary key default gen_random_uuid(), owner_type text not null check (owner_type in ('user', 'organization')), owner_id uuid not null, body text);
      alter table public.assets enable row level security; grant select on public.assets to authenticated;
      create policy p on public.assets for select to authenticated using (owner_type = 'user' and owner_id = (select auth.uid()) or owner_type = 'organization');`,
    finds: ['isolation-read public.assets'],
    repair: `alter policy p on public.assets using (owner_type = 'user' and owner_id = (select auth.uid()) or owner_type = 'organization' and owner_id in (select private.my_organizations()));`,
  },
];

describe('whose a row is, by its keys', () => {
  testHoles(useProver(), holes);
});
