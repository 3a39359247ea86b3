-- Rollback of 001 foundation: takes the schema `private` away; stops if something else still lives there.
drop function if exists private.actor_id();
drop function if exists private.caller_bypasses_rls();
drop function if exists private.caller_role();
drop function if exists private.set_updated_at();
drop schema if exists private;
