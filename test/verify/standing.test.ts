import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/shared/finding.ts';
import { errorsOf, findingsProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = findingsProver();

const mine = '(select private.my_orgs())';
/** Organizations, their members, and invoices; a row of a member with more columns, of whom the condition is asked. */
const members = (columns: string, condition: string, ofOrganizations = ''): string => `
  create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null ${ofOrganizations});
  create table public.organization_members (organization_id uuid not null references public.organizations (id) on delete cascade,
    user_id uuid not null references auth.users (id) on delete cascade, ${columns}, primary key (organization_id, user_id));
  create schema private; grant usage on schema private to authenticated;
  create function private.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as
    $$ select m.organization_id from public.organization_members m where m.user_id = (select auth.uid()) and ${condition} $$;
  create table public.invoices (id uuid primary key default gen_random_uuid(), organization_id uuid not null references public.organizations (id), total numeric not null);
  alter table public.organizations enable row level security; alter table public.organization_members enable row level security;
  alter table public.invoices enable row level security;
  create policy o on public.organizations for select to authenticated using (id in ${mine});
  create policy m on public.organization_members for select to authenticated using (organization_id in ${mine});
  create policy i on public.invoices for all to authenticated using (organization_id in ${mine}) with check (organization_id in ${mine});
  grant select on public.organizations, public.organization_members to authenticated; grant all on public.invoices to authenticated;
  revoke truncate, references, trigger on public.invoices from authenticated; grant all on all tables in schema public to service_role;`;

/** A user reads its own memberships, whatever their state. */
const ownRows =
  'create policy own on public.organization_members for select to authenticated using (user_id = (select auth.uid()));';

const unproven = (findings: readonly Finding[]): (string | undefined)[] =>
  findings.filter(({ rule }) => rule === 'not-proven').map(({ object }) => object);

/** By what they say of a membership: its columns, and what is asked of them. */
const standings: [name: string, columns: string, condition: string, ofOrganizations?: string][] = [
  [
    'a status that is another by default',
    "status text not null default 'pending' check (status in ('pending', 'active'))",
    "m.status = 'active'",
  ],
  [
    'a status and a role',
    "role text not null default 'member' check (role in ('owner', 'member')), status text not null default 'invited' check (status in ('invited', 'active'))",
    "m.status = 'active' and m.role in ('owner', 'member')",
  ],
  [
    'what a status is not',
    "status text not null default 'removed' check (status in ('removed', 'invited', 'active'))",
    "m.status not in ('removed', 'invited')",
  ],
  ['that it was accepted', 'accepted_at timestamptz', 'm.accepted_at is not null'],
  ['that it was not removed', 'removed_at timestamptz default now()', 'm.removed_at is null'],
  ['a flag', 'is_active boolean not null default false', 'm.is_active'],
  ['a time', 'expires_at timestamptz not null default now()', 'm.expires_at > now()'],
  ['a level', 'level int not null default 0', 'm.level >= 10'],
  [
    'a status of the organization',
    "role text not null default 'member'",
    "exists (select 1 from public.organizations o where o.id = m.organization_id and o.status = 'live')",
    ", status text not null default 'draft' check (status in ('draft', 'live'))",
  ],
];

describe('members in good standing', () => {
  it.each(sampleOf(standings, 3))(
    '%s: all is proven, and a leak is found',
    async (_, columns, condition, ofOrganizations) => {
      const sql = members(columns, condition, ofOrganizations);
      const whole = await prove(sql);
      expect(errorsOf(whole)).toEqual([]);
      expect(unproven(whole)).toEqual([]);
      const leaking = await prove(
        `${sql} create policy leak on public.invoices for select to authenticated using (total > 0);`,
      );
      expect(errorsOf(leaking)).toEqual(['isolation-read public.invoices']);
    },
  );

  it.each([
    [
      'a policy itself',
      `exists (select 1 from public.organization_members m where m.organization_id = invoices.organization_id and m.user_id = (select auth.uid()) and m.status = 'active')`,
    ],
    ['a function of the row', 'private.is_member(organization_id)'],
  ])('%s asks for it', async (_, condition) => {
    const sql = `${members("status text not null default 'invited'", 'true')}
      create function private.is_member(organization uuid) returns boolean language sql stable security definer set search_path = '' as
        $$ select exists (select 1 from public.organization_members m where m.organization_id = organization and m.user_id = (select auth.uid()) and m.status = 'active') $$;
      alter policy i on public.invoices using (${condition}) with check (${condition});`;
    const found = await prove(sql);
    expect(errorsOf(found)).toEqual([]);
    expect(unproven(found)).toEqual([]);
  });

  it.each([
    ['one for each organization', 'primary key', 'grant select, update on public.subscriptions to authenticated;'],
    ['that only the server writes', '', 'grant select on public.subscriptions to authenticated;'],
  ])('what an organization pays for, in a row %s', async (_, key, grants) => {
    const sql = `${members("role text not null default 'member'", 'true')}
      create table public.subscriptions (organization_id uuid not null references public.organizations (id) on delete cascade ${key},
        plan text not null default 'free' check (plan in ('free', 'pro')), ends_at timestamptz not null default now());
      alter table public.subscriptions enable row level security; ${grants} grant all on public.subscriptions to service_role;
      create policy s on public.subscriptions for select to authenticated using (organization_id in ${mine});
      alter policy i on public.invoices using (organization_id in ${mine} and exists (select 1 from public.subscriptions s
        where s.organization_id = invoices.organization_id and s.plan = 'pro' and s.ends_at > now()));`;
    const found = await prove(sql);
    expect(errorsOf(found)).toEqual([]);
    expect(unproven(found)).toEqual([]);
  });

  it.each([
    ['a request that opens nothing is not-proven', "m.status = 'active'", ownRows, [], ['public.organization_members']],
    [
      'a request that its author does not read is not-proven',
      "m.status = 'active'",
      '',
      [],
      ['public.organization_members'],
    ],
    [
      'a request that opens rows is none',
      'true',
      ownRows,
      ['isolation-escalation public.organization_members', 'isolation-insert public.organization_members'],
      undefined,
    ],
  ])('%s', async (_, condition, reads, errors, gaps) => {
    const sql = `${members("status text not null default 'pending'", condition)} ${reads}
      create policy ask on public.organization_members for insert to authenticated
        with check (user_id = (select auth.uid()) and status = 'pending');
      grant insert on public.organization_members to authenticated;`;
    const found = await prove(sql);
    expect(errorsOf(found)).toEqual(errors);
    if (gaps !== undefined) expect(unproven(found)).toEqual(gaps);
  });

  it('what one policy asks of those who wait does not make all members wait', async () => {
    const sql = `${members('is_active boolean not null default false', 'm.is_active')}
      create function private.my_requests() returns setof uuid language sql stable security definer set search_path = '' as
        $$ select m.organization_id from public.organization_members m where m.user_id = (select auth.uid()) and not m.is_active $$;
      create policy asks on public.organizations for select to authenticated using (id in (select private.my_requests()));`;
    const found = await prove(sql);
    expect(errorsOf(found)).toEqual([]);
    expect(unproven(found)).not.toContain('public.invoices');
  });

  it('a function that says who is banned does not ban the members', async () => {
    const sql = `${members("role text not null default 'member', banned_at timestamptz", 'true')}
      create function private.is_banned() returns boolean language sql stable security definer set search_path = '' as
        $$ select exists (select 1 from public.organization_members where user_id = (select auth.uid()) and banned_at is not null) $$;
      alter policy i on public.invoices using (organization_id in ${mine} and not (select private.is_banned()));`;
    const found = await prove(sql);
    expect(errorsOf(found)).toEqual([]);
    expect(unproven(found)).toEqual([]);
  });

  it('a function that accepts invitations does not make invitations of the members', async () => {
    const sql = `${members("status text not null default 'invited'", "m.status = 'active'")}
      create function public.accept(organization uuid) returns void language sql security definer set search_path = '' as
        $$ update public.organization_members set status = 'active'
          where organization_id = organization and user_id = (select auth.uid()) and status = 'invited' $$;
      revoke execute on function public.accept(uuid) from public, anon;`;
    const found = await prove(sql);
    expect(errorsOf(found)).toEqual([]);
    expect(unproven(found)).toEqual([]);
  });
});
