-- Rollback of 013 seats: drops the limit of seats; members and invitations stay.
drop trigger if exists keep_within_seats on public.invitations;
drop trigger if exists keep_within_seats on public.organization_members;
drop function if exists private.keep_within_seats();
drop function if exists private.seat_limit(uuid);
