-- Rollback of 003 user_roles: drops the app-wide roles.
drop function if exists private.has_role(text);
drop table if exists public.user_roles;
