-- 009 api_keys: keys that let other programs act for an organization.
-- create_api_key() shows a key once; the table stores its SHA-256 and, to recognize it, its first characters.

create table if not exists public.api_keys (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  created_by uuid references auth.users (id) on delete set null,
  name text not null check (char_length(name) between 1 and 200),
  prefix text not null,
  key_hash text not null unique check (key_hash ~ '^[0-9a-f]{64}$'),
  scopes text[] not null default '{}',
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.api_keys is 'API keys of an organization, as hashes. Created by create_api_key(), revoked by revoke_api_key().';
comment on column public.api_keys.prefix is 'The first characters of the key, to recognize it; useless on their own.';
comment on column public.api_keys.key_hash is 'SHA-256 of the whole key in lower-case hex; the key itself is not stored.';
comment on column public.api_keys.scopes is 'What the key may do, in the app''s own words; a key without scopes may do nothing.';
comment on column public.api_keys.revoked_at is 'When the key was revoked; this cannot be undone.';
create index if not exists api_keys_organization_id_idx on public.api_keys (organization_id);
create index if not exists api_keys_created_by_idx on public.api_keys (created_by);

alter table public.api_keys enable row level security;
revoke all on table public.api_keys from public, anon, authenticated, service_role;
-- Not the hash: a key that was guessed could be checked against it. "select *" needs these names instead.
grant select (id, organization_id, created_by, name, prefix, scopes, last_used_at, expires_at, revoked_at, created_at, updated_at)
  on table public.api_keys to authenticated;
grant update (name) on table public.api_keys to authenticated;
grant all on table public.api_keys to service_role;

drop policy if exists "Owners and admins read the keys" on public.api_keys;
create policy "Owners and admins read the keys" on public.api_keys
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]));

drop policy if exists "Owners and admins rename keys" on public.api_keys;
create policy "Owners and admins rename keys" on public.api_keys
  for update to authenticated
  using (organization_id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]))
  with check (organization_id = any ((select private.user_organization_ids(array['owner', 'admin']))::uuid[]));

create or replace trigger set_updated_at
  before update on public.api_keys
  for each row execute function private.set_updated_at();

create or replace function public.create_api_key(
  organization uuid,
  name text,
  scopes text[] default '{}',
  expires_at timestamptz default null
)
returns table (api_key_id uuid, api_key text)
language plpgsql
security definer
set search_path = ''
as $$
declare
  clear_key text := 'mk_' || private.random_hex();
begin
  if (organization = any (private.user_organization_ids(array['owner', 'admin']))) is not true then
    raise exception 'Only owners and admins of an organization can create keys for it.' using errcode = 'insufficient_privilege';
  end if;
  return query
    insert into public.api_keys as api_keys (organization_id, created_by, name, prefix, key_hash, scopes, expires_at)
    values (
      create_api_key.organization,
      auth.uid(),
      create_api_key.name,
      left(clear_key, 11),
      private.sha256_hex(clear_key),
      coalesce(create_api_key.scopes, '{}'),
      create_api_key.expires_at
    )
    returning api_keys.id, clear_key;
end;
$$;
comment on function public.create_api_key(uuid, text, text[], timestamptz) is 'Creates a key for an organization; returns the key, which is never shown again.';
revoke all on function public.create_api_key(uuid, text, text[], timestamptz) from public, anon, authenticated, service_role;
grant execute on function public.create_api_key(uuid, text, text[], timestamptz) to authenticated;

create or replace function public.revoke_api_key(api_key_id uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.api_keys
  set revoked_at = coalesce(api_keys.revoked_at, now())
  where api_keys.id = revoke_api_key.api_key_id
    and api_keys.organization_id = any (private.user_organization_ids(array['owner', 'admin']));
  if not found then
    raise exception 'There is no such key in an organization that you administer.' using errcode = 'insufficient_privilege';
  end if;
end;
$$;
comment on function public.revoke_api_key(uuid) is 'Revokes a key permanently. For owners and admins of its organization.';
revoke all on function public.revoke_api_key(uuid) from public, anon, authenticated, service_role;
grant execute on function public.revoke_api_key(uuid) to authenticated;

-- Pass the scope that the request needs: a key that lacks it gets no row, like a key that nobody has. Without one, the caller
-- compares the scopes itself; an empty list allows nothing. last_used_at is written at most once a minute: a busy key would be
-- a hot row otherwise.
create or replace function public.verify_api_key(api_key text, scope text default null)
returns table (api_key_id uuid, organization_id uuid, scopes text[])
language plpgsql
security definer
set search_path = ''
as $$
declare
  found_key public.api_keys;
begin
  select api_keys.* into found_key
  from public.api_keys
  join public.organizations on organizations.id = api_keys.organization_id and organizations.deleted_at is null
  where api_keys.key_hash = private.sha256_hex(verify_api_key.api_key)
    and api_keys.revoked_at is null
    and (api_keys.expires_at is null or api_keys.expires_at > now())
    and (verify_api_key.scope is null or verify_api_key.scope = any (api_keys.scopes));
  if not found then
    return;
  end if;
  update public.api_keys
  set last_used_at = now()
  where api_keys.id = found_key.id
    and (api_keys.last_used_at is null or api_keys.last_used_at < now() - interval '1 minute');
  return query select found_key.id, found_key.organization_id, found_key.scopes;
end;
$$;
comment on function public.verify_api_key(text, text) is 'For the backend: the organization and scopes of a key; no row for a key that is unknown, expired or revoked, or lacks the scope.';
revoke all on function public.verify_api_key(text, text) from public, anon, authenticated, service_role;
grant execute on function public.verify_api_key(text, text) to service_role;
