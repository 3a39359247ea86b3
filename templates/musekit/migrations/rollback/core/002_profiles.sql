-- Rollback of 002 profiles: takes the profiles away; the users of auth.users stay.
-- CASCADE takes the triggers on auth.users along: that table has another owner, who alone could drop them by name.
drop function if exists private.handle_new_user() cascade;
drop function if exists private.handle_user_email_change() cascade;
drop table if exists public.profiles;
drop function if exists private.set_profile_email();
