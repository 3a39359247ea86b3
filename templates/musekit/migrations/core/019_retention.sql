-- 019 retention: what is deleted when it is old, every night where the database has pg_cron.

-- Closed organizations stay: deleting a tenant for good is a decision, not a schedule.
create or replace function private.purge_expired()
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  audit_rows bigint;
  invitation_rows bigint;
  notification_rows bigint;
  webhook_rows bigint;
begin
  perform private.ensure_audit_partitions();
  audit_rows := private.purge_audit_logs(interval '400 days');
  delete from public.invitations
  where coalesce(invitations.accepted_at, invitations.expires_at) < now() - interval '90 days';
  get diagnostics invitation_rows = row_count;
  delete from public.notifications
  where coalesce(notifications.read_at, notifications.created_at + interval '275 days') < now() - interval '90 days';
  get diagnostics notification_rows = row_count;
  delete from public.webhook_events
  where webhook_events.status = 'processed' and webhook_events.updated_at < now() - interval '90 days';
  get diagnostics webhook_rows = row_count;
  return jsonb_build_object(
    'audit_logs', audit_rows,
    'invitations', invitation_rows,
    'notifications', notification_rows,
    'webhook_events', webhook_rows
  );
end;
$$;
comment on function private.purge_expired() is 'Adds audit partitions, and deletes what is kept no longer: audit rows after 400 days, used invitations, read notifications and processed webhook events after 90. Returns how many.';
revoke all on function private.purge_expired() from public, anon, authenticated, service_role;
grant execute on function private.purge_expired() to service_role;

-- Call it again after pg_cron was enabled.
create or replace function private.schedule_retention()
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if exists (select 1 from pg_catalog.pg_extension where extname = 'pg_cron') then
    execute 'select cron.schedule($1, $2, $3)' using 'musekit-retention', '17 3 * * *', 'select private.purge_expired()';
    return true;
  end if;
  return false;
end;
$$;
comment on function private.schedule_retention() is 'Lets pg_cron call purge_expired() every night; false if the database has no pg_cron.';
revoke all on function private.schedule_retention() from public, anon, authenticated, service_role;

select private.schedule_retention();
