-- Rollback of 003 user_roles: takes the app-wide roles away.
drop function if exists private.has_role(text);
drop table if exists public.user_roles;
