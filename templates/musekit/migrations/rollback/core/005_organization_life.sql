-- Rollback of 005 organization life: drops the triggers and functions of creating, naming, leaving and closing; organizations and members stay.
drop function if exists public.organization_people(uuid);
drop function if exists public.reopen_organization(uuid);
drop function if exists public.closed_organizations();
drop function if exists public.delete_organization(uuid);
drop trigger if exists forget_founder_when_closed on public.organizations;
drop function if exists private.forget_founder_when_closed();
drop trigger if exists forget_founder on public.organization_members;
drop function if exists private.forget_founder();
drop trigger if exists replace_last_owner on public.organization_members;
drop function if exists private.replace_last_owner();
drop trigger if exists keep_an_owner on public.organization_members;
drop function if exists private.keep_an_owner();
drop trigger if exists organization_created on public.organizations;
drop function if exists private.handle_new_organization();
drop trigger if exists set_organization_slug on public.organizations;
drop function if exists private.set_organization_slug();
