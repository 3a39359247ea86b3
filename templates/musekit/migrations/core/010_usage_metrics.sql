-- 010 usage_metrics: how much an organization used, with one row for each metric, period and source.

create table if not exists public.usage_metrics (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null check (char_length(metric) between 1 and 100),
  period text not null default 'month' check (period in ('hour', 'day', 'month')),
  period_start timestamptz not null,
  source text not null default '',
  quantity bigint not null default 0 check (quantity >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint usage_metrics_period_key unique (organization_id, metric, period, period_start, source)
);
comment on table public.usage_metrics is 'Usage of an organization by metric and period. Members read it; record_usage() writes it.';
comment on column public.usage_metrics.period_start is 'Start of the hour, day or month in UTC.';
comment on column public.usage_metrics.source is 'Who reported: empty for single counts; the name of a job for a total that it can report again.';

alter table public.usage_metrics enable row level security;
revoke all on table public.usage_metrics from public, anon, authenticated, service_role;
grant select on table public.usage_metrics to authenticated;
grant all on table public.usage_metrics to service_role;

drop policy if exists "Members read the usage of their organizations" on public.usage_metrics;
create policy "Members read the usage of their organizations" on public.usage_metrics
  for select to authenticated
  using (organization_id = any ((select private.user_organization_ids())::uuid[]));

create or replace trigger set_updated_at
  before update on public.usage_metrics
  for each row execute function private.set_updated_at();

-- Without a source, the quantity is added to the row of the period. With one, it is the total of that source for the period,
-- so that running a job again changes nothing.
create or replace function public.record_usage(
  organization uuid,
  metric text,
  quantity bigint default 1,
  period text default 'month',
  source text default '',
  used_at timestamptz default now()
)
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
  start_of_period timestamptz := date_trunc(period, used_at, 'UTC');
begin
  insert into public.usage_metrics as counted (organization_id, metric, period, period_start, source, quantity)
  values (
    record_usage.organization,
    record_usage.metric,
    record_usage.period,
    start_of_period,
    record_usage.source,
    record_usage.quantity
  )
  on conflict on constraint usage_metrics_period_key do update
  set quantity = case when excluded.source = '' then counted.quantity + excluded.quantity else excluded.quantity end;

  return (
    select sum(usage_metrics.quantity)::bigint
    from public.usage_metrics
    where usage_metrics.organization_id = record_usage.organization
      and usage_metrics.metric = record_usage.metric
      and usage_metrics.period = record_usage.period
      and usage_metrics.period_start = start_of_period
  );
end;
$$;
comment on function public.record_usage(uuid, text, bigint, text, text, timestamptz) is 'For the backend: counts usage and returns the total of the period.';
revoke all on function public.record_usage(uuid, text, bigint, text, text, timestamptz) from public, anon, authenticated, service_role;
grant execute on function public.record_usage(uuid, text, bigint, text, text, timestamptz) to service_role;
