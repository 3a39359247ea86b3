-- Rollback of 001 foundation: drops the schema `private`; stops if it still contains something else.
drop function if exists private.actor_id();
drop function if exists private.has_mfa();
drop function if exists private.caller_bypasses_rls();
drop function if exists private.caller_role();
drop function if exists private.set_updated_at();
drop schema if exists private;
