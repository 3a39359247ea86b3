-- Rollback of 014 webhook_events: drops the events; a provider that delivers one again is processed again.
drop function if exists public.finish_webhook_event(text, text, text);
drop function if exists public.record_webhook_event(text, text, text, jsonb);
drop table if exists public.webhook_events;
