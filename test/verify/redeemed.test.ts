/** Members who read in their organization what gives a higher role to who sends it. */
import { callable, opened } from './designs.ts';
import { type Pair, testPairs } from './pairs.ts';

/** Spaces, whose members are viewers or admins. */
const spaces = (
  more = '',
): string => `create table public.spaces (id uuid primary key default gen_random_uuid(), name text not null${more});
  create table public.members (space_id uuid not null references public.spaces (id) on delete cascade, user_id uuid not null references auth.users (id) on delete cascade,
    role text not null default 'viewer' check (role in ('viewer', 'admin')), primary key (space_id, user_id));
  create table public.keys (id uuid primary key default gen_random_uuid(), space_id uuid not null references public.spaces (id) on delete cascade, secret text not null);
  create function public.role_in(s uuid) returns text language sql stable security definer set search_path = '' as
    $$ select role from public.members where space_id = s and user_id = auth.uid() $$;
  ${opened('members', 'select')} ${opened('keys', 'select')}
  create policy m on public.members for select to authenticated using (public.role_in(space_id) is not null);
  create policy k on public.keys for select to authenticated using (public.role_in(space_id) = 'admin');`;
const open = `${opened('spaces', 'select')} create policy s on public.spaces for select to authenticated using (public.role_in(id) is not null);`;

/** Invitations, and a function that takes one. */
const invites = (grant: string, seen: string, by: string, key: string, and = ''): string => `${spaces()} ${open}
  create table public.invites (id uuid primary key default gen_random_uuid(), space_id uuid not null references public.spaces (id) on delete cascade,
    email text not null, role text not null default 'viewer' check (role in ('viewer', 'admin')), token uuid not null unique default gen_random_uuid(), code text not null unique default gen_random_uuid()::text);
  alter table public.invites enable row level security; grant select ${grant} on public.invites to authenticated;
  create policy i on public.invites for select to authenticated using (${seen});
  ${callable(
    `public.accept(p ${by})`,
    'void',
    `declare i public.invites; begin select * into i from public.invites where ${key} = p ${and};
       if i.id is null then raise exception 'unknown'; end if;
       insert into public.members values (i.space_id, auth.uid(), i.role) on conflict (space_id, user_id) do update set role = excluded.role;
       delete from public.invites where id = i.id; end`,
    'plpgsql',
  )}`;
const member = 'public.role_in(space_id) is not null';
const admin = "public.role_in(space_id) = 'admin'";

/** A code of the space itself makes who sends it an admin. */
const coded = (grant: string): string => `${spaces(', admin_code uuid not null unique default gen_random_uuid()')}
  alter table public.spaces enable row level security; grant select ${grant} on public.spaces to authenticated;
  create policy s on public.spaces for select to authenticated using (public.role_in(id) is not null);
  ${callable(
    'public.become_admin(p_code uuid)',
    'void',
    `insert into public.members select s.id, auth.uid(), 'admin' from public.spaces s where s.admin_code = p_code
       on conflict (space_id, user_id) do update set role = 'admin'`,
  )}`;

const pairs: Pair[] = [
  [
    'the token of an invitation, which only its columns keep',
    invites('(id, space_id, email, role)', member, 'uuid', 'token'),
    invites('', member, 'uuid', 'token'),
    'isolation-escalation public.accept(uuid)',
  ],
  [
    'the code of an invitation, which only admins read',
    invites('', admin, 'text', 'code'),
    invites('', member, 'text', 'code'),
    'isolation-escalation public.accept(text)',
  ],
  [
    'an invitation that is taken by its id, and not by whom it names',
    invites('', member, 'uuid', 'id', "and email = (select auth.jwt() ->> 'email')"),
    invites('', member, 'uuid', 'id'),
    'isolation-escalation public.accept(uuid)',
  ],
  ['the code of the space itself', coded('(id, name)'), coded(''), 'isolation-escalation public.become_admin(uuid)'],
];

testPairs(pairs);
