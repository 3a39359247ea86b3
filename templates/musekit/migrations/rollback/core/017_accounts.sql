-- Rollback of 017 accounts: drops the functions; accounts stay.
drop function if exists public.delete_account();
drop function if exists public.export_organization_data(uuid);
drop function if exists public.export_user_data(uuid);
drop function if exists public.export_own_data();
drop function if exists private.rows_that_reference(regclass[], uuid);
