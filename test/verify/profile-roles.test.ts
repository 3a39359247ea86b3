/** Users whose profile says what role they have, and policies that ask a helper for it. */
import { describe, expect, it } from 'vitest';
import { errorProver } from './prove-files.ts';
import { sampleOf } from '../support/sample.ts';

const prove = errorProver();

const helper = (name: string, returns: string, language: string, body: string): string =>
  `create function public.${name} returns ${returns} language ${language} stable security definer set search_path = '' as $$ ${body} $$;
  revoke all on function public.${name} from public, anon; grant execute on function public.${name} to authenticated;`;

/** How policies ask for the role: what has to be there, and the condition that it is one of some. */
interface Way {
  first: string;
  is: (...roles: string[]) => string;
}

const oneOf =
  (role: string) =>
  (...roles: string[]): string =>
    `(${role} in (${roles.map((one) => `'${one}'`).join(', ')}))`;
const query = (whose: string): string => `select p.role from public.profiles p where p.id = ${whose}`;

const ways: [name: string, way: Way][] = [
  [
    'a helper that returns it',
    { first: helper('my_role()', 'text', 'sql', query('auth.uid()')), is: oneOf('(select public.my_role())') },
  ],
  [
    'a helper in PL/pgSQL',
    {
      first: helper(
        'my_role()',
        'text',
        'plpgsql',
        `declare r text; begin select p.role into r from public.profiles p where p.id = auth.uid(); return r; end`,
      ),
      is: oneOf('(select public.my_role())'),
    },
  ],
  [
    'a helper that is told who asks',
    {
      first: helper('role_of(u uuid)', 'text', 'sql', `${query('u')} and u = auth.uid()`),
      is: oneOf('public.role_of((select auth.uid()))'),
    },
  ],
  [
    'a helper that is told the role',
    {
      first: helper(
        'has_role(r text)',
        'boolean',
        'sql',
        `select exists (select 1 from public.profiles where id = auth.uid() and role = r)`,
      ),
      is: (...roles) => `(${roles.map((role) => `(select public.has_role('${role}'))`).join(' or ')})`,
    },
  ],
  ['a query', { first: '', is: oneOf(`(${query('(select auth.uid())')})`) }],
];

const signedUp = `create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$ begin
    insert into public.profiles (id, role) values (new.id, 'student'); return new; end $$;
  revoke all on function public.handle_new_user() from public, anon, authenticated;
  create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();`;

const school = ({ first, is }: Way, byDefault: string, trigger: string): string => `
  create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, full_name text,
    role text not null ${byDefault} check (role in ('admin', 'teacher', 'student')));
  alter table public.profiles enable row level security; grant select, update (full_name) on public.profiles to authenticated;
  ${first} ${trigger}
  create policy p1 on public.profiles for select to authenticated using (id = (select auth.uid()));
  create policy p2 on public.profiles for update to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));
  create table public.courses (id uuid primary key default gen_random_uuid(), teacher_id uuid not null default auth.uid() references public.profiles (id),
    title text not null);
  create index on public.courses (teacher_id); alter table public.courses enable row level security;
  grant select, insert, update, delete on public.courses to authenticated;
  create policy c1 on public.courses for select to authenticated using (teacher_id = (select auth.uid()) or ${is('admin')});
  create policy c2 on public.courses for insert to authenticated with check (teacher_id = (select auth.uid()) and ${is('teacher', 'admin')});
  create policy c3 on public.courses for update to authenticated using (teacher_id = (select auth.uid()) or ${is('admin')})
    with check (teacher_id = (select auth.uid()) or ${is('admin')});
  create policy c4 on public.courses for delete to authenticated using (${is('admin')});
  create table public.settings (key text primary key, value text not null); alter table public.settings enable row level security;
  grant select, insert, update on public.settings to authenticated;
  create policy s on public.settings for all to authenticated using (${is('admin')}) with check (${is('admin')});`;

describe.each(sampleOf(ways, 3))('%s', (_name, way) => {
  describe.each([
    ['without a default', '', ''],
    ['with a default', "default 'student'", ''],
    ['set by a trigger', '', signedUp],
  ])('%s', (_form, byDefault, trigger) => {
    const made = school(way, byDefault, trigger);
    it('is correct', async () => {
      expect(await prove(made)).toEqual([]);
    });
    it('is changed by its user', async () => {
      expect(await prove(`${made} grant update (role) on public.profiles to authenticated;`)).toContain(
        'isolation-write public.profiles',
      );
    });
    it('is one that everybody has', async () => {
      const open = `alter policy c1 on public.courses using (teacher_id = (select auth.uid()) or ${way.is('admin', 'student')});`;
      expect(await prove(`${made} ${open}`)).toContain('isolation-read public.courses');
    });
  });
});
