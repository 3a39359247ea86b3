import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Session } from '../../src/database/database.ts';
import { as, found, inScratch, join, refused, signUp } from './actors.ts';
import { openKit } from './kit.ts';

let database: Database;
beforeAll(async () => {
  database = await openKit();
});
afterAll(() => database.close());

const scratch = (work: (session: Session) => Promise<void>) => () => inScratch(database, work);

const members = async (session: Session, organization: string): Promise<Record<string, string>> => {
  const { rows } = await session.query<{ user_id: string; role: string }>(
    'select user_id, role from public.organization_members where organization_id = $1',
    [organization],
  );
  return Object.fromEntries(rows.map((row) => [row.user_id, row.role]));
};

describe('members and roles', () => {
  const team = async (session: Session) => {
    const [ada, ben, cleo, dan] = [
      await signUp(session, 'ada'),
      await signUp(session, 'ben'),
      await signUp(session, 'cleo'),
      await signUp(session, 'dan'),
    ];
    const acme = await found(session, ada, 'Acme');
    await join(session, ben, acme, 'admin');
    await join(session, cleo, acme, 'member');
    await join(session, dan, acme, 'viewer');
    return { acme, ada, ben, cleo, dan };
  };
  const setRole = 'update public.organization_members set role = $2 where user_id = $1 returning role';
  const remove = 'delete from public.organization_members where user_id = $1 returning user_id';

  it(
    'only owners change roles',
    scratch(async (session) => {
      const { ada, ben, cleo, dan } = await team(session);
      for (const actor of [ben, cleo, dan]) expect(await as(session, actor, setRole, [cleo.user, 'owner'])).toEqual([]);
      expect(await as(session, ada, setRole, [cleo.user, 'owner'])).toEqual([{ role: 'owner' }]);
      expect(await as(session, ada, setRole, [ada.user, 'viewer'])).toEqual([{ role: 'viewer' }]);
      expect(await as(session, ada, setRole, [ada.user, 'owner'])).toEqual([]);
    }),
  );

  it(
    'admins remove members and viewers, owners anyone, others only themselves',
    scratch(async (session) => {
      const { ada, ben, cleo, dan } = await team(session);
      expect(await as(session, cleo, remove, [dan.user])).toEqual([]);
      expect(await as(session, ben, remove, [ada.user])).toEqual([]);
      expect(await as(session, ben, remove, [dan.user])).toHaveLength(1);
      expect(await as(session, cleo, remove, [cleo.user])).toHaveLength(1);
      expect(await as(session, ada, remove, [ben.user])).toHaveLength(1);
    }),
  );

  it(
    'a removed member loses access to the organization immediately',
    scratch(async (session) => {
      const { acme, ada, ben } = await team(session);
      await as(session, ada, remove, [ben.user]);
      expect(await as(session, ben, 'select id from public.organizations')).toEqual([]);
      expect(await as(session, ben, 'select * from public.organization_people($1)', [acme])).toEqual([]);
    }),
  );

  it(
    'a creator who left no longer sees the organization',
    scratch(async (session) => {
      const { ada, ben } = await team(session);
      await as(session, ada, setRole, [ben.user, 'owner']);
      await as(session, ada, remove, [ada.user]);
      expect(await as(session, ada, 'select id from public.organizations')).toEqual([]);
      expect(await as(session, ben, 'select created_by from public.organizations')).toEqual([{ created_by: null }]);
    }),
  );

  it(
    'the last owner can neither leave nor step down, even if the backend requests it',
    scratch(async (session) => {
      const { acme, ada } = await team(session);
      for (const actor of [ada, 'service_role'] as const) {
        expect(await refused(session, actor, remove, [ada.user])).toContain('last owner');
        expect(await refused(session, actor, setRole, [ada.user, 'member'])).toContain('last owner');
      }
      await refused(session, 'service_role', 'delete from public.organization_members where organization_id = $1', [
        acme,
      ]);
      expect(await members(session, acme)).toMatchObject({ [ada.user]: 'owner' });
    }),
  );

  it(
    'two owners cannot leave in one statement either',
    scratch(async (session) => {
      const { ada, ben } = await team(session);
      await as(session, ada, setRole, [ben.user, 'owner']);
      await refused(session, ada, 'delete from public.organization_members');
    }),
  );

  it(
    'the organization and the account can still be deleted',
    scratch(async (session) => {
      const { acme, ada } = await team(session);
      const globex = await found(session, ada, 'Globex');
      await as(session, 'service_role', 'delete from public.organizations where id = $1', [acme]);
      await session.query('delete from auth.users where id = $1', [ada.user]);
      expect(await members(session, acme)).toEqual({});
      expect(await members(session, globex)).toEqual({});
    }),
  );

  it(
    'only members see names',
    scratch(async (session) => {
      const { acme, ada, dan } = await team(session);
      const people = await as<{ email: string; role: string }>(
        session,
        dan,
        'select email, role from public.organization_people($1)',
        [acme],
      );
      expect(people.map((person) => `${person.email} ${person.role}`)).toEqual([
        'ada@example.com owner',
        'ben@example.com admin',
        'cleo@example.com member',
        'dan@example.com viewer',
      ]);
      expect(await as(session, ada, 'select * from public.organization_people($1)', [null])).toEqual([]);
      expect(
        await as(session, await signUp(session, 'eve'), 'select * from public.organization_people($1)', [acme]),
      ).toEqual([]);
    }),
  );
});

describe('app-wide roles', () => {
  it.each([
    [undefined, { user: true, admin: false, superadmin: false }],
    ['user', { user: true, admin: false, superadmin: false }],
    ['admin', { user: true, admin: true, superadmin: false }],
    ['superadmin', { user: true, admin: true, superadmin: true }],
  ])('with %s', (role, holds) =>
    inScratch(database, async (session) => {
      const [ada, ben] = [await signUp(session, 'ada'), await signUp(session, 'ben')];
      if (role)
        await as(session, 'service_role', 'insert into public.user_roles (user_id, role) values ($1, $2)', [
          ada.user,
          role,
        ]);
      const ask =
        "select private.has_role('user') as user, private.has_role('admin') as admin, private.has_role('superadmin') as superadmin";
      expect(await as(session, ada, ask)).toEqual([holds]);
      expect(await as(session, ben, ask)).toEqual([{ user: true, admin: false, superadmin: false }]);
      expect(await as(session, ada, 'select role from public.user_roles')).toEqual(role ? [{ role }] : []);
      expect(await as(session, ben, 'select role from public.user_roles')).toEqual([]);
    }),
  );

  it(
    'cannot be self-assigned',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      await refused(session, ada, "insert into public.user_roles (user_id, role) values ($1, 'admin')", [ada.user]);
      await refused(session, ada, "update public.user_roles set role = 'admin'");
      await refused(session, ada, 'delete from public.user_roles');
    }),
  );
});
