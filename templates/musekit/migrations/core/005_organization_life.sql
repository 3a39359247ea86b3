-- 005 organization life: creating, naming, leaving and closing an organization.
-- The user who creates an organization becomes its owner, and an organization never loses its last owner.

-- Runs as its owner: to find a free slug, it must see all organizations.
create or replace function private.set_organization_slug()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if coalesce(new.slug, '') = '' then
    new.slug = trim(both '-' from left(regexp_replace(lower(new.name), '[^a-z0-9]+', '-', 'g'), 80));
    if new.slug = '' or exists (select 1 from public.organizations where organizations.slug = new.slug) then
      new.slug = concat_ws('-', nullif(new.slug, ''), left(replace(gen_random_uuid()::text, '-', ''), 12));
    end if;
  end if;
  return new;
end;
$$;
comment on function private.set_organization_slug() is 'Trigger: gives an organization without a slug a free one, made from its name.';
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
comment on function private.handle_new_organization() is 'Trigger: makes the creator of an organization its owner.';
revoke all on function private.handle_new_organization() from public, anon, authenticated, service_role;

create or replace trigger organization_created
  after insert on public.organizations
  for each row execute function private.handle_new_organization();

-- Two owners who leave at the same moment would each see the other: the lock on the organization serializes them.
-- Deleting the organization or a user's account is allowed: the row that the membership references is gone already.
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
