-- Rollback of 002 profiles: drops the profiles; the users in auth.users stay.
-- CASCADE also drops the triggers on auth.users: only the owner of that table could drop them by name.
drop function if exists private.handle_new_user() cascade;
drop function if exists private.handle_user_email_change() cascade;
drop table if exists public.profiles;
drop function if exists private.set_profile_email();
