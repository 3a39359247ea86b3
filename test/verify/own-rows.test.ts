import { describe, expect, it } from 'vitest';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

const me = '(select auth.uid())';
const members = `
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null, created_by uuid not null default auth.uid() references auth.users (id),
    is_partner boolean not null default false);
  create table public.organization_members (organization_id uuid not null references public.organizations (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, primary key (organization_id, user_id));
  create schema private; grant usage on schema private to authenticated;
  create function private.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as
    $$ select organization_id from public.organization_members where user_id = ${me} $$;
  alter table public.organizations enable row level security; alter table public.organization_members enable row level security;
  create policy o on public.organizations for select to authenticated using (created_by = ${me} or id in (select private.my_orgs()));
  create policy m on public.organization_members for select to authenticated using (organization_id in (select private.my_orgs()));
  grant select on public.organizations, public.organization_members to authenticated;
  create table public.leads (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), name text not null);
  alter table public.leads enable row level security; grant select on public.leads to authenticated;
  create policy l on public.leads for select to authenticated using (organization_id in (select private.my_orgs()));`;

/** Reports of their authors, and of all to those whose profile says so. */
const profiles = (condition: string): string => `
  create table public.plans (id smallint primary key, code text not null unique, sees_all boolean not null default false);
  insert into public.plans values (1, 'free', false), (2, 'basic', false), (3, 'pro', false), (4, 'enterprise', true);
  alter table public.plans enable row level security;
  -- muse: public-read
  create policy p on public.plans for select to authenticated using (true); grant select on public.plans to authenticated;
  create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, name text not null,
    plan_id smallint not null default 1 references public.plans (id), plan text not null default 'free' references public.plans (code));
  alter table public.profiles enable row level security; grant select, update on public.profiles to authenticated;
  create policy o on public.profiles for all to authenticated using (id = ${me}) with check (id = ${me});
  create table public.reports (id uuid primary key default gen_random_uuid(), author_id uuid not null references auth.users (id), body text not null);
  alter table public.reports enable row level security; grant select on public.reports to authenticated;
  create policy r on public.reports for select to authenticated using (author_id = ${me} or ${condition});`;
const onlyNames =
  'revoke update on public.profiles from authenticated; grant update (name) on public.profiles to authenticated;';

const invitations = (key: string): string => `${members}
  create table public.invitations (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), email text not null,
    code text not null unique, invited_by uuid not null default auth.uid() references auth.users (id));
  alter table public.invitations enable row level security; grant select, insert on public.invitations to authenticated;
  create policy i on public.invitations for insert to authenticated with check (invited_by = ${me});
  create policy s on public.invitations for select to authenticated using (invited_by = ${me} or email = (select auth.jwt() ->> 'email'));
  create function public.accept(invitation ${key === 'id' ? 'uuid' : 'text'}) returns void language plpgsql security definer set search_path = '' as $$
    declare one public.invitations;
    begin
      select * into one from public.invitations where ${key} = invitation and email = (select auth.jwt() ->> 'email');
      if one.id is null then raise exception 'no such invitation'; end if;
      insert into public.organization_members (organization_id, user_id) values (one.organization_id, ${me}) on conflict do nothing;
    end $$;
  revoke execute on function public.accept from public, anon; grant execute on function public.accept to authenticated;`;
const ofOwnOrganization = `alter policy i on public.invitations with check (invited_by = ${me} and organization_id in (select private.my_orgs()));`;

/** Members whose role is the number of a row, which they may change. */
const numbered = (
  roles: string,
): string => `create table public.roles (id smallint primary key, name text not null unique); insert into public.roles values ${roles};
     alter table public.roles enable row level security;
     -- muse: public-read
     create policy r on public.roles for select to authenticated using (true); grant select on public.roles to authenticated;
     ${members.replace('on delete cascade, primary key', 'on delete cascade, role_id smallint not null references public.roles (id), primary key')}
     create policy u on public.organization_members for update to authenticated using (user_id = ${me}) with check (user_id = ${me});
     grant update (role_id) on public.organization_members to authenticated;
     create function private.administers(organization uuid) returns boolean language sql stable security definer set search_path = '' as
       $$ select exists (select 1 from public.organization_members m join public.roles r on r.id = m.role_id
         where m.organization_id = organization and m.user_id = ${me} and r.name = 'admin') $$;
     alter policy l on public.leads using ((select private.administers(organization_id)));`;
const ofServer =
  'drop policy u on public.organization_members; revoke update (role_id) on public.organization_members from authenticated;';

/** Notes of an organization, which some keep to themselves; `marks` is who takes the mark off. */
const privateNotes = (marks: string): string => `${members}
  create table public.notes (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id),
    author_id uuid not null default auth.uid() references auth.users (id), body text not null);
  create table public.private_notes (note_id uuid primary key references public.notes (id) on delete cascade,
    organization_id uuid not null references public.organizations (id));
  create index on public.notes (organization_id); create index on public.notes (author_id); create index on public.private_notes (organization_id);
  alter table public.notes enable row level security; alter table public.private_notes enable row level security;
  grant select on public.notes to authenticated; grant select, delete on public.private_notes to authenticated;
  create policy r on public.notes for select to authenticated using (author_id = ${me} or (organization_id in (select private.my_orgs())
    and not exists (select 1 from public.private_notes p where p.note_id = notes.id)));
  create policy r on public.private_notes for select to authenticated using (organization_id in (select private.my_orgs()));
  create policy d on public.private_notes for delete to authenticated using (${marks});`;

/** Invitations by a token, which a function accepts. */
const accepted = (role: string): string => `${members}
  alter table public.organization_members add role text not null default 'member' check (role in ('owner', 'admin', 'member'));
  create table public.invites (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id),
    email text not null, role text not null default 'member' check (role in ('admin', 'member')), token uuid not null default gen_random_uuid() unique);
  create index on public.invites (organization_id); alter table public.invites enable row level security;
  create or replace function public.accept_invite(p_token uuid, p_role text default 'member') returns void language plpgsql security definer set search_path = '' as $$
    declare i public.invites; begin
      select * into i from public.invites where token = p_token and email = (select auth.jwt() ->> 'email');
      if i.id is null then raise exception 'no such invitation'; end if;
      insert into public.organization_members (organization_id, user_id, role) values (i.organization_id, ${me}, ${role}) on conflict do nothing;
      delete from public.invites where id = i.id; end $$;
  revoke execute on function public.accept_invite from public, anon; grant execute on function public.accept_invite to authenticated;`;

/** What users write in rows of their own, and what that opens. */
const holes: [name: string, finds: string, hole: string, repair: string][] = [
  [
    'a mark that members take off the notes of others',
    'isolation-escalation public.private_notes',
    privateNotes('organization_id in (select private.my_orgs())'),
    `create function private.wrote(p_note uuid) returns boolean language sql stable security definer set search_path = '' as
       $$ select exists (select 1 from public.notes n where n.id = p_note and n.author_id = ${me}) $$;
     alter policy d on public.private_notes using (private.wrote(note_id));`,
  ],
  [
    'a role that those who are invited choose',
    'isolation-escalation public.accept_invite(uuid, text)',
    accepted('p_role'),
    accepted('i.role').slice(accepted('i.role').indexOf('create or replace function public.accept_invite')),
  ],
  [
    'a new organization that says it is a partner',
    'isolation-escalation public.organizations',
    `${members} grant insert on public.organizations to authenticated;
     create policy n on public.organizations for insert to authenticated with check (created_by = ${me});
     create policy partners on public.leads for select to authenticated using (exists (select 1 from public.organizations o where o.created_by = ${me} and o.is_partner));`,
    `alter policy n on public.organizations with check (created_by = ${me} and not is_partner);`,
  ],
  [
    'the number of a plan that is the last of four',
    'isolation-escalation public.profiles',
    profiles(
      `exists (select 1 from public.profiles p join public.plans l on l.id = p.plan_id where p.id = ${me} and l.sees_all)`,
    ),
    onlyNames,
  ],
  [
    'the code of a plan that is the last of four',
    'isolation-escalation public.profiles',
    profiles(
      `exists (select 1 from public.profiles p join public.plans l on l.code = p.plan where p.id = ${me} and l.sees_all)`,
    ),
    onlyNames,
  ],
  [
    'a share with the own address, in a key of two columns',
    'isolation-escalation public.doc_shares',
    `create table public.docs (id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users (id), body text not null);
     create table public.doc_shares (doc_id uuid not null references public.docs (id) on delete cascade, email text not null,
       shared_by uuid not null default auth.uid() references auth.users (id), primary key (doc_id, email));
     alter table public.docs enable row level security; alter table public.doc_shares enable row level security;
     grant select on public.docs to authenticated; grant select, insert on public.doc_shares to authenticated;
     create policy d on public.docs for select to authenticated using (owner_id = ${me}
       or exists (select 1 from public.doc_shares s where s.doc_id = docs.id and s.email = (select auth.jwt() ->> 'email')));
     create policy s on public.doc_shares for select to authenticated using (shared_by = ${me} or email = (select auth.jwt() ->> 'email'));
     create policy i on public.doc_shares for insert to authenticated with check (shared_by = ${me});
     create function public.owns(doc uuid) returns boolean language sql stable security definer set search_path = '' as
       $$ select exists (select 1 from public.docs where id = doc and owner_id = ${me}) $$;
     revoke execute on function public.owns(uuid) from public, anon; grant execute on function public.owns(uuid) to authenticated;`,
    `alter policy i on public.doc_shares with check (shared_by = ${me} and public.owns(doc_id));`,
  ],
  [
    'an invitation that one writes oneself, and accepts by its id',
    'isolation-escalation public.invitations',
    invitations('id'),
    ofOwnOrganization,
  ],
  [
    'an invitation that one writes oneself, and accepts by its code',
    'isolation-escalation public.invitations',
    invitations('code'),
    ofOwnOrganization,
  ],
  [
    'a command to a trigger, in a row under one of another',
    'isolation-write public.ticket_events',
    `create table public.tickets (id uuid primary key default gen_random_uuid(), customer_id uuid not null default auth.uid() references auth.users (id), status text not null default 'open');
     create table public.ticket_events (id bigint generated always as identity primary key, ticket_id uuid not null references public.tickets (id) on delete cascade,
       body text not null, created_by uuid not null default auth.uid());
     alter table public.tickets enable row level security; alter table public.ticket_events enable row level security;
     grant select, insert, update, delete on public.tickets to authenticated; grant select, insert on public.ticket_events to authenticated;
     create policy t on public.tickets for all to authenticated using (customer_id = ${me}) with check (customer_id = ${me});
     create policy s on public.ticket_events for select to authenticated using (created_by = ${me});
     create policy i on public.ticket_events for insert to authenticated with check (created_by = ${me});
     create function public.obey() returns trigger language plpgsql security definer set search_path = '' as
       $$ begin if new.body like '/close%' then update public.tickets set status = 'closed' where id = new.ticket_id; end if; return new; end $$;
     create trigger obey after insert on public.ticket_events for each row execute function public.obey();`,
    `alter policy i on public.ticket_events with check (created_by = ${me}
       and exists (select 1 from public.tickets t where t.id = ticket_id and t.customer_id = ${me}));`,
  ],
  [
    'the number of a role, among the members',
    'isolation-write public.organization_members',
    numbered("(1, 'member'), (2, 'admin')"),
    ofServer,
  ],
  [
    'the number of a role, the first of which may most',
    'isolation-write public.organization_members',
    numbered("(1, 'admin'), (2, 'member')"),
    ofServer,
  ],
];

describe('what users write in rows of their own', () => {
  it.each(sampleOf(holes, 2))('%s is found, and its repair is green', async (_, finds, hole, repair) => {
    expect(await prove(hole)).toContain(finds);
    expect(await prove(hole + repair)).toEqual([]);
  });
});
