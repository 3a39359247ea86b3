/** Tables that give users roles over the whole product, in the forms that projects have them in. */
import { describe, expect, it } from 'vitest';
import { errorProver, reportProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();
const report = reportProver();

const admin = "public.has_role((select auth.uid()), 'admin')";
const hasRole = (
  where: string,
): string => `create or replace function public.has_role(_user_id uuid, _role public.app_role) returns boolean
  language sql stable security definer set search_path = '' as $$ select exists (select 1 from public.user_roles where ${where}) $$;`;
const asked = 'user_id = _user_id and role = _role';

/** What tells the forms apart: what the role is by default, how many a user may have, and what a trigger gives to new users. */
interface Form {
  byDefault?: string;
  unique?: string;
  /** The role of new users, as SQL. */
  given?: string;
}

const roles = ({ byDefault = '', unique = '', given }: Form): string => `
  create type public.app_role as enum ('admin', 'moderator', 'user');
  create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, full_name text);
  create table public.user_roles (id uuid primary key default gen_random_uuid(),
    user_id uuid not null references public.profiles (id) on delete cascade, role public.app_role not null ${byDefault} ${unique});
  create index on public.user_roles (user_id);
  alter table public.profiles enable row level security; alter table public.user_roles enable row level security;
  ${hasRole(asked)} revoke all on function public.has_role from public, anon; grant execute on function public.has_role to authenticated;
  create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    insert into public.profiles (id, full_name) values (new.id, new.raw_user_meta_data ->> 'full_name');
    ${given === undefined ? '' : `insert into public.user_roles (user_id, role) values (new.id, ${given});`} return new; end $$;
  revoke all on function public.handle_new_user() from public, anon, authenticated;
  create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();
  create table public.orders (id uuid primary key default gen_random_uuid(),
    user_id uuid not null default auth.uid() references auth.users (id), total int not null);
  create index on public.orders (user_id); alter table public.orders enable row level security;
  grant select, update on public.profiles to authenticated;
  grant select, insert, update, delete on public.user_roles to authenticated;
  grant select, insert, update on public.orders to authenticated;
  create policy p1 on public.profiles for select to authenticated using (id = (select auth.uid()));
  create policy p2 on public.profiles for update to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));
  create policy r1 on public.user_roles for select to authenticated using (user_id = (select auth.uid()));
  create policy r2 on public.user_roles for all to authenticated using (${admin}) with check (${admin});
  create policy o1 on public.orders for select to authenticated using (user_id = (select auth.uid()));
  create policy o2 on public.orders for select to authenticated using (${admin});
  create policy o3 on public.orders for insert to authenticated with check (user_id = (select auth.uid()));
  create policy o4 on public.orders for update to authenticated using (${admin}) with check (${admin});`;

const toBoss = "case when lower(new.email) = 'boss@example.org' then 'admin' else 'user' end::public.app_role";

const forms: [name: string, form: Form][] = [
  ['staff alone has roles', {}],
  ['staff alone has roles, each once', { unique: ', unique (user_id, role)' }],
  ['everybody has one, by a trigger', { given: "'user'" }],
  ['everybody has one, by a trigger, and at most one', { given: "'user'", unique: ', unique (user_id)' }],
  [
    'everybody has the default, and staff others as well',
    { byDefault: "default 'user'", given: "'user'", unique: ', unique (user_id, role)' },
  ],
  ['one address makes an admin', { byDefault: "default 'user'", given: toBoss, unique: ', unique (user_id, role)' }],
];

const posts = (who: string): string => `
  create table public.posts (id uuid primary key default gen_random_uuid(),
    author_id uuid not null default auth.uid() references auth.users (id), title text not null);
  create index on public.posts (author_id); alter table public.posts enable row level security;
  grant select, insert, update, delete on public.posts to authenticated;
  -- muse: public-read
  create policy ar on public.posts for select to authenticated using (true);
  create policy ai on public.posts for insert to authenticated with check (author_id = (select auth.uid()) and ${who});
  create policy au on public.posts for update to authenticated using (${who}) with check (${who});
  create policy ad on public.posts for delete to authenticated using (${admin});`;

const promote = (
  first: string,
): string => `create or replace function public.promote(p_user uuid, p_role public.app_role) returns void
  language plpgsql security definer set search_path = '' as $$ begin ${first} delete from public.user_roles where user_id = p_user;
  insert into public.user_roles (user_id, role) values (p_user, p_role); end $$;
  revoke all on function public.promote from public, anon; grant execute on function public.promote to authenticated;`;
const byAdmins =
  "if not public.has_role(auth.uid(), 'admin') then raise exception 'no' using errcode = '42501'; end if;";
const moderator = "public.has_role((select auth.uid()), 'moderator')";

/** What is wrong, the error, and the repair. */
const holes: [name: string, sql: string, finds: string, repair: string][] = [
  [
    'users change their own role',
    `create policy own on public.user_roles for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));`,
    'isolation-write public.user_roles',
    'drop policy own on public.user_roles;',
  ],
  [
    'users give themselves a role',
    'create policy own on public.user_roles for insert to authenticated with check (user_id = (select auth.uid()));',
    'isolation-insert public.user_roles',
    'drop policy own on public.user_roles;',
  ],
  [
    'anybody gives roles',
    'alter policy r2 on public.user_roles with check (user_id is not null);',
    'isolation-insert public.user_roles',
    `alter policy r2 on public.user_roles with check (${admin});`,
  ],
  [
    'moderators give themselves the role of admins',
    `alter policy r2 on public.user_roles using (${moderator}) with check (${moderator});`,
    'isolation-write public.user_roles',
    `alter policy r2 on public.user_roles using (${admin}) with check (${admin});`,
  ],
  [
    'it is asked whose the row is, and not who asks',
    "alter policy o2 on public.orders using (public.has_role(user_id, 'admin'));",
    'isolation-read public.orders',
    `alter policy o2 on public.orders using (${admin});`,
  ],
  [
    'a function gives roles to anybody',
    promote(''),
    'isolation-write public.promote(uuid, app_role)',
    promote(byAdmins),
  ],
];

describe.each(sampleOf(forms, 2))('%s', (_name, form) => {
  it('is correct', async () => {
    expect(await prove(roles(form))).toEqual([]);
  });
  it('is correct beside what staff alone does', async () => {
    const settings = `create table public.settings (key text primary key, value text not null); alter table public.settings enable row level security;
      grant select, insert, update, delete on public.settings to authenticated;
      create policy s on public.settings for all to authenticated using (${admin}) with check (${admin});`;
    expect(
      await prove(`${roles(form)} ${posts(`(${moderator} or ${admin})`)} ${settings} ${promote(byAdmins)}`),
    ).toEqual([]);
  });
  it.each(sampleOf(holes, 3))('%s', async (_hole, sql, finds, repair) => {
    expect(await prove(`${roles(form)} ${sql}`)).toContain(finds);
    expect(await prove(`${roles(form)} ${sql} ${repair}`)).toEqual([]);
  });
});

describe.each(forms.filter(([, { given }]) => given !== undefined))('%s: what everybody has', (_name, form) => {
  it('is not enough to read what staff reads', async () => {
    const open = `alter policy o2 on public.orders using (public.has_role((select auth.uid()), 'user'));`;
    expect(await prove(`${roles(form)} ${open}`)).toContain('isolation-read public.orders');
  });
  it('is not enough, if the helper forgets the role', async () => {
    expect(await prove(`${roles(form)} ${hasRole('user_id = _user_id')}`)).toContain('isolation-read public.orders');
    expect(await prove(`${roles(form)} ${hasRole('user_id = _user_id')} ${hasRole(asked)}`)).toEqual([]);
  });
});

const ofBucket = "bucket_id = 'files'";
const files = `insert into storage.buckets (id, name, public) values ('files', 'files', false);
  create policy fr on storage.objects for select to authenticated using (${ofBucket} and ${admin});
  create policy fi on storage.objects for insert to authenticated with check (${ofBucket} and ${admin});
  create policy fu on storage.objects for update to authenticated using (${ofBucket} and ${admin}) with check (${ofBucket} and ${admin});
  create policy fd on storage.objects for delete to authenticated using (${ofBucket} and ${admin});`;
const invitations = `create table public.admin_invitations (id uuid primary key default gen_random_uuid(), email text not null unique,
    role public.app_role not null default 'moderator', invited_by uuid not null default auth.uid() references auth.users (id));
  create index on public.admin_invitations (invited_by); alter table public.admin_invitations enable row level security;
  grant select, insert, update, delete on public.admin_invitations to authenticated;
  create policy ai on public.admin_invitations for all to authenticated using (${admin}) with check (${admin});`;

describe.each(forms.slice(0, 3))('%s: what staff alone has', (_name, form) => {
  it('are files in a bucket', async () => {
    expect(await prove(`${roles(form)} ${files}`)).toEqual([]);
    const open = (policy: string, clause: string): string =>
      `alter policy ${policy} on storage.objects ${clause} (${ofBucket});`;
    expect(await prove(`${roles(form)} ${files} ${open('fr', 'using')}`)).toContain(
      'isolation-read storage.objects[files]',
    );
    expect(await prove(`${roles(form)} ${files} ${open('fi', 'with check')}`)).toContain(
      'isolation-insert storage.objects[files]',
    );
  });
  it('are invitations with a role', async () => {
    expect(await prove(`${roles(form)} ${invitations}`)).toEqual([]);
    const open = `create policy own on public.admin_invitations for all to authenticated
      using (invited_by = (select auth.uid())) with check (invited_by = (select auth.uid()));`;
    expect(await prove(`${roles(form)} ${invitations} ${open}`)).toContain('isolation-write public.admin_invitations');
  });
});

it('a second role of staff is tried as well', async () => {
  const gaps = async (form: Form): Promise<string[]> =>
    (await report(`${roles(form)} ${posts(moderator)}`)).findings
      .filter(({ rule, severity }) => rule === 'not-proven' || severity === 'error')
      .map(({ rule, object }) => `${rule} ${object}`);
  expect(await gaps({})).toEqual([]);
  expect(await gaps({ given: "'user'", unique: ', unique (user_id)' })).toContain('not-proven public.posts');
});

it('a counter that a trigger changes shows nothing more of a row that everyone reads', async () => {
  const videos = `create table public.videos (id uuid primary key default gen_random_uuid(),
      user_id uuid not null default auth.uid() references auth.users (id), title text not null, comments int not null default 0);
    create table public.comments (id uuid primary key default gen_random_uuid(), video_id uuid not null references public.videos (id) on delete cascade,
      user_id uuid not null default auth.uid() references auth.users (id), body text not null);
    create index on public.videos (user_id); create index on public.comments (video_id); create index on public.comments (user_id);
    alter table public.videos enable row level security; alter table public.comments enable row level security;
    grant select on public.videos to authenticated; grant select, insert on public.comments to authenticated;
    create policy v on public.videos for select to authenticated using (title is not null);
    create policy c on public.comments for select to authenticated using (user_id = (select auth.uid()));
    create policy i on public.comments for insert to authenticated with check (user_id = (select auth.uid()));
    create function public.count_comments() returns trigger language plpgsql security definer set search_path = '' as $$ begin
      update public.videos set comments = comments + 1 where id = new.video_id; return new; end $$;
    revoke all on function public.count_comments() from public, anon, authenticated;
    create trigger on_comment after insert on public.comments for each row execute function public.count_comments();`;
  expect(await prove(videos)).toEqual(['isolation-read public.videos']);
});
