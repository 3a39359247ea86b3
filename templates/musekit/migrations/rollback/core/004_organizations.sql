-- Rollback of 004 organizations: takes the organizations and their members away, and the helpers of the policies.
drop function if exists public.organization_people(uuid);
drop function if exists public.delete_organization(uuid);
drop policy if exists "Members and the founder read their organization" on public.organizations;
drop policy if exists "Owners and admins change their organization" on public.organizations;
drop table if exists public.organization_members;
drop table if exists public.organizations;
drop function if exists private.forget_founder();
drop function if exists private.keep_an_owner();
drop function if exists private.handle_new_organization();
drop function if exists private.set_organization_slug();
drop function if exists private.caller_sees_organization(uuid);
drop function if exists private.user_organization_ids(text[]);
drop function if exists private.user_organization_ids();
