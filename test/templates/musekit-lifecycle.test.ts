/** How organizations and accounts end and come back, and what the backend keeps of both. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Session } from '../../src/database/database.ts';
import { as, found, inScratch, join, refused, signUp } from './actors.ts';
import { openKit } from './kit.ts';

let database: Database;
beforeAll(async () => {
  database = await openKit('embedded');
});
afterAll(() => database.close());

const scratch = (work: (session: Session, ada: { user: string }, acme: string) => Promise<void>) => () =>
  inScratch(database, async (session) => {
    const ada = await signUp(session, 'ada');
    await work(session, ada, await found(session, ada, 'Acme'));
  });

const organizations = 'select id from public.organizations';

describe('a closed organization', () => {
  it(
    'is closed to its founder too, and opens again for those who owned it, within 30 days',
    scratch(async (session, ada, acme) => {
      const [ben, eve] = [await signUp(session, 'ben'), await signUp(session, 'eve')];
      await join(session, ben, acme, 'admin');
      await as(session, ada, 'select public.delete_organization($1)', [acme]);
      for (const actor of [ada, ben, eve]) expect(await as(session, actor, organizations)).toEqual([]);

      const closed = 'select organization_id, name, reopen_until > now() as in_time from public.closed_organizations()';
      expect(await as(session, ada, closed)).toEqual([{ organization_id: acme, name: 'Acme', in_time: true }]);
      for (const actor of [ben, eve]) {
        expect(await as(session, actor, closed)).toEqual([]);
        await refused(session, actor, 'select public.reopen_organization($1)', [acme]);
      }
      await as(session, ada, 'select public.reopen_organization($1)', [acme]);
      for (const actor of [ada, ben]) expect(await as(session, actor, organizations)).toEqual([{ id: acme }]);
      await refused(session, ada, 'select public.reopen_organization($1)', [acme]);

      await session.query("update public.organizations set deleted_at = now() - interval '31 days'");
      expect(await as(session, ada, closed)).toEqual([]);
      await refused(session, ada, 'select public.reopen_organization($1)', [acme]);
    }),
  );
});

describe('deleting an account', () => {
  const leave = 'select public.delete_account()';

  it(
    'deletes the rows of the user, and leaves an audit row',
    scratch(async (session, ada) => {
      const ben = await signUp(session, 'ben');
      await as(session, ben, "insert into public.social_posts (platform, content) values ('x', 'Hello')");
      await refused(session, 'anon', leave);
      await as(session, ben, leave);
      for (const table of ['auth.users', 'public.profiles', 'public.social_posts']) {
        const { rows } = await session.query(`select 1 from ${table} as t where to_jsonb(t)::text like $1`, [
          `%${ben.user}%`,
        ]);
        expect(rows, table).toEqual([]);
      }
      const { rows } = await session.query("select user_id from public.audit_logs where action = 'users.delete'");
      expect(rows).toEqual([{ user_id: ben.user }]);
      expect(await as(session, ada, organizations)).toHaveLength(1);
    }),
  );

  it.each<[string, string[], string | null]>([
    ['another owner stays', ['owner', 'admin'], 'ben owner, cleo admin'],
    ['the admin who joined first takes over', ['admin', 'admin'], 'ben owner, cleo admin'],
    ['members do not: it is closed', ['member', 'viewer'], null],
    ['nobody is left: it is closed', [], null],
  ])('of the last owner: %s', (_, roles, left) =>
    scratch(async (session, ada, acme) => {
      for (const [index, role] of roles.entries()) {
        const member = await signUp(session, ['ben', 'cleo'][index]!);
        await join(session, member, acme, role);
        await session.query(
          "update public.organization_members set created_at = now() + $2 * interval '1 day' where user_id = $1",
          [member.user, index],
        );
      }
      await as(session, ada, leave);
      const { rows } = await session.query<{ closed: boolean; people: string | null }>(
        `select deleted_at is not null as closed, (
           select string_agg(profiles.full_name || ' ' || members.role, ', ' order by profiles.full_name)
           from public.organization_members as members join public.profiles on profiles.id = members.user_id
           where members.organization_id = organizations.id) as people
         from public.organizations where id = $1`,
        [acme],
      );
      expect(rows[0]!.closed).toBe(left === null);
      if (left !== null) expect(rows[0]!.people).toBe(left);
    })(),
  );

  it(
    'is refused while the user has a role for the whole app',
    scratch(async (session, ada) => {
      await as(session, 'service_role', "insert into public.user_roles (user_id, role) values ($1, 'admin')", [
        ada.user,
      ]);
      await refused(session, ada, leave);
      await as(session, 'service_role', 'delete from public.user_roles');
      await as(session, ada, leave);
    }),
  );
});

describe('the export', () => {
  type Exported = { data: Record<string, Record<string, unknown>[]> };
  /** Tables of an extension: what users read of their own, what they may not read, and what only the backend knows. */
  const extension = (ada: string, eve: string): string => `
    create table public.notes (id uuid primary key default gen_random_uuid(), author uuid references auth.users, text text);
    create table public.reports (like public.notes including all, foreign key (author) references auth.users);
    create table public.scores (like public.notes including all, foreign key (author) references auth.users);
    alter table public.notes enable row level security;
    alter table public.reports enable row level security;
    alter table public.scores enable row level security;
    grant select on public.notes, public.reports to authenticated;
    grant select on public.notes, public.reports, public.scores to service_role;
    create policy own on public.notes to authenticated using (author = (select auth.uid()));
    create policy others on public.reports to authenticated using (author <> (select auth.uid()));
    insert into public.notes (author, text) values ('${ada}', 'mine'), ('${eve}', 'theirs');
    insert into public.reports (author, text) values ('${ada}', 'hidden');
    insert into public.scores (author, text) values ('${ada}', 'secret');`;

  it(
    "is a job of the backend, and has a user's rows of every table, also of an extension, without hashes",
    scratch(async (session, ada, acme) => {
      const eve = await signUp(session, 'eve');
      await session.script(extension(ada.user, eve.user));
      await as(session, ada, "select * from public.create_api_key($1, 'CI')", [acme]);
      const sql = 'select public.export_user_data($1) as data';
      const [row] = await as<Exported>(session, 'service_role', sql, [ada.user]);
      expect(row!.data).toMatchObject({
        profiles: [{ full_name: 'ada' }],
        organization_members: [{ organization_id: acme, role: 'owner' }],
        api_keys: [{ name: 'CI' }],
        notes: [{ text: 'mine' }],
        reports: [{ text: 'hidden' }],
        notifications: [],
      });
      expect(JSON.stringify(row)).not.toMatch(/theirs|secret|key_hash/);
      for (const actor of [ada, 'anon'] as const) await refused(session, actor, sql, [ada.user]);
    }),
  );

  it(
    'of a user by themselves has the rows about them that they may read',
    scratch(async (session, ada, acme) => {
      const eve = await signUp(session, 'eve');
      await session.script(extension(ada.user, eve.user));
      await as(session, ada, "select * from public.create_api_key($1, 'CI')", [acme]);
      const sql = 'select public.export_own_data() as data';
      const [row] = await as<Exported>(session, ada, sql);
      expect(row!.data).toMatchObject({
        profiles: [{ id: ada.user, full_name: 'ada' }],
        organization_members: [{ organization_id: acme, user_id: ada.user }],
        api_keys: [{ name: 'CI' }],
        notes: [{ text: 'mine' }],
        reports: [],
      });
      expect(row!.data['scores']).toBeUndefined();
      expect(JSON.stringify(row)).not.toMatch(/theirs|hidden|secret|key_hash/);
      const [other] = await as<Exported>(session, eve, sql);
      expect(other!.data).toMatchObject({ profiles: [{ id: eve.user }], notes: [{ text: 'theirs' }], api_keys: [] });
      expect(JSON.stringify(other)).not.toContain(ada.user);
      for (const actor of ['anon', 'service_role'] as const) await refused(session, actor, sql);
    }),
  );

  it(
    'of an organization is a job of the backend',
    scratch(async (session, ada, acme) => {
      const globex = await found(session, ada, 'Globex');
      const sql = 'select public.export_organization_data($1) as data';
      await refused(session, ada, sql, [acme]);
      const [row] = await as<{ data: Record<string, unknown[]> }>(session, 'service_role', sql, [acme]);
      expect(row!.data).toMatchObject({ organization_members: [{ user_id: ada.user }], organization_settings: [{}] });
      expect(JSON.stringify(row)).not.toContain(globex);
    }),
  );
});

describe('seats', () => {
  const plan = (session: Session, acme: string, limits: string) =>
    session.script(`
      insert into public.products (slug, name, limits) values ('team', 'Team', '${limits}');
      insert into public.subscriptions (organization_id, product_id) select '${acme}', id from public.products;`);
  const invite = 'select * from public.create_invitation($1, $2)';

  it(
    'limit members and open invitations',
    scratch(async (session, ada, acme) => {
      await plan(session, acme, '{"seats": 3}');
      const [ben, cleo] = [await signUp(session, 'ben'), await signUp(session, 'cleo')];
      const [first] = await as<{ token: string }>(session, ada, invite, [acme, 'ben@example.com']);
      const [second] = await as<{ token: string }>(session, ada, invite, [acme, 'cleo@example.com']);
      expect(await refused(session, ada, invite, [acme, 'dan@example.com'])).toContain('seats');
      // The same address again takes no further seat.
      const [again] = await as<{ token: string }>(session, ada, invite, [acme, 'cleo@example.com']);
      expect(again!.token).not.toBe(second!.token);
      await as(session, ben, 'select public.accept_invitation($1)', [first!.token]);
      await session.query('update public.products set limits = \'{"seats": 2}\'');
      expect(await refused(session, cleo, 'select public.accept_invitation($1)', [again!.token])).toContain('seats');
      await session.query('update public.products set limits = \'{"seats": 3}\'');
      await as(session, cleo, 'select public.accept_invitation($1)', [again!.token]);
    }),
  );

  it.each(['{}', '{"seats": null}', '{"seats": "many"}'])('have no limit with %s', (limits) =>
    scratch(async (session, ada, acme) => {
      await plan(session, acme, limits);
      for (const name of ['a', 'b', 'c', 'd', 'e']) await as(session, ada, invite, [acme, `${name}@example.com`]);
    })(),
  );

  it(
    'can be exceeded by the backend',
    scratch(async (session, _ada, acme) => {
      await plan(session, acme, '{"seats": 1}');
      await join(session, await signUp(session, 'ben'), acme, 'member');
    }),
  );
});

describe('webhook events', () => {
  const record = async (session: Session, id = 'evt_1') =>
    (
      await as<{ process: boolean }>(
        session,
        'service_role',
        `select public.record_webhook_event('stripe', $1, 'invoice.paid', '{"amount": 1}') as process`,
        [id],
      )
    )[0]!.process;
  const finish = (session: Session, error: string | null = null) =>
    as(session, 'service_role', "select public.finish_webhook_event('stripe', 'evt_1', $1)", [error]);

  it(
    'are processed once, however often they are delivered',
    scratch(async (session) => {
      expect([await record(session), await record(session)]).toEqual([true, false]);
      await finish(session);
      expect([await record(session), await record(session, 'evt_2')]).toEqual([false, true]);
      await expect(finish(session)).rejects.toMatchObject({ code: 'P0002' });
    }),
  );

  it(
    'are tried again after they failed, or when nothing was heard of an attempt',
    scratch(async (session) => {
      await record(session);
      await finish(session, 'no such customer');
      expect(await record(session)).toBe(true);
      expect(await record(session)).toBe(false);
      await session.script(`
        alter table public.webhook_events disable trigger set_updated_at;
        update public.webhook_events set updated_at = now() - interval '6 minutes';`);
      expect(await record(session)).toBe(true);
      const { rows } = await session.query('select attempts, status, error from public.webhook_events');
      expect(rows).toEqual([{ attempts: 3, status: 'received', error: null }]);
    }),
  );

  it(
    'are out of reach for users',
    scratch(async (session, ada) => {
      for (const sql of [
        'select * from public.webhook_events',
        "select public.record_webhook_event('stripe', 'evt_1', 'x')",
        "select public.finish_webhook_event('stripe', 'evt_1')",
      ])
        for (const actor of [ada, 'anon'] as const) await refused(session, actor, sql);
    }),
  );
});

describe('notifications', () => {
  it(
    'are read, marked and deleted by their user, and written by the backend',
    scratch(async (session, ada) => {
      const eve = await signUp(session, 'eve');
      const notify =
        "insert into public.notifications (user_id, kind, title, link) values ($1, 'invited', 'Welcome', $2)";
      await refused(session, ada, notify, [ada.user, '/team']);
      await as(session, 'service_role', notify, [ada.user, '/team']);
      for (const link of ['https://example.com', '//example.com', 'javascript:alert(1)']) {
        await expect(as(session, 'service_role', notify, [ada.user, link])).rejects.toMatchObject({ code: '23514' });
      }
      expect(await as(session, eve, 'select id from public.notifications')).toEqual([]);
      await refused(session, ada, "update public.notifications set title = 'Mine'");
      expect(await as(session, ada, 'update public.notifications set read_at = now() returning title')).toEqual([
        { title: 'Welcome' },
      ]);
      expect(await as(session, ada, 'delete from public.notifications returning link')).toEqual([{ link: '/team' }]);
    }),
  );

  it('are delivered by Realtime', async () => {
    const { rows } = await database.query(
      "select tablename from pg_publication_tables where pubname = 'supabase_realtime' and schemaname = 'public'",
    );
    expect(rows).toEqual([{ tablename: 'notifications' }]);
  });
});

describe('files', () => {
  const upload = 'insert into storage.objects (bucket_id, name) values ($1, $2) returning name';

  it(
    'of users are in folders of their own',
    scratch(async (session, ada) => {
      const eve = await signUp(session, 'eve');
      const name = `${ada.user}/me.png`;
      expect(await as(session, ada, upload, ['avatars', name])).toEqual([{ name }]);
      for (const actor of [eve, 'anon'] as const) {
        await refused(session, actor, upload, ['avatars', `${ada.user}/other.png`]);
        expect(await as(session, actor, 'select name from storage.objects')).toEqual([]);
      }
      expect(await as(session, eve, "update storage.objects set name = 'x' returning name")).toEqual([]);
    }),
  );

  it.each([
    ['owner', true],
    ['admin', true],
    ['member', false],
    ['viewer', false],
  ])('of organizations are written by their owners and admins: %s', (role, allowed) =>
    scratch(async (session, ada, acme) => {
      const ben = await signUp(session, 'ben');
      const globex = await found(session, ada, 'Globex');
      await join(session, ben, acme, role);
      if (allowed) expect(await as(session, ben, upload, ['branding', `${acme}/logo.png`])).toHaveLength(1);
      else await refused(session, ben, upload, ['branding', `${acme}/logo.png`]);
      await refused(session, ben, upload, ['branding', `${globex}/logo.png`]);
    })(),
  );

  it('have limits of size and type', async () => {
    const { rows } = await database.query<{ allowed_mime_types: string[] }>(
      'select id, file_size_limit::int as size, allowed_mime_types from storage.buckets order by id',
    );
    expect(rows).toMatchObject([
      { id: 'avatars', size: 2097152 },
      { id: 'branding', size: 5242880 },
    ]);
    for (const { allowed_mime_types: types } of rows) expect(types).not.toContain('image/svg+xml');
  });
});

describe('administrators of the product', () => {
  it.each([
    [undefined, false],
    ['user', false],
    ['admin', true],
    ['superadmin', true],
  ])('see organizations, subscriptions and audit rows: %s', (role, allowed) =>
    scratch(async (session, ada, acme) => {
      const staff = await signUp(session, 'staff');
      await session.script(`
        insert into public.products (slug, name) values ('team', 'Team');
        insert into public.subscriptions (organization_id, product_id) select '${acme}', id from public.products;`);
      if (role)
        await as(session, 'service_role', 'insert into public.user_roles (user_id, role) values ($1, $2)', [
          staff.user,
          role,
        ]);
      await as(session, ada, 'select public.delete_organization($1)', [acme]);
      const calls: [string, unknown[], object][] = [
        [
          "select * from public.admin_organizations('AC')",
          [],
          { name: 'Acme', members: expect.anything(), plan: 'team' },
        ],
        ['select * from public.admin_subscriptions($1)', [acme], { status: 'active' }],
        [
          "select * from public.admin_audit_logs($1) where action = 'organizations.insert'",
          [acme],
          { user_id: ada.user },
        ],
      ];
      for (const [sql, parameters, row] of calls) {
        if (allowed) expect(await as(session, staff, sql, parameters)).toMatchObject([row]);
        else await refused(session, staff, sql, parameters);
      }
      if (allowed) expect(await as(session, staff, "select * from public.admin_organizations('nothing')")).toEqual([]);
    })(),
  );
});

describe('a second factor', () => {
  it.each([
    ['aal2', true],
    ['aal1', false],
    [undefined, false],
  ])('is in the token: %s', (aal, expected) =>
    inScratch(database, async (session) => {
      await session.query("select set_config('request.jwt.claims', $1, true)", [
        JSON.stringify({ role: 'authenticated', aal }),
      ]);
      await session.query('set local role authenticated');
      const { rows } = await session.query('select private.has_mfa() as factor');
      expect(rows).toEqual([{ factor: expected }]);
    }),
  );
});

describe('retention', () => {
  it(
    'deletes what is kept no longer',
    scratch(async (session, ada, acme) => {
      await as(session, ada, "select * from public.create_invitation($1, 'new@example.com')", [acme]);
      await session.script(`
        insert into public.invitations (organization_id, email, token_hash, expires_at)
          values ('${acme}', 'old@example.com', repeat('0', 64), now() - interval '91 days');
        insert into public.notifications (user_id, kind, title, read_at, created_at)
          values ('${ada.user}', 'x', 'read', now() - interval '91 days', now()), ('${ada.user}', 'x', 'new', null, now());
        insert into public.webhook_events (provider, event_id, event_type, status, updated_at)
          values ('x', '1', 'x', 'processed', now() - interval '91 days'), ('x', '2', 'x', 'failed', now() - interval '91 days');
        insert into public.audit_logs (action, created_at) values ('old', now() - interval '500 days');`);
      await refused(session, ada, 'select private.purge_expired()');
      expect(await as(session, 'service_role', 'select private.purge_expired() as purged')).toEqual([
        { purged: { audit_logs: 1, invitations: 1, notifications: 1, webhook_events: 1 } },
      ]);
    }),
  );

  it(
    'is scheduled where the database has pg_cron',
    scratch(async (session) => {
      const schedule = 'select private.schedule_retention() as scheduled';
      expect((await session.query(schedule)).rows).toEqual([{ scheduled: false }]);
      await session.query('create extension pg_cron');
      for (let round = 0; round < 2; round += 1)
        expect((await session.query(schedule)).rows).toEqual([{ scheduled: true }]);
      expect((await session.query('select jobname, command from cron.job')).rows).toEqual([
        { jobname: 'musekit-retention', command: 'select private.purge_expired()' },
      ]);
    }),
  );
});

describe('social accounts and posts', () => {
  it(
    'take their tokens out of the vault with them',
    scratch(async (session, ada) => {
      await session.query('create extension if not exists supabase_vault');
      const secret = async (): Promise<string> =>
        (await session.query<{ id: string }>("select vault.create_secret('token') as id")).rows[0]!.id;
      const [first, second, refresh] = [await secret(), await secret(), await secret()];
      const other = await secret();
      const left = async () =>
        (await session.query<{ id: string }>('select id from vault.secrets')).rows.map(({ id }) => id);
      await as(
        session,
        'service_role',
        `insert into public.social_accounts (user_id, platform, access_token_secret_id, refresh_token_secret_id)
        values ($1, 'linkedin', $2, $3)`,
        [ada.user, first, refresh],
      );
      await as(session, 'service_role', 'update public.social_accounts set access_token_secret_id = $1', [second]);
      expect((await left()).sort()).toEqual([second, refresh, other].sort());
      await as(session, ada, 'delete from public.social_accounts');
      expect(await left()).toEqual([other]);
    }),
  );

  it(
    'are published by the backend alone',
    scratch(async (session, ada) => {
      await as(
        session,
        ada,
        "insert into public.social_posts (platform, content, status) values ('x', 'Hello', 'scheduled')",
      );
      for (const status of ['publishing', 'posted', 'failed']) {
        await refused(session, ada, 'update public.social_posts set status = $1', [status]);
        await refused(
          session,
          ada,
          "insert into public.social_posts (platform, content, status) values ('x', 'y', $1)",
          [status],
        );
      }
      for (const column of [
        'posted_at = now()',
        "platform_post_id = '1'",
        "engagement_data = '{}'",
        "error_message = ''",
      ])
        await refused(session, ada, `update public.social_posts set ${column}`);
      await as(session, 'service_role', "update public.social_posts set status = 'failed', error_message = 'timeout'");
      await as(session, ada, "update public.social_posts set status = 'scheduled'");
      await as(
        session,
        'service_role',
        "update public.social_posts set status = 'posted', posted_at = now(), platform_post_id = '1'",
      );
      await refused(session, ada, "update public.social_posts set status = 'scheduled'");
      await as(session, ada, "update public.social_posts set content = 'Hello again', status = 'posted'");
    }),
  );
});
