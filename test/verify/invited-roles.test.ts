/** Users who were invited with an ordinary role, and write a privileged one into their invitation before they accept it. */
import { callable, opened } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

const me = '(select auth.uid())';
const mail = "lower(email) = lower((select auth.jwt() ->> 'email'))";

/** Clinics, whose staff are nurses or admins, and records that only those read. */
const clinics = `create table public.clinics (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.staff (clinic_id uuid not null references public.clinics (id) on delete cascade, user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'nurse' check (role in ('nurse', 'admin')), primary key (clinic_id, user_id));
  create index on public.staff (user_id);
  create table public.records (id uuid primary key default gen_random_uuid(), clinic_id uuid not null references public.clinics (id) on delete cascade, body text not null);
  create index on public.records (clinic_id);
  create function public.role_at(c uuid) returns text language sql stable security definer set search_path = '' as
    $$ select role from public.staff where clinic_id = c and user_id = auth.uid() $$;
  ${opened('clinics', 'select')} ${opened('staff', 'select')} ${opened('records', 'select, insert')}
  create policy r on public.clinics for select to authenticated using (public.role_at(id) is not null);
  create policy r on public.staff for select to authenticated using (public.role_at(clinic_id) is not null);
  create policy r on public.records for select to authenticated using (public.role_at(clinic_id) is not null);
  create policy i on public.records for insert to authenticated with check (public.role_at(clinic_id) is not null);`;

/** Invitations; `own` says which are the caller's, who may update what `grants` lists. */
const invitations = (columns: string, own: string, grants: string): string => `${clinics}
  create table public.invitations (id uuid primary key default gen_random_uuid(), clinic_id uuid not null references public.clinics (id) on delete cascade, ${columns});
  create index on public.invitations (clinic_id); alter table public.invitations enable row level security;
  grant select, insert on public.invitations to authenticated; grant update (${grants}) on public.invitations to authenticated;
  create policy r on public.invitations for select to authenticated using (public.role_at(clinic_id) = 'admin' or ${own});
  create policy i on public.invitations for insert to authenticated with check (public.role_at(clinic_id) = 'admin');
  create policy u on public.invitations for update to authenticated using (${own}) with check (${own});`;
const role = "role text not null default 'nurse' check (role in ('nurse', 'admin'))";

const byMail = (
  grants: string,
): string => `${invitations(`email text not null, ${role}, note text, taken_at timestamptz`, mail, grants)}
  ${callable(
    'public.accept(p_id uuid)',
    'void',
    `with i as (update public.invitations set taken_at = now() where id = p_id and taken_at is null and lower(email) = lower(auth.jwt() ->> 'email')
       returning clinic_id, role) insert into public.staff (clinic_id, user_id, role) select clinic_id, auth.uid(), role from i`,
  )}`;
const byUser = (
  grants: string,
): string => `${invitations(`invitee_id uuid not null references auth.users (id), ${role}, note text`, `invitee_id = ${me}`, grants)}
  ${callable(
    'public.join_clinic(p_invitation uuid)',
    'void',
    `declare i public.invitations; begin select * into i from public.invitations where id = p_invitation and invitee_id = auth.uid();
       if i.id is null then raise exception 'unknown'; end if; insert into public.staff values (i.clinic_id, auth.uid(), i.role); end`,
    'plpgsql',
  )}`;
const byTrigger = (
  column: string,
  isTaken: string,
  grants: string,
): string => `${invitations(`email text not null, ${role}, ${column}`, mail, grants)}
  create function public.takes() returns trigger language plpgsql security definer set search_path = '' as
    $$ begin if ${isTaken} then insert into public.staff (clinic_id, user_id, role) values (new.clinic_id, auth.uid(), new.role); end if; return new; end $$;
  create trigger takes after update on public.invitations for each row execute function public.takes();`;
const byTime = (grants: string): string =>
  byTrigger('taken_at timestamptz', 'new.taken_at is not null and old.taken_at is null', grants);
const byStatus = (grants: string): string =>
  byTrigger(
    "status text not null default 'sent' check (status in ('sent', 'taken', 'refused'))",
    "new.status = 'taken' and old.status = 'sent'",
    grants,
  );

const pairs: Pair[] = [
  ['by its address', byMail('note'), byMail('note, role'), 'isolation-escalation public.invitations'],
  ['by its user', byUser('note'), byUser('note, role'), 'isolation-escalation public.invitations'],
  [
    'whose time a trigger watches',
    byTime('taken_at'),
    byTime('taken_at, role'),
    'isolation-escalation public.invitations',
  ],
  [
    'whose state a trigger watches',
    byStatus('status'),
    byStatus('status, role'),
    'isolation-escalation public.invitations',
  ],
];

testPairs(pairs);
