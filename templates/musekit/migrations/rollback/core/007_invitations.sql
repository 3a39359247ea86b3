-- Rollback of 007 invitations: drops the open invitations; members stay.
drop function if exists public.accept_invitation(text);
drop function if exists public.create_invitation(uuid, text, text);
drop function if exists private.random_hex();
drop function if exists private.sha256_hex(text);
drop table if exists public.invitations;
