-- Rollback of 012 feature flags: drops the flags, the overrides and feature_enabled().
drop function if exists public.feature_enabled(text, uuid);
drop function if exists private.evaluate_feature(text, uuid, timestamptz);
drop function if exists private.rollout_bucket(text, uuid);
drop table if exists public.organization_feature_flags;
drop table if exists public.feature_flag_definitions;
