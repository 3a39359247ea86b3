-- Rollback of 010 usage_metrics: drops the usage counts.
drop function if exists public.record_usage(uuid, text, bigint, text, text, timestamptz);
drop table if exists public.usage_metrics;
