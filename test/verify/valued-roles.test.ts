/** Members whose role is in JSON, in a list, or in a column that is not called a role. */
import { describe, expect, it } from 'vitest';
import { errorsOf, findingsProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const me = '(select auth.uid())';
const of = (name: string): string => `organization_id in (select private.${name}())`;

interface Form {
  /** The column, and how managers are told by it. */
  column: string;
  asked: string;
}

/** Organizations, those who work there, what all of them read, and what managers alone do. */
const kit = ({ column, asked }: Form, unique: string): string => `
  create schema private; grant usage on schema private to authenticated;
  create table public.offices (id uuid primary key default gen_random_uuid(), name text not null);
  create table public.agents (id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.offices (id) on delete cascade,
    user_id uuid references auth.users (id) on delete cascade, nickname text, ${column}${unique});
  create table public.chats (id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.offices (id) on delete cascade, body text not null);
  create table public.hooks (id uuid primary key default gen_random_uuid(),
    organization_id uuid not null references public.offices (id) on delete cascade, url text not null);
  create index on public.agents (organization_id); create index on public.agents (user_id);
  create index on public.chats (organization_id); create index on public.hooks (organization_id);
  alter table public.offices enable row level security; alter table public.agents enable row level security;
  alter table public.chats enable row level security; alter table public.hooks enable row level security;
  create function private.mine() returns setof uuid language sql stable security definer set search_path = '' as $$
    select organization_id from public.agents where user_id = auth.uid() $$;
  create function private.managed() returns setof uuid language sql stable security definer set search_path = '' as $$
    select organization_id from public.agents where user_id = auth.uid() and ${asked} $$;
  grant select on public.offices to authenticated; grant select, insert, update, delete on public.agents to authenticated;
  grant select, insert, update, delete on public.chats, public.hooks to authenticated;
  create policy o1 on public.offices for select to authenticated using (id in (select private.mine()));
  create policy a1 on public.agents for select to authenticated using (${of('mine')});
  create policy a2 on public.agents for insert to authenticated with check (${of('managed')});
  create policy a3 on public.agents for update to authenticated using (${of('managed')}) with check (${of('managed')});
  create policy a4 on public.agents for delete to authenticated using (${of('managed')});
  create policy c1 on public.chats for all to authenticated using (${of('mine')}) with check (${of('mine')});
  create policy h1 on public.hooks for all to authenticated using (${of('managed')}) with check (${of('managed')});`;

const forms: [name: string, form: Form][] = [
  [
    'a place in JSON',
    { column: `settings jsonb not null default '{"role": "member"}'`, asked: "settings ->> 'role' = 'admin'" },
  ],
  [
    'a place in JSON without a default',
    { column: 'settings jsonb', asked: "settings ->> 'role' in ('admin', 'owner')" },
  ],
  ['a path in JSON', { column: `meta jsonb not null default '{}'`, asked: "meta #>> '{access,level}' = 'admin'" }],
  ['a list in JSON', { column: `roles jsonb not null default '["member"]'`, asked: "roles ? 'admin'" }],
  ['a list of texts', { column: "roles text[] not null default '{member}'", asked: "'admin' = any (roles)" }],
  ['a flag', { column: 'manages boolean not null default false', asked: 'manages' }],
  [
    'a kind',
    { column: "kind text not null default 'staff' check (kind in ('staff', 'head'))", asked: "kind = 'head'" },
  ],
];

describe.each(sampleOf(forms, 3))('%s says what members may do', (_name, form) => {
  const find = findingsProver();
  const errors = async (sql: string): Promise<string[]> => errorsOf(await find(sql));
  const open = `create policy own on public.agents for update to authenticated using (user_id = ${me}) with check (user_id = ${me});`;

  it.each(['', ', unique (organization_id, user_id)'])('correct%s', async (unique) => {
    const whole = kit(form, unique);
    const found = await find(whole);
    expect(errorsOf(found)).toEqual([]);
    expect(found.filter(({ rule }) => rule === 'not-proven').map(({ object }) => object)).toEqual([]);
  });
  it('a member raises itself', async () => {
    const base = `${kit(form, '')} ${open}`;
    expect(await errors(base)).toContain('isolation-write public.agents');
    expect(
      await errors(
        `${base} revoke update on public.agents from authenticated; grant update (nickname) on public.agents to authenticated;`,
      ),
    ).toEqual([]);
  });
  it('a stranger adds itself', async () => {
    const join = (check: string): string =>
      `${kit(form, '')} create policy j on public.agents for insert to authenticated with check (${check});`;
    expect(await errors(join(`user_id = ${me}`))).toContain('isolation-escalation public.agents');
    expect(await errors(join(`user_id = ${me} and ${of('managed')}`))).toEqual([]);
  });
  it('members do what managers do', async () => {
    const all = `alter policy a4 on public.agents using (${of('mine')});`;
    expect(await errors(`${kit(form, '')} ${all}`)).toContain('isolation-write public.agents');
  });
});

const findAlone = findingsProver();
it('what everything asks for is a state and no role', async () => {
  // Who is invited is none of the members before it accepts, whichever column says so.
  const form = {
    column: "standing text not null default 'invited' check (standing in ('invited', 'active'))",
    asked: "standing = 'active'",
  };
  expect(
    errorsOf(await findAlone(kit(form, '').replace('auth.uid() $', () => "auth.uid() and standing = 'active' $"))),
  ).toEqual([]);
});
