-- Rollback of 018 administration: drops the functions for administrators of the product.
drop function if exists public.admin_audit_logs(uuid, timestamptz, integer);
drop function if exists public.admin_subscriptions(uuid);
drop function if exists public.admin_organizations(text, integer, integer);
