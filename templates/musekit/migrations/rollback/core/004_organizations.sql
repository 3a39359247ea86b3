-- Rollback of 004 organizations: drops the organizations, their members, and the helpers of the policies.
drop table if exists public.organization_members;
drop table if exists public.organizations;
drop function if exists private.caller_sees_organization(uuid);
drop function if exists private.user_organization_ids(text[]);
drop function if exists private.user_organization_ids();
