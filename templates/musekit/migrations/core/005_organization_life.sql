-- 005 organization life: creating, naming, leaving and closing an organization.
-- The user who creates an organization becomes its owner, and an organization never loses its last owner.

-- Runs as its owner: to find a free slug, it must see all organizations. Reserved are the names that the app needs for pages
-- and hosts of its own, and those that a visitor would take for the product itself.
create or replace function private.set_organization_slug()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  reserved constant text[] := array[
    'about', 'account', 'admin', 'api', 'app', 'assets', 'auth', 'billing', 'blog', 'cdn', 'dashboard', 'docs', 'email',
    'help', 'invite', 'login', 'logout', 'mail', 'new', 'null', 'onboarding', 'pricing', 'privacy', 'public', 'root',
    'security', 'settings', 'signin', 'signup', 'sign-in', 'sign-out', 'sign-up', 'static', 'status', 'support', 'system',
    'team', 'terms', 'undefined', 'webhooks', 'www'
  ];
begin
  if coalesce(new.slug, '') = '' then
    new.slug = trim(both '-' from left(regexp_replace(lower(new.name), '[^a-z0-9]+', '-', 'g'), 80));
    if new.slug = ''
      or new.slug = any (reserved)
      or exists (select 1 from public.organizations where organizations.slug = new.slug)
    then
      new.slug = concat_ws('-', nullif(new.slug, ''), left(replace(gen_random_uuid()::text, '-', ''), 12));
    end if;
  elsif new.slug = any (reserved) then
    raise exception 'The slug "%" is reserved.', new.slug using errcode = 'check_violation', hint = 'Choose another one.';
  end if;
  return new;
end;
$$;
comment on function private.set_organization_slug() is 'Trigger: gives an organization without a slug a free one, made from its name; refuses reserved ones.';
revoke all on function private.set_organization_slug() from public, anon, authenticated, service_role;

create or replace trigger set_organization_slug
  before insert or update of slug on public.organizations
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
comment on function private.handle_new_organization() is 'Trigger: makes the creator of an organization its owner.';
revoke all on function private.handle_new_organization() from public, anon, authenticated, service_role;

create or replace trigger organization_created
  after insert on public.organizations
  for each row execute function private.handle_new_organization();

-- Two owners who leave at the same moment would each see the other: the lock on the organization serializes them.
-- Deleting the organization or a user's account is allowed: the row that the membership references is gone already.
-- replace_last_owner() below deals with the organization of an account that is deleted.
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
comment on function private.keep_an_owner() is 'Trigger: refuses changes that would leave an organization without an owner.';
revoke all on function private.keep_an_owner() from public, anon, authenticated, service_role;

create or replace trigger keep_an_owner
  before update of role or delete on public.organization_members
  for each row execute function private.keep_an_owner();

-- The account of the last owner was deleted. The admin who joined first takes over, so that colleagues keep their work when
-- a person goes; an admin manages the organization already. Without one, no one was trusted with it: it is closed rather than
-- handed to a member, and the backend can open it again.
create or replace function private.replace_last_owner()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not exists (
      select 1
      from public.organizations
      where organizations.id = old.organization_id and organizations.deleted_at is null
    )
    or exists (
      select 1
      from public.organization_members as others
      where others.organization_id = old.organization_id and others.role = 'owner'
    )
  then
    return null;
  end if;
  update public.organization_members
  set role = 'owner'
  where organization_members.id = (
    select admins.id
    from public.organization_members as admins
    join auth.users on users.id = admins.user_id
    where admins.organization_id = old.organization_id and admins.role = 'admin'
    order by admins.created_at, admins.id
    limit 1
  );
  if not found then
    update public.organizations set deleted_at = now() where organizations.id = old.organization_id;
  end if;
  return null;
end;
$$;
comment on function private.replace_last_owner() is 'Trigger: an organization whose last owner has deleted their account goes to its first admin, or is closed.';
revoke all on function private.replace_last_owner() from public, anon, authenticated, service_role;

create or replace trigger replace_last_owner
  after delete on public.organization_members
  for each row
  when (old.role = 'owner')
  execute function private.replace_last_owner();

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
comment on function private.forget_founder() is 'Trigger: a creator who is no longer a member no longer sees the organization.';
revoke all on function private.forget_founder() from public, anon, authenticated, service_role;

create or replace trigger forget_founder
  after delete on public.organization_members
  for each row execute function private.forget_founder();

create or replace function private.forget_founder_when_closed()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.created_by = null;
  return new;
end;
$$;
comment on function private.forget_founder_when_closed() is 'Trigger: the creator of a closed organization no longer sees it.';
revoke all on function private.forget_founder_when_closed() from public, anon, authenticated, service_role;

create or replace trigger forget_founder_when_closed
  before insert or update of created_by, deleted_at on public.organizations
  for each row
  when (new.deleted_at is not null)
  execute function private.forget_founder_when_closed();

create or replace function public.delete_organization(organization uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if (delete_organization.organization = any (private.user_organization_ids(array['owner']))) is not true then
    raise exception 'Only an owner can delete an organization.' using errcode = 'insufficient_privilege';
  end if;
  update public.organizations set deleted_at = now() where organizations.id = delete_organization.organization;
end;
$$;
comment on function public.delete_organization(uuid) is 'Closes an organization: its rows stay, but no one has access any more. For its owners.';
revoke all on function public.delete_organization(uuid) from public, anon, authenticated, service_role;
grant execute on function public.delete_organization(uuid) to authenticated;

-- No policy shows a closed organization, so its owners see here what they can open again.
create or replace function public.closed_organizations()
returns table (organization_id uuid, name text, slug text, closed_at timestamptz, reopen_until timestamptz)
language sql
stable
security definer
set search_path = ''
as $$
  select
    organizations.id,
    organizations.name,
    organizations.slug,
    organizations.deleted_at,
    organizations.deleted_at + interval '30 days'
  from public.organization_members as members
  join public.organizations on organizations.id = members.organization_id
  where members.user_id = (select auth.uid())
    and members.role = 'owner'
    and organizations.deleted_at > now() - interval '30 days'
  order by organizations.deleted_at desc
$$;
comment on function public.closed_organizations() is 'The closed organizations that the signed-in user owned and can open again, with the end of that time.';
revoke all on function public.closed_organizations() from public, anon, authenticated, service_role;
grant execute on function public.closed_organizations() to authenticated;

create or replace function public.reopen_organization(organization uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.organizations
  set deleted_at = null
  where organizations.id = reopen_organization.organization
    and organizations.deleted_at > now() - interval '30 days'
    and exists (
      select 1
      from public.organization_members as members
      where members.organization_id = organizations.id and members.user_id = auth.uid() and members.role = 'owner'
    );
  if not found then
    raise exception 'There is no organization of yours that was closed in the last 30 days.'
      using errcode = 'insufficient_privilege';
  end if;
end;
$$;
comment on function public.reopen_organization(uuid) is 'Opens a closed organization again, within 30 days. For those who owned it.';
revoke all on function public.reopen_organization(uuid) from public, anon, authenticated, service_role;
grant execute on function public.reopen_organization(uuid) to authenticated;

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
