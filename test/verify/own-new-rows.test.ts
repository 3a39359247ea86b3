/** Rows that a stranger adds, and what then looks there: a helper by the session of who asks, a function by the row's key. */
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';

const sessions = (check: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.app_sessions (session_id uuid primary key, user_id uuid not null default auth.uid() references auth.users (id),
    acting_as uuid not null references auth.users (id));
  create table public.letters (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create index on public.app_sessions (user_id); create index on public.app_sessions (acting_as); create index on public.letters (user_id);
  alter table public.app_sessions enable row level security; alter table public.letters enable row level security;
  grant select, insert, delete on public.app_sessions to authenticated;
  grant select, insert, update, delete on public.letters to authenticated;
  create function private.actor() returns uuid language sql stable security definer set search_path = '' as $$
    select coalesce((select acting_as from public.app_sessions
      where session_id = (auth.jwt() ->> 'session_id')::uuid and user_id = auth.uid()), auth.uid()) $$;
  create policy r on public.app_sessions for select to authenticated using (user_id = ${me});
  create policy d on public.app_sessions for delete to authenticated using (user_id = ${me});
  create policy i on public.app_sessions for insert to authenticated with check (${check});
  create policy own on public.letters for all to authenticated
    using (user_id = (select private.actor())) with check (user_id = (select private.actor()));`;

const projects = (key: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.orgs (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.org_members (org_id uuid not null references public.orgs (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, role text not null default 'member', primary key (org_id, user_id));
  create table public.projects (id uuid primary key default gen_random_uuid(), org_id uuid not null references public.orgs (id),
    name text not null, unique (org_id, id));
  create table public.tasks (id uuid primary key default gen_random_uuid(), org_id uuid not null references public.orgs (id),
    project_id uuid not null, title text not null, ${key});
  create index on public.org_members (user_id); create index on public.tasks (org_id, project_id); create index on public.tasks (project_id);
  alter table public.orgs enable row level security; alter table public.org_members enable row level security;
  alter table public.projects enable row level security; alter table public.tasks enable row level security;
  grant select on public.orgs, public.org_members to authenticated;
  grant select, insert, update, delete on public.projects, public.tasks to authenticated;
  create function private.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as $$
    select org_id from public.org_members where user_id = auth.uid() $$;
  create function public.task_details(p_id uuid) returns table (title text, project text) language sql stable security definer
    set search_path = '' as $$ select t.title, p.name from public.tasks t join public.projects p on p.id = t.project_id
    where t.id = p_id and t.org_id in (select private.my_orgs()) $$;
  revoke all on function public.task_details(uuid) from public, anon; grant execute on function public.task_details(uuid) to authenticated;
  create policy r on public.orgs for select to authenticated using (id in (select private.my_orgs()));
  create policy r on public.org_members for select to authenticated using (org_id in (select private.my_orgs()));
  create policy m on public.projects for all to authenticated
    using (org_id in (select private.my_orgs())) with check (org_id in (select private.my_orgs()));
  create policy m on public.tasks for all to authenticated
    using (org_id in (select private.my_orgs())) with check (org_id in (select private.my_orgs()));`;

const links = (check: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.orgs (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.org_members (org_id uuid not null references public.orgs (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, role text not null default 'member' check (role in ('owner', 'member')),
    primary key (org_id, user_id));
  create table public.docs (id uuid primary key default gen_random_uuid(), org_id uuid not null references public.orgs (id), body text not null);
  create table public.org_links (parent_id uuid not null references public.orgs (id), child_id uuid not null references public.orgs (id),
    primary key (parent_id, child_id));
  create index on public.org_members (user_id); create index on public.docs (org_id); create index on public.org_links (child_id);
  alter table public.orgs enable row level security; alter table public.org_members enable row level security;
  alter table public.docs enable row level security; alter table public.org_links enable row level security;
  grant select on public.orgs, public.org_members, public.docs to authenticated; grant select, insert, delete on public.org_links to authenticated;
  create function private.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as $$
    select org_id from public.org_members where user_id = auth.uid() $$;
  create function private.owned() returns setof uuid language sql stable security definer set search_path = '' as $$
    select org_id from public.org_members where user_id = auth.uid() and role = 'owner' $$;
  create policy r on public.orgs for select to authenticated using (id in (select private.my_orgs()));
  create policy r on public.org_members for select to authenticated using (org_id in (select private.my_orgs()));
  create policy m on public.docs for select to authenticated using (org_id in (select private.my_orgs()));
  create policy up on public.docs for select to authenticated using (exists (select 1 from public.org_links l
    where l.child_id = org_id and l.parent_id in (select private.my_orgs())));
  create policy r on public.org_links for select to authenticated
    using (parent_id in (select private.my_orgs()) or child_id in (select private.my_orgs()));
  create policy d on public.org_links for delete to authenticated using (child_id in (select private.owned()));
  create policy i on public.org_links for insert to authenticated with check (${check});`;

const flags = (check: string): string => `create schema private; grant usage on schema private to authenticated;
  create table public.flags (user_id uuid not null default auth.uid() references auth.users (id), flag text not null, primary key (user_id, flag));
  create table public.notes (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create index on public.notes (user_id);
  alter table public.flags enable row level security; alter table public.notes enable row level security;
  grant select, insert on public.flags to authenticated; grant select, insert, update, delete on public.notes to authenticated;
  create function private.has_flag(f text) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.flags where user_id = auth.uid() and flag = f) $$;
  create policy r on public.flags for select to authenticated using (user_id = ${me});
  create policy i on public.flags for insert to authenticated with check (${check});
  create policy own on public.notes for all to authenticated using (user_id = ${me}) with check (user_id = ${me});
  create policy f on public.notes for select to authenticated using ((select private.has_flag('see_all')));`;

const pairs: Pair[] = [
  [
    'an organization takes another for the one below it',
    links('child_id in (select private.owned())'),
    links('parent_id in (select private.owned())'),
    'isolation-escalation public.org_links',
  ],
  [
    'a user turns a flag on',
    flags(`user_id = ${me} and flag in ('dark', 'beta')`),
    flags(`user_id = ${me}`),
    'isolation-escalation public.flags',
  ],
  [
    'a session that acts as another',
    sessions(`user_id = ${me} and acting_as = ${me}`),
    sessions(`user_id = ${me}`),
    'isolation-escalation public.app_sessions',
  ],
  [
    'a function tells of the project of another tenant, which a task of one’s own names',
    projects('foreign key (org_id, project_id) references public.projects (org_id, id)'),
    projects('foreign key (project_id) references public.projects (id)'),
    'isolation-escalation public.tasks',
  ],
];
testPairs(pairs);
