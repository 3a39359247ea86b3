-- Rollback of 019 retention: nothing is deleted by schedule any more.
do $$
declare
  scheduled boolean := false;
begin
  if exists (select 1 from pg_catalog.pg_extension where extname = 'pg_cron') then
    execute 'select exists (select 1 from cron.job where jobname = $1)' into scheduled using 'musekit-retention';
  end if;
  if scheduled then
    execute 'select cron.unschedule($1)' using 'musekit-retention';
  end if;
end;
$$;
drop function if exists private.schedule_retention();
drop function if exists private.purge_expired();
