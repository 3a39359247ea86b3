import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { scaffold } from '../../src/scaffold/scaffold.ts';
import { checkedSession, defaultSession } from '../../src/scaffold/session.ts';
import { type CoreTable, helperFile, tenancyMigration } from '../../src/scaffold/tenancy.ts';
import type { Isolation, SessionTenancy } from '../../src/shared/muse-file.ts';
import { asRole, builtInCore, coreFacts, folders, openCore, sampleKinds, schemaOf, sessionCore } from './support.ts';

const [one = '', two = ''] = ['1', '2'].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`);

/** The roles first, then tables that depend on them. */
async function make(
  database: Database,
  specifications: string[],
  coreIsolation: Isolation,
  tables: CoreTable[] = [],
  session: SessionTenancy = defaultSession,
): Promise<{ up: string[]; down: string[] }> {
  const tenancy = await tenancyMigration({
    name: 'm',
    core: await coreFacts(database),
    tables,
    schemas: [],
    coreIsolation,
    session,
    number: '001',
    folders,
  });
  for (let time = 0; time < 2; time += 1) await database.script(tenancy[0]?.content ?? '');
  const core = await coreFacts(database);
  const made = await scaffold({
    name: 'm',
    prefix: '',
    presets: [],
    tables: specifications.map(parseTable),
    core,
    number: '002',
    folders,
    isolation: 'session',
    session,
  });
  for (let time = 0; time < 2; time += 1) await database.script(made.files[0]?.content ?? '');
  return {
    up: [tenancy, made.files].map((files) => files[0]?.content ?? ''),
    down: [made.files, tenancy].map((files) => files[1]?.content ?? ''),
  };
}

describe.each(sampleKinds)('session variables on a kit without an audit log, %s', (kind) => {
  let database: Database;
  let before: string[];
  let up: string[];
  let down: string[];
  const inOne = { 'app.current_org_id': one, 'app.current_user_id': one };
  const as = (settings: Record<string, string>, ...statements: string[]): ReturnType<typeof asRole> =>
    asRole(database, 'app_user', settings, ...statements);
  const asSuperadmin = (...statements: string[]): ReturnType<typeof asRole> =>
    asRole(database, 'app_superadmin', {}, ...statements);

  beforeAll(async () => {
    // On a server the roles may already exist, from another database.
    database = await openCore(
      sessionCore.map((sql) => (kind === 'native' ? sql.replace(/create role[^]*/, '') : sql)),
      kind,
    );
    before = await schemaOf(database);
    const made = await make(
      database,
      [
        'a: x text, organization',
        'b: a -> a!, x text, organization',
        'c: x text, owner user',
        'd: x text, public-read',
        'e: x text, service-only',
      ],
      'auth-uid',
    );
    ({ up, down } = made);
    await database.script(`insert into public.organizations values ('${one}'), ('${two}'); insert into public.users values ('${one}'), ('${two}');
      insert into public.a (id, organization_id, x) values ('${one}', '${one}', 'x'), ('${two}', '${two}', 'y');
      insert into public.c (owner_id, x) values ('${one}', 'x'), ('${two}', 'y'); insert into public.d (x) values ('z'); insert into public.e (x) values ('z');`);
  });
  afterAll(() => database.close());

  it.each<[string, Record<string, string>, string, unknown]>([
    ['reads its organization', inOne, 'select x from public.a', { rows: [{ x: 'x' }] }],
    ['reads its own', inOne, 'select x from public.c', { rows: [{ x: 'x' }] }],
    ['reads nothing where nothing is set', {}, 'select x from public.a', { rows: [] }],
    [
      'reads nothing where a variable is empty, as it is after a transaction that set it',
      { 'app.current_org_id': '' },
      'select x from public.a',
      { rows: [] },
    ],
    [
      'is not let in by a variable that says superadmin',
      { ...inOne, 'app.is_superadmin': 'true' },
      'select x from public.a',
      { rows: [{ x: 'x' }] },
    ],
    ['need not say whose a row is', inOne, "insert into public.a (x) values ('w')", { affected: 1 }],
    [
      'does not write for another organization',
      inOne,
      `insert into public.a (organization_id) values ('${two}')`,
      '42501',
    ],
    ['does not hand its rows over', inOne, `update public.a set organization_id = '${two}'`, '42501'],
    ['does not delete the rows of others', inOne, `delete from public.a where id = '${two}'`, { affected: 0 }],
    ['does not point at the rows of others', inOne, `insert into public.b (a_id) values ('${two}')`, '23503'],
    ['reads what is public', {}, 'select x from public.d', { rows: [{ x: 'z' }] }],
    ['does not write what is public', inOne, "insert into public.d (x) values ('w')", '42501'],
    ['does not read what is for the service', inOne, 'select x from public.e', '42501'],
    ['cannot write a use of the superadmin down', inOne, "select private.begin_superadmin_use('x')", '42501'],
  ])('the app %s', async (_, settings, statement, result) => {
    const got = await as(settings, statement);
    if (typeof result === 'string') expect(got).toBe(result);
    else expect(got).toMatchObject(result as object);
  });

  it('has no trace of the other tenancy in its files', () => {
    expect(up.join('')).not.toMatch(/auth\.uid|authenticated|service_role/);
  });

  it('shows the superadmin nothing until the access is logged, and then everything', async () => {
    expect(await asSuperadmin('select x from public.a')).toMatchObject({ rows: [] });
    expect(
      await asSuperadmin(
        "select set_config('app.superadmin_use', gen_random_uuid()::text, true)",
        'select x from public.a',
      ),
    ).toMatchObject({ rows: [] });
    const begin = "select private.begin_superadmin_use('a look')";
    expect(await asSuperadmin(begin, 'select x from public.a order by x')).toMatchObject({
      rows: [{ x: 'x' }, { x: 'y' }],
    });
    expect(await asSuperadmin(begin, 'select x from public.e')).toMatchObject({ rows: [{ x: 'z' }] });
    expect(await asSuperadmin(begin, "insert into public.d (x) values ('w')")).toMatchObject({ affected: 1 });
  });

  it('gives access only in the transaction that was logged, and no one can delete the entry', async () => {
    const { rows } = await database.query<{ id: string }>("select private.begin_superadmin_use('kept') as id");
    expect(
      await asRole(database, 'app_superadmin', { 'app.superadmin_use': rows[0]?.id ?? '' }, 'select x from public.a'),
    ).toMatchObject({ rows: [] });
    await expect(database.query('delete from private.superadmin_uses')).rejects.toMatchObject({ code: '42501' });
    expect((await database.query('select reason, rolled_back from private.superadmin_uses')).rows).toEqual([
      { reason: 'kept', rolled_back: false },
    ]);
    expect(await as(inOne, 'select 1 from private.superadmin_uses')).toBe('42501');
  });

  it('rolls back completely', async () => {
    for (const sql of down) await database.script(sql);
    expect(await schemaOf(database)).toEqual(before);
  });
});

describe('session variables on the built-in kit', () => {
  let database: Database;
  beforeAll(async () => {
    database = await openCore(builtInCore());
  });
  afterAll(() => database.close());

  it('reads core by its variables, writes superadmin access to the audit log, and rolls back completely', async () => {
    const before = await schemaOf(database);
    const tables = ['organizations', 'organization_members', 'profiles', 'api_keys', 'audit_logs'].map((name) => ({
      name: `public.${name}`,
      rls: true,
      open: [],
    }));
    const { down } = await make(database, ['notes: x text, organization'], 'auth-uid', tables);
    await database.script(`insert into auth.users (id, email) values ('${one}', 'a@muse.example'), ('${two}', 'b@muse.example');
      insert into public.organizations (id, name, created_by) values ('${one}', 'X', '${one}'), ('${two}', 'Y', '${two}');`);
    const inOne = { 'app.current_org_id': one, 'app.current_user_id': one };
    const app = (...statements: string[]): ReturnType<typeof asRole> =>
      asRole(database, 'app_user', inOne, ...statements);
    expect(await app('select name from public.organizations')).toMatchObject({ rows: [{ name: 'X' }] });
    expect(await app('select user_id from public.organization_members')).toMatchObject({ rows: [{ user_id: one }] });
    expect(await app('select id from public.profiles')).toMatchObject({ rows: [{ id: one }] });
    expect(await app('select * from public.api_keys')).toBe('42501');
    expect(await app('select * from public.audit_logs')).toBe('42501');
    expect(
      await app(`select public.feature_enabled('x', '${one}') as own, public.feature_enabled('x', '${two}') as other`),
    ).toMatchObject({ rows: [{ own: false, other: false }] });
    const audited = await asRole(
      database,
      'app_superadmin',
      { 'app.current_user_id': two },
      "select private.begin_superadmin_use('why')",
      "select user_id, actor_role, details ->> 'reason' as reason from public.audit_logs where action = 'superadmin.use'",
    );
    expect(audited).toMatchObject({ rows: [{ user_id: two, actor_role: 'app_superadmin', reason: 'why' }] });
    expect(
      await asRole(
        database,
        'app_superadmin',
        {},
        "select private.begin_superadmin_use('why')",
        'select name from public.organizations order by name',
      ),
    ).toMatchObject({ rows: [{ name: 'X' }, { name: 'Y' }] });
    expect(await asRole(database, 'app_superadmin', {}, 'select name from public.organizations')).toMatchObject({
      rows: [],
    });
    for (const sql of down) await database.script(sql);
    expect(await schemaOf(database)).toEqual(before);
  });

  it('refuses a role that bypasses row-level security', async () => {
    await database.script('create role app_free nologin bypassrls');
    await expect(make(database, [], 'auth-uid', [], { ...defaultSession, role: 'app_free' })).rejects.toMatchObject({
      message: expect.stringContaining('app_free'),
    });
  });
});

describe('the names of roles and variables', () => {
  it.each<[Partial<Record<keyof SessionTenancy, unknown>>]>([
    [{ role: 'service_role' }],
    [{ role: 'postgres' }],
    [{ role: 'pg_monitor' }],
    [{ role: 'public' }],
    [{ role: 'a"; drop table x; --' }],
    [{ role: '' }],
    [{ role: 7 }],
    [{ role: 'same', superadminRole: 'same' }],
    [{ role: '$body$' }],
    [{ organization: 'role' }],
    [{ organization: "app.x'" }],
    [{ user: 'app.current_org_id' }],
    [{ superadmin: 'a.b.c' }],
    [{ user: '`${1}`.x' }],
  ])('refuses %j', (given) => {
    expect(() => checkedSession(given as Partial<SessionTenancy>)).toThrow(
      expect.objectContaining({ code: 'bad-session' }),
    );
  });

  it('are used in the migration, its tables and the helper', async () => {
    const session = checkedSession({
      role: 'web',
      superadminRole: 'support',
      organization: 'tenant.id',
      user: 'tenant.person',
      superadmin: 'tenant.root',
    });
    const text = await helperFile(session);
    expect(text).toContain(
      "= {\n  role: 'web',\n  superadminRole: 'support',\n  organization: 'tenant.id',\n  user: 'tenant.person',\n  superadmin: 'tenant.root',\n};",
    );
    expect(text).toContain('GRANT web, support TO <role>');
    expect(text).not.toMatch(/app_user|app_superadmin|current_org/);
    const core = { tables: { 'public.organizations': { columns: { id: 'uuid' }, primaryKey: ['id'] } }, functions: [] };
    const [migration] = await tenancyMigration({
      name: "x'; --\n drop",
      core,
      tables: [{ name: 'public.organizations', rls: true, open: [] }],
      schemas: [],
      coreIsolation: 'auth-uid',
      session,
      number: '001',
      folders,
    });
    expect(migration?.path).toBe('migrations/extensions/001_session_tenancy.sql');
    expect(migration?.content).toContain("USING ((select nullif(current_setting('tenant.id', true), '')::uuid) = id)");
    expect(migration?.content).not.toMatch(/app_user|app_superadmin|current_org|\n drop/);
  });
});
