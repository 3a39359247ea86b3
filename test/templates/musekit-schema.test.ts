import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Session } from '../../src/database/database.ts';
import { checkCatalog } from '../../src/verify/catalog/catalog-check.ts';
import { inScratch } from './actors.ts';
import { coreFiles, kitFile, openKit, rollbackFiles, run, seedFile } from './kit.ts';

const tables = [
  'api_keys',
  'audit_logs',
  'feature_flag_definitions',
  'invitations',
  'notifications',
  'organization_feature_flags',
  'organization_members',
  'organization_settings',
  'organizations',
  'products',
  'profiles',
  'social_accounts',
  'social_posts',
  'subscriptions',
  'usage_metrics',
  'user_roles',
  'webhook_events',
];
/** Their rows never change. */
const appendOnly = ['audit_logs'];

let database: Database;
beforeAll(async () => {
  database = await openKit();
});
afterAll(() => database.close());

const rows = async <Row = Record<string, unknown>>(sql: string, session: Session = database): Promise<Row[]> =>
  (await session.query<Row>(sql)).rows;

describe('the schema of core', () => {
  it('has the tables, each with row-level security, a UUID key, both timestamps and a comment', async () => {
    expect(
      await rows(`
        select c.relname as name, c.relrowsecurity as rls, obj_description(c.oid) is not null as comment,
          (select array_agg(a.attname::text || ' ' || format_type(a.atttypid, null) order by a.attname)
           from pg_attribute a where a.attrelid = c.oid and a.attname in ('id', 'created_at', 'updated_at') and a.attnotnull) as columns
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') order by 1`),
    ).toEqual(
      tables.map((name) => ({
        name,
        rls: true,
        comment: true,
        columns: [
          'created_at timestamp with time zone',
          'id uuid',
          ...(appendOnly.includes(name) ? [] : ['updated_at timestamp with time zone']),
        ],
      })),
    );
  });

  it('sets updated_at with a trigger on every table with updates', async () => {
    const found = await rows<{ name: string }>(
      "select tgrelid::regclass::text as name from pg_trigger where tgfoid = 'private.set_updated_at()'::regprocedure order by 1",
    );
    expect(found.map((row) => row.name).sort()).toEqual(tables.filter((name) => !appendOnly.includes(name)));
  });

  it('grants exactly what the policies allow', async () => {
    const granted = await rows<{ line: string }>(`
      select format('%s %s: %s', grantee, table_name, string_agg(distinct lower(privilege_type), ' ' order by lower(privilege_type))) as line
      from (
        select grantee, table_name, privilege_type from information_schema.table_privileges where table_schema = 'public'
        union
        select grantee, table_name, privilege_type || '(columns)' from information_schema.column_privileges as columns
        where table_schema = 'public' and not exists (
          select 1 from information_schema.table_privileges as whole
          where (whole.table_schema, whole.table_name, whole.grantee, whole.privilege_type) = (columns.table_schema, columns.table_name, columns.grantee, columns.privilege_type))
      ) as privileges
      where grantee in ('PUBLIC', 'anon', 'authenticated')
      group by grantee, table_name order by 1`);
    expect(granted.map((row) => row.line)).toEqual([
      'anon products: select',
      'authenticated api_keys: select(columns) update(columns)',
      'authenticated audit_logs: select',
      'authenticated invitations: delete select(columns)',
      'authenticated notifications: delete select update(columns)',
      'authenticated organization_feature_flags: select',
      'authenticated organization_members: delete select update(columns)',
      'authenticated organization_settings: select update(columns)',
      'authenticated organizations: insert(columns) select update(columns)',
      'authenticated products: select',
      'authenticated profiles: insert(columns) select update(columns)',
      'authenticated social_accounts: delete insert(columns) select update(columns)',
      'authenticated social_posts: delete insert(columns) select update(columns)',
      'authenticated subscriptions: select',
      'authenticated usage_metrics: select',
      'authenticated user_roles: select',
    ]);
  });

  it('has one policy for each granted verb, and each names its role', async () => {
    const found = await rows<{ line: string }>(`
      select format('%s %s: %s', array_to_string(roles, ', '), tablename, string_agg(lower(cmd), ' ' order by lower(cmd))) as line
      from pg_policies where schemaname = 'public' group by roles, tablename order by 1`);
    expect(found.map((row) => row.line)).toEqual([
      'anon, authenticated products: select',
      'authenticated api_keys: select update',
      'authenticated audit_logs: select',
      'authenticated invitations: delete select',
      'authenticated notifications: delete select update',
      'authenticated organization_feature_flags: select',
      'authenticated organization_members: delete select update',
      'authenticated organization_settings: select update',
      'authenticated organizations: insert select update',
      'authenticated profiles: insert select update',
      'authenticated social_accounts: delete insert select update',
      'authenticated social_posts: delete insert select update',
      'authenticated subscriptions: select',
      'authenticated usage_metrics: select',
      'authenticated user_roles: select',
    ]);
  });

  it('grants EXECUTE on each function only to the roles that need it', async () => {
    const found = await rows<{ line: string }>(`
      select format('%s.%s: %s', n.nspname, p.proname, string_agg(distinct coalesce(r.rolname, 'public'), ' ' order by coalesce(r.rolname, 'public'))) as line
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl left join pg_roles r on r.oid = acl.grantee
      where n.nspname in ('public', 'private') and acl.grantee <> p.proowner
      group by n.nspname, p.proname, p.oid order by 1`);
    expect(found.map((row) => row.line)).toEqual([
      'private.ensure_audit_partitions: service_role',
      'private.has_mfa: authenticated service_role',
      'private.has_role: authenticated service_role',
      'private.purge_audit_logs: service_role',
      'private.purge_expired: service_role',
      'private.rows_that_reference: authenticated service_role',
      'private.user_organization_ids: authenticated service_role',
      'private.user_organization_ids: authenticated service_role',
      'public.accept_invitation: authenticated',
      'public.admin_audit_logs: authenticated',
      'public.admin_organizations: authenticated',
      'public.admin_subscriptions: authenticated',
      'public.closed_organizations: authenticated',
      'public.create_api_key: authenticated',
      'public.create_invitation: authenticated',
      'public.delete_account: authenticated',
      'public.delete_organization: authenticated',
      'public.export_organization_data: service_role',
      'public.export_own_data: authenticated',
      'public.export_user_data: service_role',
      'public.feature_enabled: authenticated service_role',
      'public.finish_webhook_event: service_role',
      'public.organization_people: authenticated',
      'public.record_usage: service_role',
      'public.record_webhook_event: service_role',
      'public.reopen_organization: authenticated',
      'public.revoke_api_key: authenticated',
      'public.verify_api_key: service_role',
      'public.write_audit: authenticated service_role',
    ]);
  });

  it('has no findings of the catalog checks', async () => {
    expect(
      await checkCatalog(database, {
        schemas: ['public', 'private'],
        declarations: [
          { table: 'public.products', scope: 'public-read' },
          { table: 'public.feature_flag_definitions', scope: 'service-only' },
          { table: 'public.webhook_events', scope: 'service-only' },
        ],
      } as Parameters<typeof checkCatalog>[1]),
    ).toEqual([]);
  });

  it('has the same grants if default privileges grant new tables and functions to everyone', () =>
    inScratch(database, async (session) => {
      await session.script(`
        alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
        alter default privileges in schema public grant all on functions to anon, authenticated, service_role;`);
      for (const file of rollbackFiles.toReversed()) await session.script(kitFile(file));
      for (const file of coreFiles) await session.script(kitFile(file));
      const open = `
        select c.relname from pg_class c cross join aclexplode(c.relacl) acl
        where c.relnamespace = 'public'::regnamespace and acl.grantee = 'anon'::regrole
        union all
        select p.proname from pg_proc p cross join aclexplode(p.proacl) acl
        where p.pronamespace = 'public'::regnamespace and acl.grantee = 'anon'::regrole`;
      expect(await rows(open, session)).toEqual([{ relname: 'products' }]);
    }));
});

describe('row-level security at work', () => {
  it('reads a table through its index, and evaluates the helper once', () =>
    inScratch(database, async (session) => {
      await session.script(`
        insert into auth.users (id) select md5(n::text)::uuid from generate_series(1, 200) as n;
        insert into public.organizations (name, slug, created_by)
          select 'O' || n, 'o' || n, md5(n::text)::uuid from generate_series(1, 200) as n;
        insert into public.social_posts (user_id, platform, content)
          select md5(n::text)::uuid, 'x', 'y' from generate_series(1, 200) as n, generate_series(1, 20);
        insert into public.usage_metrics (organization_id, metric, period_start)
          select id, 'm' || n, now() from public.organizations, generate_series(1, 20) as n;
        analyze public.social_posts, public.usage_metrics, public.organizations, public.organization_members;
        select set_config('request.jwt.claims', json_build_object('sub', md5('1')::uuid, 'role', 'authenticated')::text, true);
        set local role authenticated;`);
      for (const [table, index] of [
        ['social_posts', 'social_posts_user_id_idx'],
        ['usage_metrics', 'usage_metrics_period_key'],
      ] as const) {
        const explained = await rows<{ 'QUERY PLAN': string }>(
          `explain (analyze, costs off, timing off, summary off) select * from public.${table}`,
          session,
        );
        const plan = explained.map((row) => row['QUERY PLAN']).join('\n');
        expect(plan).toContain(index);
        expect(plan).not.toContain('Seq Scan');
        expect(plan).toMatch(/InitPlan 1\n\s*->\s+Result \(actual rows=1 loops=1\)/);
        expect(plan).toMatch(/\(actual rows=20 loops=1\)/);
      }
    }));
});

describe('the seed', () => {
  it('creates three users, two organizations, their members and subscriptions', async () => {
    await run(database, [seedFile]);
    expect(
      await rows(`
        select o.slug, p.full_name, m.role, s.status, products.slug as plan
        from public.organization_members m join public.organizations o on o.id = m.organization_id
        join public.profiles p on p.id = m.user_id join public.subscriptions s on s.organization_id = o.id
        join public.products on products.id = s.product_id order by 1, 2`),
    ).toEqual([
      { slug: 'acme', full_name: 'Ada Adams', role: 'owner', status: 'active', plan: 'pro' },
      { slug: 'acme', full_name: 'Cleo Clark', role: 'member', status: 'active', plan: 'pro' },
      { slug: 'globex', full_name: 'Ben Brown', role: 'owner', status: 'trialing', plan: 'free' },
      { slug: 'globex', full_name: 'Cleo Clark', role: 'viewer', status: 'trialing', plan: 'free' },
    ]);
  });

  it('creates users who can sign in with the documented password', async () => {
    const password = /crypt\('([^']+)'/.exec(kitFile(seedFile))?.[1];
    expect(
      await rows(`
        select u.email, u.encrypted_password = extensions.crypt('${password}', u.encrypted_password) as let_in,
          u.encrypted_password like '$2_$%' as bcrypt, u.email_confirmed_at is not null as confirmed,
          concat(u.confirmation_token, u.recovery_token, u.email_change, u.email_change_token_new) = '' as no_nulls,
          num_nulls(u.confirmation_token, u.recovery_token, u.email_change, u.email_change_token_new)::int as nulls,
          i.provider, i.provider_id = u.id::text as identity, i.identity_data ->> 'email' = u.email as same
        from auth.users u join auth.identities i on i.user_id = u.id order by 1`),
    ).toEqual(
      ['ada', 'ben', 'cleo'].map((name) => ({
        email: `${name}@example.com`,
        let_in: true,
        bcrypt: true,
        confirmed: true,
        no_nulls: true,
        nulls: 0,
        provider: 'email',
        identity: true,
        same: true,
      })),
    );
  });

  it('has flags for each of the three kinds of decision', async () => {
    expect(
      await rows(`
        select o.slug, public.feature_enabled('social_scheduler', o.id) as scheduler
        from public.organizations o order by 1`),
    ).toEqual([
      { slug: 'acme', scheduler: true },
      { slug: 'globex', scheduler: true },
    ]);
  });
});
