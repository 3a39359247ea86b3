-- 004 organizations: tenants, who belongs to them and with which role, and the helpers that every tenant's policy uses.
-- Whoever creates an organization becomes its owner, and an organization that has an owner never loses the last one.

create table if not exists public.organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (char_length(name) between 1 and 200),
  slug text not null unique check (char_length(slug) between 1 and 100),
  logo_url text,
  created_by uuid default auth.uid() references auth.users (id) on delete set null,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.organizations is 'A tenant: every row with an organization_id belongs to one of these.';
comment on column public.organizations.slug is 'Name in addresses; made from the name when left out.';
comment on column public.organizations.created_by is 'Who founded it, for as long as they are a member; the roles are in organization_members.';
comment on column public.organizations.deleted_at is 'Set by delete_organization(): from then on nobody is let in, and nothing is lost.';
create index if not exists organizations_created_by_idx on public.organizations (created_by);

create table if not exists public.organization_members (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null default 'member' check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, user_id)
);
comment on table public.organization_members is 'Who belongs to an organization. Rows come from founding one or from accepting an invitation.';
comment on column public.organization_members.role is 'owner (everything, members too), admin (invites, keys, settings), member (works), viewer (reads).';
create index if not exists organization_members_user_id_idx on public.organization_members (user_id, organization_id);

-- The helpers run as their owner, so a policy of organization_members that calls them does not read itself again.
create or replace function private.user_organization_ids()
returns uuid[]
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(array_agg(members.organization_id), '{}'::uuid[])
  from public.organization_members as members
  join public.organizations on organizations.id = members.organization_id
  where members.user_id = (select auth.uid()) and organizations.deleted_at is null
$$;
comment on function private.user_organization_ids() is 'The organizations of the signed-in user. In a policy: organization_id = any ((select private.user_organization_ids())::uuid[]).';
revoke all on function private.user_organization_ids() from public, anon, authenticated, service_role;
grant execute on function private.user_organization_ids() to authenticated, service_role;

create or replace function private.user_organization_ids(roles text[])
returns uuid[]
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(array_agg(members.organization_id), '{}'::uuid[])
  from public.organization_members as members
  join public.organizations on organizations.id = members.organization_id
  where members.user_id = (select auth.uid())
    and members.role = any (user_organization_ids.roles)
    and organizations.deleted_at is null
$$;
comment on function private.user_organization_ids(text[]) is 'The organizations in which the signed-in user has one of the roles.';
revoke all on function private.user_organization_ids(text[]) from public, anon, authenticated, service_role;
grant execute on function private.user_organization_ids(text[]) to authenticated, service_role;

-- For functions that take an organization. An application that isolates by session variables is let in to the one that it
-- has set on its own connection; users of the Data API cannot set variables, and are not believed if they could.
create or replace function private.caller_sees_organization(organization uuid)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
  select private.caller_bypasses_rls()
    or coalesce(organization = any (private.user_organization_ids()), false)
    or (
      private.caller_role() not in ('anon', 'authenticated')
      and organization::text = coalesce(current_setting('app.current_org_id', true), '')
    )
$$;
comment on function private.caller_sees_organization(uuid) is 'Says whether the caller is the backend or belongs to the organization.';
revoke all on function private.caller_sees_organization(uuid) from public, anon, authenticated, service_role;

alter table public.organizations enable row level security;
revoke all on table public.organizations from public, anon, authenticated, service_role;
grant select on table public.organizations to authenticated;
grant insert (id, name, slug, logo_url, created_by) on table public.organizations to authenticated;
grant update (name, slug, logo_url) on table public.organizations to authenticated;
grant all on table public.organizations to service_role;

-- The founder is named as well: INSERT … RETURNING reads the new row before the trigger has made its founder a member.
drop policy if exists "Members and the founder read their organization" on public.organizations;
create policy "Members and the founder read their organization" on public.organizations
  for select to authenticated
  using (id = any ((select private.user_organization_ids())::uuid[]) or created_by = (select auth.uid()));

drop policy if exists "Users found organizations" on public.organizations;
create policy "Users found organizations" on public.organizations
  for insert to authenticated
  with check (created_by = (select auth.uid()));

drop policy if exists "Owners and admins change their organization" on public.organizations;
create policy "Owners and admins change their organization" on public.organizations
  for update to authenticated
  using (id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]))
  with check (id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]));

alter table public.organization_members enable row level security;
revoke all on table public.organization_members from public, anon, authenticated, service_role;
grant select, delete on table public.organization_members to authenticated;
grant update (role) on table public.organization_members to authenticated;
grant all on table public.organization_members to service_role;

drop policy if exists "Members read the members of their organizations" on public.organization_members;
create policy "Members read the members of their organizations" on public.organization_members
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids())::uuid[]));

drop policy if exists "Owners change roles" on public.organization_members;
create policy "Owners change roles" on public.organization_members
  for update to authenticated
  using (organization_id = any ((select private.user_organization_ids(array['owner']))::uuid[]))
  with check (organization_id = any ((select private.user_organization_ids(array['owner']))::uuid[]));

drop policy if exists "Owners remove anyone, admins remove members, all may leave" on public.organization_members;
create policy "Owners remove anyone, admins remove members, all may leave" on public.organization_members
  for delete to authenticated
  using (
    organization_id = any ((select private.user_organization_ids(array['owner']))::uuid[])
    or (role in ('member', 'viewer') and organization_id = any ((select private.user_organization_ids(array['admin']))::uuid[]))
    or user_id = (select auth.uid())
  );

create or replace trigger set_updated_at
  before update on public.organizations
  for each row execute function private.set_updated_at();

create or replace trigger set_updated_at
  before update on public.organization_members
  for each row execute function private.set_updated_at();

-- Runs as its owner: to find a free slug it must see the organizations of others.
create or replace function private.set_organization_slug()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if new.slug is null then
    new.slug = trim(both '-' from left(regexp_replace(lower(new.name), '[^a-z0-9]+', '-', 'g'), 80));
    if new.slug = '' or exists (select 1 from public.organizations where organizations.slug = new.slug) then
      new.slug = concat_ws('-', nullif(new.slug, ''), left(replace(gen_random_uuid()::text, '-', ''), 12));
    end if;
  end if;
  return new;
end;
$$;
comment on function private.set_organization_slug() is 'Trigger: an organization without a slug gets a free one, made from its name.';
revoke all on function private.set_organization_slug() from public, anon, authenticated, service_role;

create or replace trigger set_organization_slug
  before insert on public.organizations
  for each row execute function private.set_organization_slug();

create or replace function private.handle_new_organization()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if new.created_by is not null then
    insert into public.organization_members (organization_id, user_id, role)
    values (new.id, new.created_by, 'owner')
    on conflict (organization_id, user_id) do nothing;
  end if;
  return null;
end;
$$;
comment on function private.handle_new_organization() is 'Trigger: who founds an organization owns it.';
revoke all on function private.handle_new_organization() from public, anon, authenticated, service_role;

create or replace trigger organization_created
  after insert on public.organizations
  for each row execute function private.handle_new_organization();

-- Two owners who leave at the same moment would each see the other: the lock on the organization lines them up.
-- Deleting the organization or a user's account goes through: there the row that the membership hangs on is gone already.
create or replace function private.keep_an_owner()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if old.role <> 'owner' or (tg_op = 'UPDATE' and new.role = 'owner') then
    return case when tg_op = 'DELETE' then old else new end;
  end if;
  perform 1 from public.organizations where organizations.id = old.organization_id for update;
  if found
    and exists (select 1 from auth.users where users.id = old.user_id)
    and not exists (
      select 1
      from public.organization_members as others
      where others.organization_id = old.organization_id and others.role = 'owner' and others.id <> old.id
    )
  then
    raise exception 'The last owner of an organization cannot leave it or take another role.'
      using errcode = 'insufficient_privilege', hint = 'Make another member an owner first.';
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end;
$$;
comment on function private.keep_an_owner() is 'Trigger: refuses what would leave an organization without an owner.';
revoke all on function private.keep_an_owner() from public, anon, authenticated, service_role;

create or replace trigger keep_an_owner
  before update of role or delete on public.organization_members
  for each row execute function private.keep_an_owner();

create or replace function private.forget_founder()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.organizations
  set created_by = null
  where organizations.id = old.organization_id and organizations.created_by = old.user_id;
  return null;
end;
$$;
comment on function private.forget_founder() is 'Trigger: a founder who is no longer a member no longer sees the organization.';
revoke all on function private.forget_founder() from public, anon, authenticated, service_role;

create or replace trigger forget_founder
  after delete on public.organization_members
  for each row execute function private.forget_founder();

create or replace function public.delete_organization(organization uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not (delete_organization.organization = any (private.user_organization_ids(array['owner']))) then
    raise exception 'Only an owner can delete an organization.' using errcode = 'insufficient_privilege';
  end if;
  update public.organizations set deleted_at = now() where organizations.id = delete_organization.organization;
end;
$$;
comment on function public.delete_organization(uuid) is 'Closes an organization: its rows stay, and nobody is let in any more. For its owners.';
revoke all on function public.delete_organization(uuid) from public, anon, authenticated, service_role;
grant execute on function public.delete_organization(uuid) to authenticated;

create or replace function public.organization_people(organization uuid)
returns table (user_id uuid, role text, email text, full_name text, avatar_url text)
language sql
stable
security definer
set search_path = ''
as $$
  select members.user_id, members.role, profiles.email, profiles.full_name, profiles.avatar_url
  from public.organization_members as members
  join public.profiles on profiles.id = members.user_id
  where members.organization_id = organization_people.organization
    and organization_people.organization = any ((select private.user_organization_ids())::uuid[])
  order by profiles.full_name, profiles.email
$$;
comment on function public.organization_people(uuid) is 'The members of an organization with their names, for its members; profiles themselves stay private.';
revoke all on function public.organization_people(uuid) from public, anon, authenticated, service_role;
grant execute on function public.organization_people(uuid) to authenticated;
