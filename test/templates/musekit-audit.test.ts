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

const log = async (session: Session, where: string, parameters: unknown[] = []) =>
  (
    await session.query<{ action: string; user_id: string | null; actor_role: string; details: unknown }>(
      `select action, user_id, actor_role, details from public.audit_logs where ${where} order by created_at, ctid`,
      parameters,
    )
  ).rows;

describe('audit rows', () => {
  it.each(["update public.audit_logs set action = 'x'", 'delete from public.audit_logs', 'truncate public.audit_logs'])(
    'cannot be changed by the owner or the backend: %s',
    (sql) =>
      scratch(async (session, ada) => {
        expect(await refused(session, 'owner', sql)).toContain('cannot be changed');
        await refused(session, 'service_role', sql);
        await refused(session, ada, sql);
        // A grant changes nothing: the trigger protects the rows.
        await session.query('grant all on table public.audit_logs to service_role');
        expect(await refused(session, 'service_role', sql)).toContain('cannot be changed');
      })(),
  );

  it(
    'are protected in replication mode too, which disables ordinary triggers',
    scratch(async (session) => {
      await session.query('set local session_replication_role = replica');
      for (const sql of [
        'delete from public.audit_logs',
        "update public.audit_logs set action = 'x'",
        'truncate public.audit_logs',
      ]) {
        expect(await refused(session, 'owner', sql)).toContain('cannot be changed');
      }
    }),
  );

  it(
    'outlive the user and the organization that they name',
    scratch(async (session, ada, acme) => {
      const before = await log(session, 'organization_id = $1', [acme]);
      await session.query('delete from public.organizations where id = $1', [acme]);
      await session.query('delete from auth.users where id = $1', [ada.user]);
      expect((await log(session, 'organization_id = $1', [acme])).length).toBeGreaterThan(before.length);
      expect(before.every((row) => row.user_id === ada.user)).toBe(true);
    }),
  );

  it(
    'say who did what, with roles before and after',
    scratch(async (session, ada, acme) => {
      const ben = await signUp(session, 'ben');
      await join(session, ben, acme, 'member');
      await as(session, ada, "update public.organization_members set role = 'admin' where user_id = $1", [ben.user]);
      expect(await log(session, "action = 'organization_members.update'")).toEqual([
        {
          action: 'organization_members.update',
          user_id: ada.user,
          actor_role: 'authenticated',
          details: { changed: ['role'], role: { before: 'member', after: 'admin' } },
        },
      ]);
      expect(await log(session, "action = 'organization_members.insert' and user_id is null")).toMatchObject([
        { actor_role: 'service_role' },
      ]);
    }),
  );

  it(
    'are not written for an update without changes',
    scratch(async (session, ada) => {
      await as(session, ada, 'update public.organizations set name = name');
      expect(await log(session, "action = 'organizations.update'")).toEqual([]);
      await as(session, ada, "update public.organizations set name = 'Secret Plans'");
      const rows = await log(session, "action = 'organizations.update'");
      expect(rows).toMatchObject([{ details: { changed: ['name'] } }]);
      expect(JSON.stringify(rows)).not.toContain('Secret Plans');
    }),
  );

  it(
    'record changes of keys, invitations, subscriptions, roles and flags',
    scratch(async (session, ada, acme) => {
      const [key] = await as<{ api_key_id: string }>(session, ada, "select * from public.create_api_key($1, 'CI')", [
        acme,
      ]);
      await as(session, ada, 'select public.revoke_api_key($1)', [key!.api_key_id]);
      const [invitation] = await as<{ token: string }>(
        session,
        ada,
        "select * from public.create_invitation($1, 'x@example.com')",
        [acme],
      );
      await session.script(`
      insert into public.user_roles (user_id, role) values ('${ada.user}', 'admin');
      insert into public.products (slug, name) values ('pro', 'Pro');
      insert into public.subscriptions (organization_id, product_id) select '${acme}', id from public.products;
      insert into public.feature_flag_definitions (key) values ('f');
      insert into public.organization_feature_flags (organization_id, flag_id, enabled) select '${acme}', id, true from public.feature_flag_definitions;`);
      const rows = await log(session, "action not like 'organization\\_%' and action not like 'organizations.%'");
      expect(rows.map((row) => row.action).sort()).toEqual([
        'api_keys.insert',
        'api_keys.update',
        'feature_flag_definitions.insert',
        'invitations.insert',
        'subscriptions.insert',
        'user_roles.insert',
      ]);
      const everything = JSON.stringify(await log(session, 'true'));
      expect(everything).not.toContain(invitation!.token);
      expect(everything).not.toContain('x@example.com');
    }),
  );

  it(
    'are read by owners and admins',
    scratch(async (session, ada, acme) => {
      const [ben, cleo, eve] = [
        await signUp(session, 'ben'),
        await signUp(session, 'cleo'),
        await signUp(session, 'eve'),
      ];
      await join(session, ben, acme, 'admin');
      await join(session, cleo, acme, 'member');
      for (const [actor, sees] of [
        [ada, true],
        [ben, true],
        [cleo, false],
        [eve, false],
      ] as const) {
        const rows = await as(session, actor, 'select id from public.audit_logs');
        expect(rows.length > 0).toBe(sees);
      }
    }),
  );
});

describe('write_audit()', () => {
  const write = (acme: string | null) =>
    [`select public.write_audit('exports.create', 'exports', '7', $1, '{"rows": 3}') as id`, [acme]] as const;

  it(
    "writes in the caller's own name",
    scratch(async (session, ada, acme) => {
      await as(session, ada, ...write(acme));
      await as(session, 'service_role', ...write(acme));
      await as(session, 'service_role', ...write(null));
      expect(await log(session, "action = 'exports.create'")).toMatchObject([
        { user_id: ada.user, actor_role: 'authenticated', details: { rows: 3 } },
        { user_id: null, actor_role: 'service_role' },
        { user_id: null, actor_role: 'service_role' },
      ]);
    }),
  );

  it(
    "cannot write to another organization's log, and rows cannot be inserted directly",
    scratch(async (session, ada, acme) => {
      const eve = await signUp(session, 'eve');
      await refused(session, eve, ...write(acme));
      await refused(session, 'anon', ...write(acme));
      await refused(session, ada, ...write(null));
      await refused(
        session,
        ada,
        "insert into public.audit_logs (organization_id, user_id, action) values ($1, $2, 'x')",
        [acme, ada.user],
      );
    }),
  );

  it(
    "takes the user from a session variable only on an application's own connection",
    scratch(async (session, ada, acme) => {
      const eve = await signUp(session, 'eve');
      await session.script(
        'create role muse_test_app; grant usage on schema public to muse_test_app; grant execute on function public.write_audit to muse_test_app;',
      );
      await session.query(
        "select set_config('app.current_user_id', $1, true), set_config('app.current_org_id', $2, true)",
        [ada.user, acme],
      );
      await refused(session, eve, ...write(acme));
      await session.query("select set_config('request.jwt.claims', '', true)");
      await session.query('set local role authenticated');
      await session.query('savepoint anonymous');
      await expect(session.query(...write(acme))).rejects.toMatchObject({ code: '42501' });
      await session.query('rollback to savepoint anonymous');
      await session.query('reset role');
      await session.query('grant muse_test_app to current_user');
      await session.query('set local role muse_test_app');
      await session.query(...write(acme));
      await session.query('savepoint other');
      await expect(session.query(...write('00000000-0000-4000-8000-000000000000'))).rejects.toMatchObject({
        code: '42501',
      });
      await session.query('rollback to savepoint other');
      await session.query('reset role');
      expect(await log(session, "action = 'exports.create'")).toMatchObject([
        { user_id: ada.user, actor_role: 'muse_test_app' },
      ]);
    }),
  );
});

describe('the size of an audit row', () => {
  it.each([
    ['details of 20 kB', `'x', null, null, $1, jsonb_build_object('text', repeat('x', 20000))`],
    ['a type of 101 characters', `'x', repeat('x', 101), null, $1`],
    ['an id of 201 characters', `'x', 'y', repeat('x', 201), $1`],
  ])('has a limit: %s', (_, parameters) =>
    scratch(async (session, ada, acme) => {
      await expect(as(session, ada, `select public.write_audit(${parameters})`, [acme])).rejects.toMatchObject({
        code: '23514',
      });
    })(),
  );
});

/** The partitions with their number of rows, in order. */
const partitions = async (session: Session): Promise<Record<string, number>> => {
  const { rows } = await session.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_catalog.pg_inherits
     where inhparent = 'public.audit_logs'::regclass order by 1`,
  );
  const counts: Record<string, number> = {};
  for (const { name } of rows) {
    const counted = await session.query<{ n: number }>(`select count(*)::int as n from ${name}`);
    counts[name.replace('private.audit_logs_', '')] = counted.rows[0]!.n;
  }
  return counts;
};
const month = async (session: Session, months: number): Promise<string> => {
  const sql = "select to_char((now() at time zone 'UTC') + $1 * interval '1 month', 'YYYY_MM') as month";
  return (await session.query<{ month: string }>(sql, [months])).rows[0]!.month;
};

describe('the partitions', () => {
  it(
    'are this month, three coming ones and a default, and more on request',
    scratch(async (session, ada) => {
      const names = async () => Object.keys(await partitions(session));
      const coming = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => month(session, n)));
      expect(await names()).toEqual([...coming.slice(0, 4), 'default']);
      await refused(session, ada, 'select private.ensure_audit_partitions()');
      for (const added of [2, 0]) {
        expect(await as(session, 'service_role', 'select private.ensure_audit_partitions(5) as added')).toEqual([
          { added },
        ]);
        expect(await names()).toEqual([...coming, 'default']);
      }
    }),
  );

  it(
    'are closed to users, and their rows unchangeable in each of them',
    scratch(async (session, ada) => {
      await session.query('grant usage on schema private to anon');
      for (const name of Object.keys(await partitions(session))) {
        const table = `private.audit_logs_${name}`;
        const { rows } = await session.query('select relrowsecurity from pg_class where oid = $1::regclass', [table]);
        expect(rows).toEqual([{ relrowsecurity: true }]);
        for (const actor of [ada, 'anon', 'service_role'] as const)
          await refused(session, actor, `select * from ${table}`);
        await session.query(`insert into ${table} (action, created_at) select 'x', case
          when '${name}' = 'default' then now() - interval '9 years' else to_date('${name}', 'YYYY_MM') + interval '2 days' end`);
        for (const mode of ['origin', 'replica']) {
          await session.query(`set local session_replication_role = ${mode}`);
          for (const sql of [`update ${table} set action = 'y'`, `delete from ${table}`, `truncate ${table}`])
            expect(await refused(session, 'owner', sql), sql).toContain('cannot be changed');
        }
        await session.query('set local session_replication_role = origin');
      }
    }),
  );

  it(
    'take the rows of the default one when they are made',
    scratch(async (session) => {
      const later = await month(session, 6);
      await session.query(
        "insert into public.audit_logs (action, created_at) values ('later', now() + interval '6 months')",
      );
      expect(await partitions(session)).toMatchObject({ default: 1 });
      expect(await as(session, 'service_role', 'select private.ensure_audit_partitions(6) as added')).toEqual([
        { added: 2 },
      ]);
      expect(await partitions(session)).toMatchObject({ [later]: 1, default: 0 });
      await refused(session, 'owner', 'truncate private.audit_logs_default');
    }),
  );
});

describe('purge_audit_logs()', () => {
  it(
    'drops whole old months, logs that, and leaves the protection unchanged',
    scratch(async (session, ada) => {
      await session.query(`insert into public.audit_logs (action, created_at)
        values ('old', now() - interval '400 days'), ('recent', now() - interval '40 days'), ('late', now() + interval '1 year')`);
      const before = await log(session, "action <> 'old'");
      await refused(session, ada, "select private.purge_audit_logs('1 year')");
      for (const purged of [1, 0]) {
        expect(await as(session, 'service_role', "select private.purge_audit_logs('1 year')::int as purged")).toEqual([
          { purged },
        ]);
      }
      expect(await log(session, "action not in ('old', 'audit_logs.purge')")).toEqual(before);
      expect(await log(session, "action = 'audit_logs.purge'")).toMatchObject([
        { actor_role: 'service_role', details: { purged: 1 } },
        { details: { purged: 0 } },
      ]);
      // The rows that stay are in partitions of their months by now.
      expect(await partitions(session)).toMatchObject({ default: 0 });
      await refused(session, 'owner', 'delete from public.audit_logs');
      const { rows } = await session.query(
        "select distinct tgenabled from pg_catalog.pg_trigger where tgname in ('refuse_change', 'refuse_truncate')",
      );
      expect(rows).toEqual([{ tgenabled: 'A' }]);
    }),
  );

  it.each(["'29 days'", 'null', "'-1 day'"])('refuses to keep %s', (keep) =>
    scratch(async (session) => {
      await expect(as(session, 'service_role', `select private.purge_audit_logs(${keep})`)).rejects.toMatchObject({
        code: '22023',
      });
    })(),
  );
});
