-- Rollback of 006 organization_settings: drops the settings.
drop trigger if exists organization_settings_added on public.organizations;
drop function if exists private.add_organization_settings();
drop table if exists public.organization_settings;
