-- 013 seats: how many members an organization can have, by `limits.seats` of its plan.
-- Without a plan, or with a plan that does not name seats, there is no limit. The backend can exceed it.

create or replace function private.seat_limit(organization uuid)
returns integer
language sql
stable
security definer
set search_path = ''
as $$
  select case
    when jsonb_typeof(products.limits -> 'seats') = 'number' then trunc((products.limits ->> 'seats')::numeric)::integer
  end
  from public.products
  where products.id = private.current_product_id(seat_limit.organization)
$$;
comment on function private.seat_limit(uuid) is 'The seats of an organization''s plan; null for no limit.';
revoke all on function private.seat_limit(uuid) from public, anon, authenticated, service_role;

-- An invitation reserves a seat until it expires. The lock on the organization serializes two people who accept at once.
create or replace function private.keep_within_seats()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  seats integer;
  taken bigint;
begin
  if private.caller_bypasses_rls() then
    return new;
  end if;
  perform 1 from public.organizations where organizations.id = new.organization_id for no key update;
  seats := private.seat_limit(new.organization_id);
  if seats is null then
    return new;
  end if;
  select count(*) into taken from public.organization_members as members where members.organization_id = new.organization_id;
  if tg_table_name = 'invitations' then
    taken := taken + (
      select count(*)
      from public.invitations
      where invitations.organization_id = new.organization_id
        and invitations.accepted_at is null
        and invitations.expires_at > now()
    );
  end if;
  if taken >= seats then
    raise exception 'All seats of the plan are taken (%).', seats
      using errcode = 'insufficient_privilege', hint = 'Choose a plan with more seats, remove a member or withdraw an invitation.';
  end if;
  return new;
end;
$$;
comment on function private.keep_within_seats() is 'Trigger: refuses a member or an invitation for which the plan has no seat.';
revoke all on function private.keep_within_seats() from public, anon, authenticated, service_role;

create or replace trigger keep_within_seats
  before insert on public.organization_members
  for each row execute function private.keep_within_seats();
create or replace trigger keep_within_seats
  before insert on public.invitations
  for each row execute function private.keep_within_seats();
