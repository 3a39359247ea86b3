-- 014 webhook_events: what payment and mail providers reported, once for each event however often it is delivered.
-- The backend calls record_webhook_event() first, works only if it returns true, and then finish_webhook_event().

-- muse: service-only
create table if not exists public.webhook_events (
  id uuid primary key default gen_random_uuid(),
  provider text not null check (char_length(provider) between 1 and 50),
  event_id text not null check (char_length(event_id) between 1 and 255),
  event_type text not null check (char_length(event_type) between 1 and 200),
  payload jsonb not null default '{}'::jsonb,
  status text not null default 'received' check (status in ('received', 'processed', 'failed')),
  attempts integer not null default 1 check (attempts > 0),
  error text,
  processed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint webhook_events_event_key unique (provider, event_id)
);
comment on table public.webhook_events is 'Events that providers delivered. For the backend only.';
comment on column public.webhook_events.provider is 'Who sent it, e.g. stripe.';
comment on column public.webhook_events.event_id is 'The event''s id at the provider: the same one is delivered again until it is answered.';
comment on column public.webhook_events.status is 'received: being processed; processed: done; failed: the next delivery tries it again.';
comment on column public.webhook_events.attempts is 'How often processing began.';
comment on column public.webhook_events.error is 'Why the last attempt failed.';
create index if not exists webhook_events_status_idx on public.webhook_events (status, updated_at);

alter table public.webhook_events enable row level security;
revoke all on table public.webhook_events from public, anon, authenticated, service_role;
grant all on table public.webhook_events to service_role;

create or replace trigger set_updated_at
  before update on public.webhook_events
  for each row execute function private.set_updated_at();

-- An attempt that said nothing for five minutes has died: its event would be lost if a delivery could not start it again.
create or replace function public.record_webhook_event(
  provider text,
  event_id text,
  event_type text,
  payload jsonb default '{}'::jsonb
)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.webhook_events as known (provider, event_id, event_type, payload)
  values (
    record_webhook_event.provider,
    record_webhook_event.event_id,
    record_webhook_event.event_type,
    coalesce(record_webhook_event.payload, '{}'::jsonb)
  )
  on conflict on constraint webhook_events_event_key do update
  set status = 'received', attempts = known.attempts + 1, error = null
  where known.status = 'failed'
    or (known.status = 'received' and known.updated_at < now() - interval '5 minutes');
  return found;
end;
$$;
comment on function public.record_webhook_event(text, text, text, jsonb) is 'For the backend: records an event; true if it is to be processed now, because it is new or its last attempt failed.';
revoke all on function public.record_webhook_event(text, text, text, jsonb) from public, anon, authenticated, service_role;
grant execute on function public.record_webhook_event(text, text, text, jsonb) to service_role;

create or replace function public.finish_webhook_event(provider text, event_id text, error text default null)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.webhook_events
  set
    status = case when finish_webhook_event.error is null then 'processed' else 'failed' end,
    error = left(finish_webhook_event.error, 2000),
    processed_at = case when finish_webhook_event.error is null then now() end
  where webhook_events.provider = finish_webhook_event.provider
    and webhook_events.event_id = finish_webhook_event.event_id
    and webhook_events.status <> 'processed';
  if not found then
    raise exception 'There is no such event that is being processed.' using errcode = 'no_data_found';
  end if;
end;
$$;
comment on function public.finish_webhook_event(text, text, text) is 'For the backend: marks an event as processed, or as failed with an error.';
revoke all on function public.finish_webhook_event(text, text, text) from public, anon, authenticated, service_role;
grant execute on function public.finish_webhook_event(text, text, text) to service_role;
