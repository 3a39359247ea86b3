import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Session } from '../../src/database/database.ts';
import { as, found, inScratch, join, refused, signUp } from './actors.ts';
import { kitFile, openKit } from './kit.ts';

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

describe('signing up', () => {
  it(
    'creates a profile that its user can read and change',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      expect(await as(session, ada, 'select id, email, full_name from public.profiles')).toEqual([
        { id: ada.user, email: 'ada@example.com', full_name: 'ada' },
      ]);
      await as(session, ada, "update public.profiles set full_name = 'Ada Adams'");
      expect(await as(session, ada, 'select full_name from public.profiles')).toEqual([{ full_name: 'Ada Adams' }]);
    }),
  );

  it(
    'lets a client upsert its own profile',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      const upsert = `insert into public.profiles (id, full_name) values ($1, $2)
      on conflict (id) do update set id = excluded.id, full_name = excluded.full_name returning full_name, email`;
      expect(await as(session, ada, upsert, [ada.user, 'Ada A.'])).toEqual([
        { full_name: 'Ada A.', email: 'ada@example.com' },
      ]);
      await session.query('delete from public.profiles where id = $1', [ada.user]);
      expect(await as(session, ada, upsert, [ada.user, 'Ada B.'])).toEqual([
        { full_name: 'Ada B.', email: 'ada@example.com' },
      ]);
    }),
  );

  it.each([
    ['nothing', null],
    ['an array', ['x']],
    ['a number', 7],
    ['a name that is an object', { full_name: { first: 'A' } }],
    ['a name of a million characters', { full_name: 'x'.repeat(1_000_000) }],
    ['a picture by a script', { avatar_url: 'javascript:alert(1)' }],
    ['a picture that is data', { avatar_url: 'data:image/svg+xml,<svg/>' }],
    ['a picture with a space in its URL', { avatar_url: 'https://example.com/a b' }],
    ['a picture with a URL of a million characters', { avatar_url: `https://example.com/${'x'.repeat(1_000_000)}` }],
  ])('never fails because of metadata: %s', (_, metadata) =>
    inScratch(database, async (session) => {
      const { user } = await signUp(session, 'odd', metadata);
      const { rows } = await session.query(
        'select coalesce(char_length(full_name), 0) > 200 as long, avatar_url from public.profiles where id = $1',
        [user],
      );
      expect(rows).toEqual([{ long: false, avatar_url: null }]);
    }),
  );

  it.each([
    ['public.profiles', 'avatar_url', 'HTTPS://example.com/a.png', true],
    ['public.profiles', 'avatar_url', 'javascript:alert(1)', false],
    ['public.profiles', 'avatar_url', ' https://example.com/a.png', false],
    ['public.profiles', 'avatar_url', `https://example.com/${'x'.repeat(2000)}`, false],
    ['public.profiles', 'full_name', 'x'.repeat(200), true],
    ['public.profiles', 'full_name', 'x'.repeat(201), false],
    ['public.profiles', 'locale', 'x'.repeat(36), false],
    ['public.organizations', 'logo_url', 'http://example.com/logo.png', true],
    ['public.organizations', 'logo_url', 'data:text/html,x', false],
  ])('%s.%s takes %s: %s', (table, column, value, taken) =>
    inScratch(database, async (session) => {
      const ada = await signUp(session, 'ada', { avatar_url: 'https://example.com/ada.png' });
      await found(session, ada, 'Acme');
      const write = as(session, ada, `update ${table} set ${column} = $1 returning ${column} as value`, [value]);
      if (taken) expect(await write).toEqual([{ value }]);
      else await expect(write).rejects.toMatchObject({ code: '23514' });
    }),
  );

  it(
    'works without an email address, and the profile follows a change of address',
    scratch(async (session) => {
      const { rows } = await session.query<{ id: string }>(
        'insert into auth.users (id) values (gen_random_uuid()) returning id',
      );
      const someone = { user: rows[0]!.id };
      expect(await as(session, someone, 'select email from public.profiles')).toEqual([{ email: null }]);
      await session.query("update auth.users set email = 'new@example.com' where id = $1", [someone.user]);
      expect(await as(session, someone, 'select email from public.profiles')).toEqual([{ email: 'new@example.com' }]);
      await refused(session, someone, "update public.profiles set email = 'forged@example.com'");
    }),
  );

  it(
    'creates missing profiles of existing users when core runs again',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      await session.query('delete from public.profiles');
      await session.script(kitFile('migrations/core/002_profiles.sql'));
      expect(await as(session, ada, 'select email from public.profiles')).toEqual([{ email: 'ada@example.com' }]);
    }),
  );
});

describe('creating an organization', () => {
  it(
    'gives it no reserved slug, neither when it is created nor later',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      for (const slug of ['admin', 'api', 'www', 'settings']) {
        await expect(
          as(session, ada, 'insert into public.organizations (name, slug) values ($1, $1)', [slug]),
        ).rejects.toMatchObject({ code: '23514', message: expect.stringContaining('reserved') });
        const id = await found(session, ada, slug);
        const [row] = await as<{ slug: string }>(session, ada, 'select slug from public.organizations where id = $1', [
          id,
        ]);
        expect(row!.slug).toMatch(new RegExp(`^${slug}-[0-9a-f]{12}$`));
      }
      await expect(as(session, ada, "update public.organizations set slug = 'login'")).rejects.toMatchObject({
        code: '23514',
      });
    }),
  );

  it(
    'returns the row, makes the creator its owner, and adds settings',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      const [organization] = await as<{ id: string; slug: string; created_by: string }>(
        session,
        ada,
        "insert into public.organizations (name) values ('Acme & Sons') returning *",
      );
      expect(organization).toMatchObject({ slug: 'acme-sons', created_by: ada.user });
      expect(await members(session, organization!.id)).toEqual({ [ada.user]: 'owner' });
      const settings =
        'update public.organization_settings set settings = \'{"theme": "dark"}\' where organization_id = $1 returning settings';
      expect(await as(session, ada, settings, [organization!.id])).toEqual([{ settings: { theme: 'dark' } }]);
    }),
  );

  it.each([
    ['a name that is taken', 'Acme', /^acme-[0-9a-f]{12}$/],
    ['a name without a Latin letter', 'Ωμέγα', /^[0-9a-f]{12}$/],
    ['a free name', '  Globex!  ', /^globex$/],
  ])('finds a slug for %s', (_, name, slug) =>
    inScratch(database, async (session) => {
      const ben = await signUp(session, 'ben');
      await found(session, await signUp(session, 'ada'), 'Acme');
      await found(session, ben, name);
      const rows = await as<{ slug: string }>(session, ben, 'select slug from public.organizations');
      expect(rows[0]?.slug).toMatch(slug);
    }),
  );

  it(
    'for another user is refused',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      const ben = await signUp(session, 'ben');
      await refused(session, ada, "insert into public.organizations (name, created_by) values ('Forged', $1)", [
        ben.user,
      ]);
      await refused(session, ada, "insert into public.organizations (name, created_by) values ('Nobody''s', null)");
      await refused(session, 'anon', "insert into public.organizations (name) values ('Anonymous')");
    }),
  );

  it(
    'is undone for everyone by delete_organization(), which only owners can call',
    scratch(async (session) => {
      const [ada, ben] = [await signUp(session, 'ada'), await signUp(session, 'ben')];
      const acme = await found(session, ada, 'Acme');
      await join(session, ben, acme, 'admin');
      await refused(session, ben, 'select public.delete_organization($1)', [acme]);
      await refused(session, ada, 'select public.delete_organization($1)', [null]);
      await as(session, ada, 'select public.delete_organization($1)', [acme]);
      expect(await as(session, ben, 'select id from public.organizations')).toEqual([]);
      expect(await as(session, ada, 'select id from public.organization_members')).toEqual([]);
      expect(await as(session, ada, "update public.organizations set name = 'Again' returning id")).toEqual([]);
      const { rows } = await session.query('select 1 from public.organization_members where organization_id = $1', [
        acme,
      ]);
      expect(rows).toHaveLength(2);
    }),
  );
});

describe('inviting', () => {
  const invite = (session: Session, actor: { user: string }, organization: string, email: string, role = 'member') =>
    as<{ invitation_id: string; token: string }>(session, actor, 'select * from public.create_invitation($1, $2, $3)', [
      organization,
      email,
      role,
    ]);

  it(
    'makes the user with the token and the address a member, once',
    scratch(async (session) => {
      const [ada, ben] = [await signUp(session, 'ada'), await signUp(session, 'ben')];
      const acme = await found(session, ada, 'Acme');
      const [invitation] = await invite(session, ada, acme, ' Ben@Example.com ', 'viewer');
      const lasts = "select email, expires_at > now() + interval '6 days' as lasts from public.invitations";
      expect(await as(session, ada, lasts)).toEqual([{ email: 'ben@example.com', lasts: true }]);
      await refused(session, ada, 'select token_hash from public.invitations');
      const { rows: stored } = await session.query('select invitations::text from public.invitations');
      expect(JSON.stringify(stored)).not.toContain(invitation!.token);
      expect(invitation!.token).toMatch(/^[0-9a-f]{64}$/);

      expect(
        await as(session, ben, 'select public.accept_invitation($1) as organization', [invitation!.token]),
      ).toEqual([{ organization: acme }]);
      expect(await members(session, acme)).toEqual({ [ada.user]: 'owner', [ben.user]: 'viewer' });
      expect(await as(session, ben, 'select name from public.organizations')).toEqual([{ name: 'Acme' }]);
      expect(await refused(session, ben, 'select public.accept_invitation($1)', [invitation!.token])).toContain(
        'has been used',
      );
    }),
  );

  it(
    'never changes the role of an existing member',
    scratch(async (session) => {
      const [ada, ben] = [await signUp(session, 'ada'), await signUp(session, 'ben')];
      const acme = await found(session, ada, 'Acme');
      const [invitation] = await invite(session, ada, acme, 'ben@example.com', 'viewer');
      await join(session, ben, acme, 'admin');
      await as(session, ben, 'select public.accept_invitation($1)', [invitation!.token]);
      expect(await members(session, acme)).toEqual({ [ada.user]: 'owner', [ben.user]: 'admin' });
    }),
  );

  it(
    'is refused for the address of a member, in any case',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      const acme = await found(session, ada, 'Acme');
      await expect(invite(session, ada, acme, ' ADA@example.com')).rejects.toMatchObject({ code: '23505' });
    }),
  );

  it(
    'again replaces the invitation before, whose token stops working',
    scratch(async (session) => {
      const [ada, ben] = [await signUp(session, 'ada'), await signUp(session, 'ben')];
      const [acme, globex] = [await found(session, ada, 'Acme'), await found(session, ada, 'Globex')];
      await invite(session, ada, globex, 'ben@example.com');
      const [first] = await invite(session, ada, acme, 'ben@example.com', 'viewer');
      const [second] = await invite(session, ada, acme, 'BEN@example.com', 'admin');
      expect(await as(session, ada, 'select role from public.invitations order by role')).toEqual([
        { role: 'admin' },
        { role: 'member' },
      ]);
      await refused(session, ben, 'select public.accept_invitation($1)', [first!.token]);
      await as(session, ben, 'select public.accept_invitation($1)', [second!.token]);
      await as(session, ada, 'delete from public.organization_members where user_id = $1', [ben.user]);
      expect(await invite(session, ada, acme, 'ben@example.com')).toHaveLength(1);
    }),
  );

  it(
    'is accepted only with a confirmed address',
    scratch(async (session) => {
      const [ada, ben] = [await signUp(session, 'ada'), await signUp(session, 'ben')];
      const acme = await found(session, ada, 'Acme');
      const [invitation] = await invite(session, ada, acme, 'ben@example.com');
      const accept = 'select public.accept_invitation($1)';
      await session.query('update auth.users set email_confirmed_at = null where id = $1', [ben.user]);
      const answer = await refused(session, ben, accept, [invitation!.token]);
      expect(answer).toContain('Confirm your email address');
      expect(await refused(session, ben, accept, ['unknown'])).toBe(answer);
      await session.query('update auth.users set email_confirmed_at = now() where id = $1', [ben.user]);
      await as(session, ben, accept, [invitation!.token]);
      expect(await members(session, acme)).toMatchObject({ [ben.user]: 'member' });
    }),
  );

  it(
    "returns the same error for another user's token and an unknown one",
    scratch(async (session) => {
      const [ada, ben, eve] = [
        await signUp(session, 'ada'),
        await signUp(session, 'ben'),
        await signUp(session, 'eve'),
      ];
      const acme = await found(session, ada, 'Acme');
      const [invitation] = await invite(session, ada, acme, 'ben@example.com');
      const another = await refused(session, eve, 'select public.accept_invitation($1)', [invitation!.token]);
      expect(await refused(session, eve, 'select public.accept_invitation($1)', ['no such token'])).toBe(another);
      expect(await refused(session, ben, 'select public.accept_invitation($1)', [null])).toBe(another);
      await refused(session, 'anon', 'select public.accept_invitation($1)', [invitation!.token]);
      expect(await members(session, acme)).toEqual({ [ada.user]: 'owner' });
    }),
  );

  it(
    'ends when it expires, is withdrawn, or its organization is deleted',
    scratch(async (session) => {
      const [ada, ben] = [await signUp(session, 'ada'), await signUp(session, 'ben')];
      const acme = await found(session, ada, 'Acme');
      const [old] = await invite(session, ada, acme, 'ben@example.com');
      await session.query('update public.invitations set expires_at = now() where id = $1', [old!.invitation_id]);
      expect(await refused(session, ben, 'select public.accept_invitation($1)', [old!.token])).toContain('expired');

      const [withdrawn] = await invite(session, ada, acme, 'ben@example.com');
      await as(session, ada, 'delete from public.invitations where id = $1', [withdrawn!.invitation_id]);
      await refused(session, ben, 'select public.accept_invitation($1)', [withdrawn!.token]);

      const [closed] = await invite(session, ada, acme, 'ben@example.com');
      await as(session, ada, 'select public.delete_organization($1)', [acme]);
      await refused(session, ben, 'select public.accept_invitation($1)', [closed!.token]);
    }),
  );

  it.each([
    ['owner', 'admin', true],
    ['owner', 'viewer', true],
    ['admin', 'member', true],
    ['admin', 'admin', false],
    ['member', 'viewer', false],
    ['viewer', 'viewer', false],
    [undefined, 'viewer', false],
  ])('by %s for %s: %s', (role, invited, allowed) =>
    inScratch(database, async (session) => {
      const [ada, ben] = [await signUp(session, 'ada'), await signUp(session, 'ben')];
      const acme = await found(session, ada, 'Acme');
      if (role) await join(session, ben, acme, role);
      if (allowed) expect(await invite(session, ben, acme, 'new@example.com', invited)).toHaveLength(1);
      else
        await refused(session, ben, 'select * from public.create_invitation($1, $2, $3)', [
          acme,
          'new@example.com',
          invited,
        ]);
    }),
  );

  it(
    'cannot create an owner, and rows cannot be inserted directly',
    scratch(async (session) => {
      const ada = await signUp(session, 'ada');
      const acme = await found(session, ada, 'Acme');
      await expect(invite(session, ada, acme, 'new@example.com', 'owner')).rejects.toMatchObject({ code: '23514' });
      await refused(
        session,
        ada,
        "insert into public.invitations (organization_id, email, token_hash) values ($1, 'x@example.com', repeat('0', 64))",
        [acme],
      );
      await refused(session, ada, "update public.invitations set role = 'admin'");
    }),
  );
});
