-- Rollback of 009 api_keys: drops the keys; programs that use one lose access.
drop function if exists public.verify_api_key(text, text);
drop function if exists public.revoke_api_key(uuid);
drop function if exists public.create_api_key(uuid, text, text[], timestamptz);
drop table if exists public.api_keys;
