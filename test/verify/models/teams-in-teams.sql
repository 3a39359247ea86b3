-- Teams with teams in them: who is in a team is in all below it; its leads say who is in.
create schema private;
grant usage on schema private to authenticated;

create table public.teams (
  id uuid primary key default gen_random_uuid(),
  parent_id uuid references public.teams (id) on delete cascade,
  name text not null
);
create index on public.teams (parent_id);
create table public.team_members (
  team_id uuid not null references public.teams (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null default 'member' check (role in ('lead', 'member')),
  primary key (team_id, user_id)
);
create index on public.team_members (user_id);
create table public.projects (
  id uuid primary key default gen_random_uuid(),
  team_id uuid not null references public.teams (id) on delete cascade,
  title text not null
);
create index on public.projects (team_id);
create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  title text not null,
  done boolean not null default false
);
create index on public.tasks (project_id);

create function private.my_teams() returns setof uuid language sql stable security definer set search_path = '' as $$
  with recursive mine as (
    select team_id as id from public.team_members where user_id = (select auth.uid())
    union
    select t.id from public.teams t join mine m on t.parent_id = m.id
  ) select id from mine $$;
create function private.leads(team uuid) returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.team_members m where m.team_id = team and m.user_id = (select auth.uid()) and m.role = 'lead') $$;
create function private.team_of(project uuid) returns uuid language sql stable security definer set search_path = '' as $$
  select team_id from public.projects where id = project and team_id in (select private.my_teams()) $$;
revoke execute on all functions in schema private from public;
grant execute on all functions in schema private to authenticated;

alter table public.teams enable row level security;
alter table public.team_members enable row level security;
alter table public.projects enable row level security;
alter table public.tasks enable row level security;
create policy teams_read on public.teams for select to authenticated using (id in (select private.my_teams()));
create policy members_read on public.team_members for select to authenticated using (team_id in (select private.my_teams()));
create policy members_add on public.team_members for insert to authenticated with check (private.leads(team_id));
create policy members_remove on public.team_members for delete to authenticated using (private.leads(team_id));
create policy projects_read on public.projects for select to authenticated using (team_id in (select private.my_teams()));
create policy projects_add on public.projects for insert to authenticated with check (private.leads(team_id));
create policy projects_change on public.projects for update to authenticated using (private.leads(team_id)) with check (private.leads(team_id));
create policy projects_remove on public.projects for delete to authenticated using (private.leads(team_id));
create policy tasks_read on public.tasks for select to authenticated using (private.team_of(project_id) is not null);
create policy tasks_add on public.tasks for insert to authenticated with check (private.team_of(project_id) is not null);
create policy tasks_change on public.tasks for update to authenticated using (private.team_of(project_id) is not null) with check (private.team_of(project_id) is not null);
create policy tasks_remove on public.tasks for delete to authenticated using (private.team_of(project_id) is not null);
grant select on public.teams to authenticated;
grant select, insert, delete on public.team_members to authenticated;
grant select, insert, update, delete on public.projects, public.tasks to authenticated;
grant all on all tables in schema public to service_role;
