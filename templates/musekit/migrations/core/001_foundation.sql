-- 001 foundation: the schema `private`, for what the Data API must never serve, and the trigger that sets updated_at.
-- Everything that row-level security depends on (membership helpers, trigger functions) lives in `private`.

create schema if not exists private;
comment on schema private is 'Helpers of policies and triggers. Not served by the Data API.';

revoke all on schema private from public, anon, authenticated, service_role;
grant usage on schema private to authenticated, service_role;

create or replace function private.set_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at = now();
  return new;
end;
$$;
comment on function private.set_updated_at() is 'Trigger: sets updated_at on every change of a row.';
revoke all on function private.set_updated_at() from public, anon, authenticated, service_role;

-- Inside a SECURITY DEFINER function current_user is the owner; this says who called from outside.
create or replace function private.caller_role()
returns text
language sql
stable
set search_path = ''
as $$
  select case
    when coalesce(current_setting('role', true), '') in ('', 'none') then session_user::text
    else current_setting('role', true)
  end
$$;
comment on function private.caller_role() is 'The database role of the request, also inside SECURITY DEFINER functions.';
revoke all on function private.caller_role() from public, anon, authenticated, service_role;

create or replace function private.caller_bypasses_rls()
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select 1
    from pg_catalog.pg_roles
    where rolname = private.caller_role() and (rolbypassrls or rolsuper)
  )
$$;
comment on function private.caller_bypasses_rls() is 'True for the backend (service_role, postgres): roles that bypass row-level security.';
revoke all on function private.caller_bypasses_rls() from public, anon, authenticated, service_role;

-- Supabase Auth names the session's assurance level in its token: aal2 after a second factor.
create or replace function private.has_mfa()
returns boolean
language sql
stable
set search_path = ''
as $$
  select coalesce(auth.jwt() ->> 'aal' = 'aal2', false)
$$;
comment on function private.has_mfa() is 'Says whether the user signed in with a second factor. In a restrictive policy: (select private.has_mfa()).';
revoke all on function private.has_mfa() from public, anon, authenticated, service_role;
grant execute on function private.has_mfa() to authenticated, service_role;

-- The acting user: the signed-in user, or the user that an application with session variables has set on its connection.
create or replace function private.actor_id()
returns uuid
language sql
stable
set search_path = ''
as $$
  select case
    when private.caller_role() in ('anon', 'authenticated') then auth.uid()
    else coalesce(auth.uid(), nullif(current_setting('app.current_user_id', true), '')::uuid)
  end
$$;
comment on function private.actor_id() is 'The acting user, for audit rows; null for a job of the backend.';
revoke all on function private.actor_id() from public, anon, authenticated, service_role;
