-- 007 invitations: an owner or admin invites an email address; a user with the token and that address can accept.
-- create_invitation() shows the token once; the table only stores its SHA-256.

create table if not exists public.invitations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  email text not null check (char_length(email) between 3 and 320),
  role text not null default 'member' check (role in ('admin', 'member', 'viewer')),
  token_hash text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
  invited_by uuid references auth.users (id) on delete set null,
  expires_at timestamptz not null default now() + interval '7 days',
  accepted_at timestamptz,
  accepted_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.invitations is 'Invitations to an organization. Created by create_invitation(), used by accept_invitation(), withdrawn by deleting the row.';
comment on column public.invitations.email is 'The invited address in lower case; only a user with that address can accept.';
comment on column public.invitations.token_hash is 'SHA-256 of the token in lower-case hex; the token itself is not stored.';
comment on column public.invitations.expires_at is 'When the token expires.';
create index if not exists invitations_organization_id_idx on public.invitations (organization_id);
create unique index if not exists invitations_open_key on public.invitations (organization_id, email) where accepted_at is null;
create index if not exists invitations_invited_by_idx on public.invitations (invited_by);
create index if not exists invitations_accepted_by_idx on public.invitations (accepted_by);

alter table public.invitations enable row level security;
revoke all on table public.invitations from public, anon, authenticated, service_role;
-- Not the hash: a token that was guessed could be checked against it. "select *" needs these names instead.
grant select (id, organization_id, email, role, invited_by, expires_at, accepted_at, accepted_by, created_at, updated_at)
  on table public.invitations to authenticated;
grant delete on table public.invitations to authenticated;
grant all on table public.invitations to service_role;

drop policy if exists "Owners and admins read invitations" on public.invitations;
create policy "Owners and admins read invitations" on public.invitations
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]));

drop policy if exists "Owners and admins withdraw invitations" on public.invitations;
create policy "Owners and admins withdraw invitations" on public.invitations
  for delete to authenticated
  using (organization_id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]));

create or replace trigger set_updated_at
  before update on public.invitations
  for each row execute function private.set_updated_at();

create or replace function private.sha256_hex(clear text)
returns text
language sql
immutable
strict
set search_path = ''
as $$
  select encode(sha256(convert_to(clear, 'UTF8')), 'hex')
$$;
comment on function private.sha256_hex(text) is 'SHA-256 of a text in lower-case hex: how tokens and keys are stored.';
revoke all on function private.sha256_hex(text) from public, anon, authenticated, service_role;

create or replace function private.random_hex()
returns text
language sql
volatile
set search_path = ''
as $$
  select replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')
$$;
comment on function private.random_hex() is '64 hex digits with 244 random bits from PostgreSQL''s strong random generator.';
revoke all on function private.random_hex() from public, anon, authenticated, service_role;

-- An address has one open invitation to an organization: a new one replaces it, and its token stops working.
create or replace function public.create_invitation(organization uuid, email text, role text default 'member')
returns table (invitation_id uuid, token text, expires_at timestamptz)
language plpgsql
security definer
set search_path = ''
as $$
declare
  clear_token text := private.random_hex();
  address constant text := lower(trim(email));
begin
  if (organization = any (private.user_organization_ids(array['owner', 'admin']))) is not true then
    raise exception 'Only owners and admins of an organization can invite people to it.' using errcode = 'insufficient_privilege';
  end if;
  if role = 'admin' and (organization = any (private.user_organization_ids(array['owner']))) is not true then
    raise exception 'Only an owner can invite an admin.' using errcode = 'insufficient_privilege';
  end if;
  if exists (
    select 1
    from public.organization_members as members
    join auth.users on users.id = members.user_id
    where members.organization_id = create_invitation.organization and lower(users.email) = address
  ) then
    raise exception 'This address belongs to a member of the organization already.' using errcode = 'unique_violation';
  end if;
  delete from public.invitations
  where invitations.organization_id = create_invitation.organization
    and invitations.email = address
    and invitations.accepted_at is null;
  return query
    insert into public.invitations as invitations (organization_id, email, role, token_hash, invited_by)
    values (
      create_invitation.organization,
      address,
      create_invitation.role,
      private.sha256_hex(clear_token),
      auth.uid()
    )
    returning invitations.id, clear_token, invitations.expires_at;
end;
$$;
comment on function public.create_invitation(uuid, text, text) is 'Invites an address to an organization; returns the token, which is never shown again.';
revoke all on function public.create_invitation(uuid, text, text) from public, anon, authenticated, service_role;
grant execute on function public.create_invitation(uuid, text, text) to authenticated;

-- The address is read from auth.users, not from the access token, which may be older than the last change of address. It must
-- be confirmed: anyone can sign up with an address that is not theirs. An unknown token and a token for another user get the
-- same answer, so that guessing tokens reveals nothing.
create or replace function public.accept_invitation(token text)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  found_invitation public.invitations;
begin
  if exists (select 1 from auth.users where users.id = auth.uid() and users.email_confirmed_at is null) then
    raise exception 'Confirm your email address first.' using errcode = 'insufficient_privilege';
  end if;
  select invitations.* into found_invitation
  from public.invitations
  join auth.users on users.id = auth.uid()
    and lower(users.email) = invitations.email
    and users.email_confirmed_at is not null
  join public.organizations on organizations.id = invitations.organization_id and organizations.deleted_at is null
  where invitations.token_hash = private.sha256_hex(accept_invitation.token)
  for update of invitations;
  if not found then
    raise exception 'There is no such invitation for your email address.' using errcode = 'insufficient_privilege';
  end if;
  if found_invitation.accepted_at is not null then
    raise exception 'This invitation has been used.' using errcode = 'insufficient_privilege';
  end if;
  if found_invitation.expires_at <= now() then
    raise exception 'This invitation has expired.'
      using errcode = 'insufficient_privilege', hint = 'Ask for a new one.';
  end if;
  insert into public.organization_members (organization_id, user_id, role)
  values (found_invitation.organization_id, auth.uid(), found_invitation.role)
  on conflict (organization_id, user_id) do nothing;
  update public.invitations
  set accepted_at = now(), accepted_by = auth.uid()
  where invitations.id = found_invitation.id;
  return found_invitation.organization_id;
end;
$$;
comment on function public.accept_invitation(text) is 'Makes the signed-in user a member of the organization that invited their address; returns the organization.';
revoke all on function public.accept_invitation(text) from public, anon, authenticated, service_role;
grant execute on function public.accept_invitation(text) to authenticated;
