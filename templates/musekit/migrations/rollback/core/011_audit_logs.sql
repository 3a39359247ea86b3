-- Rollback of 011 audit_logs: drops the log with all its rows, and the triggers that write it.
drop function if exists private.purge_audit_logs(interval);
drop function if exists private.ensure_audit_partitions(integer);
drop function if exists private.empty_audit_default(timestamptz);
drop function if exists private.add_audit_month(date);
drop function if exists private.add_audit_partition(text, text);
drop trigger if exists audit_change on public.api_keys;
drop trigger if exists audit_change on public.subscriptions;
drop trigger if exists audit_change on public.invitations;
drop trigger if exists audit_change on public.organization_members;
drop trigger if exists audit_change on public.organizations;
drop trigger if exists audit_change on public.user_roles;
drop function if exists private.audit_row_change();
drop function if exists public.write_audit(text, text, text, uuid, jsonb);
drop table if exists public.audit_logs;
drop function if exists private.refuse_audit_change();
