/** Short texts of the schemas that the tests of holes build on. */

/** The condition of a policy: the row is the caller's. */
export const mine = 'owner_id = (select auth.uid())';

/** A table of rows that are their owner's alone; `more` are further columns, `seen` is who reads. */
export const owned = (
  table: string,
  more = '',
  seen = mine,
): string => `create table public.${table} (id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade, title text not null${more === '' ? '' : `, ${more}`});
  create index on public.${table} (owner_id); alter table public.${table} enable row level security;
  grant select, insert, update, delete on public.${table} to authenticated;
  create policy r on public.${table} for select to authenticated using (${seen});
  create policy i on public.${table} for insert to authenticated with check (${mine});
  create policy u on public.${table} for update to authenticated using (${mine}) with check (${mine});
  create policy d on public.${table} for delete to authenticated using (${mine});`;

/** Replaces the condition under which rows are read. */
export const seenBy = (table: string, using: string): string => `alter policy r on public.${table} using (${using});`;

/** Teams, whose members the server adds, and a helper that lists the caller's. */
export const teams = `create table public.teams (id uuid primary key default gen_random_uuid(), name text not null,
    created_by uuid not null default auth.uid() references auth.users (id));
  create table public.team_users (team_id uuid not null references public.teams (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'member' check (role in ('member', 'admin')), primary key (team_id, user_id));
  create index on public.team_users (user_id); create index on public.teams (created_by);
  create schema if not exists private; grant usage on schema private to authenticated;
  create function private.my_teams() returns setof uuid language sql stable security definer set search_path = '' as
    $$ select team_id from public.team_users where user_id = auth.uid() $$;
  revoke all on function private.my_teams() from public; grant execute on function private.my_teams() to authenticated;
  alter table public.teams enable row level security; alter table public.team_users enable row level security;
  create policy tr on public.teams for select to authenticated using (id in (select private.my_teams()));
  create policy mr on public.team_users for select to authenticated using (team_id in (select private.my_teams()));
  grant select on public.teams, public.team_users to authenticated;`;

/** The condition of a policy: the row is one of the caller's teams'. */
export const ours = 'team_id in (select private.my_teams())';

/** {@link teams}, and a table of theirs; `seen` is who reads. */
export const ofTeams = (
  table: string,
  seen: string,
): string => `${teams} create table public.${table} (id uuid primary key default gen_random_uuid(),
    team_id uuid not null references public.teams (id) on delete cascade, title text not null);
  create index on public.${table} (team_id); alter table public.${table} enable row level security;
  grant select, insert, update, delete on public.${table} to authenticated;
  create policy r on public.${table} for select to authenticated using (${seen});
  create policy i on public.${table} for insert to authenticated with check (${ours});
  create policy u on public.${table} for update to authenticated using (${ours}) with check (${ours});
  create policy d on public.${table} for delete to authenticated using (${ours});`;

/** A SECURITY DEFINER function, or its replacement, that signed-in users may call. */
export function callable(signature: string, returns: string, body: string, language = 'sql'): string {
  const name = signature.slice(0, signature.indexOf('('));
  return `create or replace function ${signature} returns ${returns} language ${language} security definer set search_path = '' as
    $$ ${body} $$; revoke all on function ${name} from public, anon; grant execute on function ${name} to authenticated;`;
}

/** A helper of policies, which runs with its owner's rights, or its replacement. */
export const helper = (
  signature: string,
  returns: string,
  body: string,
): string => `create schema if not exists private; grant usage on schema private to authenticated;
  create or replace function private.${signature} returns ${returns} language sql stable security definer set search_path = '' as $$ ${body} $$;`;

/** A table of rows that each belong to one of `parent`; `seen` is who reads, `more` are further columns. */
export const partOf = (
  table: string,
  parent: string,
  seen: string,
  more = '',
): string => `create table public.${table} (id uuid primary key default gen_random_uuid(),
    ${parent}_id uuid not null references public.${parent} (id) on delete cascade, body text not null${more === '' ? '' : `, ${more}`});
  create index on public.${table} (${parent}_id); alter table public.${table} enable row level security;
  grant select on public.${table} to authenticated; create policy r on public.${table} for select to authenticated using (${seen});`;

/** Row-level security and grants for signed-in users; the policies are the test's own. */
export const opened = (table: string, verbs: string): string =>
  `alter table public.${table} enable row level security; grant ${verbs} on public.${table} to authenticated;`;
