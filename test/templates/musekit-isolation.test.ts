import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseError, type Database, type Session } from '../../src/database/database.ts';
import { as, found, inScratch, join, refused, signUp, type Actor } from './actors.ts';
import { openKit } from './kit.ts';

/**
 * Every table, with its owner column and an assignment that users may make to their own rows. It is a constant, because
 * only the UPDATE policy applies to an UPDATE that reads no column. Products and flag definitions have no owner.
 */
const owned: [table: string, column: string, change?: string][] = [
  ['profiles', 'id', "full_name = 'X'"],
  ['user_roles', 'user_id'],
  ['organizations', 'id', "name = 'X'"],
  ['organization_members', 'organization_id', "role = 'owner'"],
  ['organization_settings', 'organization_id', "timezone = 'X'"],
  ['invitations', 'organization_id'],
  ['subscriptions', 'organization_id'],
  ['api_keys', 'organization_id', "name = 'X'"],
  ['usage_metrics', 'organization_id'],
  ['audit_logs', 'organization_id'],
  ['notifications', 'user_id', 'read_at = now()'],
  ['organization_feature_flags', 'organization_id'],
  ['social_accounts', 'user_id', "display_name = 'X'"],
  ['social_posts', 'user_id', "content = 'X'"],
];

interface Side {
  user: string;
  organization: string;
}
interface World {
  acme: Side;
  globex: Side;
}

let database: Database;
let world: World;
beforeAll(async () => {
  database = await openKit();
  world = await database.transaction(build);
});
afterAll(() => database.close());

/** Two organizations with one owner each, and a row of each in every table. */
async function build(session: Session): Promise<World> {
  await session.script(`
    insert into public.products (id, slug, name) values ('b0000000-0000-4000-8000-000000000001', 'pro', 'Pro');
    insert into public.products (slug, name, is_active) values ('old', 'Old', false);
    insert into public.feature_flag_definitions (id, key) values ('e0000000-0000-4000-8000-000000000001', 'beta');`);
  const side = async (name: string): Promise<Side> => {
    const owner = await signUp(session, name);
    const organization = await found(session, owner, name);
    await as(session, owner, "select * from public.create_invitation($1, 'new@example.com')", [organization]);
    await as(session, owner, "select * from public.create_api_key($1, 'CI')", [organization]);
    await as(session, 'service_role', "select public.record_usage($1, 'calls')", [organization]);
    await session.script(`
      insert into public.user_roles (user_id) values ('${owner.user}');
      insert into public.notifications (user_id, kind, title) values ('${owner.user}', 'welcome', 'Welcome');
      insert into public.subscriptions (organization_id, product_id) values ('${organization}', 'b0000000-0000-4000-8000-000000000001');
      insert into public.organization_feature_flags (organization_id, flag_id, enabled)
        values ('${organization}', 'e0000000-0000-4000-8000-000000000001', true);
      insert into public.social_accounts (user_id, platform, access_token_secret_id) values ('${owner.user}', 'linkedin', gen_random_uuid());
      insert into public.social_posts (user_id, social_account_id, platform, content)
        select user_id, id, platform, 'Hello' from public.social_accounts where user_id = '${owner.user}';`);
    return { user: owner.user, organization };
  };
  return { acme: await side('ada'), globex: await side('eve') };
}

const ownerOf = (column: string, table: string, side: Side): string =>
  column === 'user_id' || table === 'profiles' ? side.user : side.organization;

/** All rows of a side, as text, read as the owner of the tables. */
async function rowsOf(session: Session, table: string, column: string, side: Side): Promise<string[]> {
  const { rows } = await session.query<{ row: string }>(
    `select t::text as row from public.${table} as t where ${column} = $1 order by 1`,
    [ownerOf(column, table, side)],
  );
  return rows.map((row) => row.row);
}

/** Runs the statement as the actor. A refusal counts as no effect; any other error is rethrown. */
async function attempt(session: Session, actor: Actor, sql: string, parameters: unknown[] = []): Promise<void> {
  try {
    await as(session, actor, sql, parameters);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== '42501') throw error;
  }
}

async function columnsGranted(session: Session, table: string, verb: string, role: string): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select attname as name from pg_catalog.pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and has_column_privilege($2, attrelid, attnum, $3)`,
    [`public.${table}`, role, verb],
  );
  return rows.map((row) => row.name);
}

const withWorld = (work: (session: Session, world: World) => Promise<void>) =>
  inScratch(database, (session) => work(session, world));

describe.each(owned)('%s', (table, column, change) => {
  it('has rows, and its owner reads them', () =>
    withWorld(async (session, world) => {
      const all = await rowsOf(session, table, column, world.acme);
      expect(all.length).toBeGreaterThan(0);
      // Hashes of keys and tokens are not for users, so those tables are read by the names of the other columns.
      const names = (await columnsGranted(session, table, 'SELECT', 'authenticated')).join(', ');
      const read = await as(session, world.acme, `select ${names} from public.${table} where ${column} = $1`, [
        ownerOf(column, table, world.acme),
      ]);
      expect(read).toHaveLength(all.length);
    }));

  if (change)
    it('lets its owner change them, with a WHERE and without', () =>
      withWorld(async (session, world) => {
        const mine = ownerOf(column, table, world.acme);
        expect(
          await as(session, world.acme, `update public.${table} set ${change} where ${column} = $1 returning id`, [
            mine,
          ]),
        ).not.toEqual([]);
        await as(session, world.acme, `update public.${table} set ${change}`);
      }));

  it('shows another user nothing', () =>
    withWorld(async (session, world) => {
      const foreign = `select 1 from public.${table} where ${column} is distinct from $1`;
      expect(await as(session, world.globex, foreign, [ownerOf(column, table, world.globex)])).toEqual([]);
      await refused(session, 'anon', `select 1 from public.${table}`);
    }));

  it.each(['globex', 'anon'] as const)('cannot be changed, deleted, given away or taken over by %s', (who) =>
    withWorld(async (session, world) => {
      const before = await rowsOf(session, table, column, world.acme);
      const actor = who === 'anon' ? who : world.globex;
      const [mine, theirs] = [ownerOf(column, table, world.globex), ownerOf(column, table, world.acme)];
      for (const granted of await columnsGranted(session, table, 'UPDATE', who === 'anon' ? 'anon' : 'authenticated')) {
        await attempt(session, actor, `update public.${table} set ${granted} = ${granted}`);
        await attempt(session, actor, `update public.${table} set ${granted} = ${granted} where ${column} = $1`, [
          theirs,
        ]);
      }
      if (change) await attempt(session, actor, `update public.${table} set ${change}`);
      await attempt(session, actor, `update public.${table} set ${column} = $1`, [mine]);
      await attempt(session, actor, `update public.${table} set ${column} = $1`, [theirs]);
      await attempt(session, actor, `update public.${table} set ${column} = $1 where ${column} = $2`, [mine, theirs]);
      await attempt(session, actor, `delete from public.${table} where ${column} = $1`, [theirs]);
      await attempt(session, actor, `delete from public.${table}`);
      expect(await rowsOf(session, table, column, world.acme)).toEqual(before);
    }),
  );

  it('accepts no row for another user', () =>
    withWorld(async (session, world) => {
      const before = await rowsOf(session, table, column, world.acme);
      const columns = (await columnsGranted(session, table, 'INSERT', 'authenticated')).join(', ');
      if (columns === '') {
        await refused(session, world.globex, `insert into public.${table} (${column}) values ($1)`, [
          ownerOf(column, table, world.acme),
        ]);
      } else {
        // The row itself with a new key, in the columns that users may write, so that no unique key refuses it.
        const fresh = `jsonb_build_object('id', gen_random_uuid(), 'slug', 'fresh', 'platform', 'fresh', 'social_account_id', null)`;
        const { rows } = await session.query<{ row: string }>(
          `select (to_jsonb(t) || ${fresh} || case when $2 then jsonb_build_object('id', t.id) else '{}' end)::text as row from public.${table} as t where ${column} = $1`,
          [ownerOf(column, table, world.acme), table === 'profiles'],
        );
        if (table === 'profiles') await session.query('delete from public.profiles where id = $1', [world.acme.user]);
        await refused(
          session,
          world.globex,
          `insert into public.${table} (${columns}) select ${columns} from jsonb_populate_record(null::public.${table}, $1)`,
          [rows[0]!.row],
        );
        if (table === 'profiles') return;
      }
      expect(await rowsOf(session, table, column, world.acme)).toEqual(before);
    }));
});

describe('shared rows', () => {
  it('active plans are public to read; others and all writes are not', () =>
    withWorld(async (session, world) => {
      for (const actor of ['anon', world.acme] as const) {
        expect(await as(session, actor, 'select slug from public.products')).toEqual([{ slug: 'pro' }]);
        await refused(session, actor, 'update public.products set price_cents = 0');
        await refused(session, actor, "insert into public.products (slug, name) values ('mine', 'Mine')");
        await refused(session, actor, 'delete from public.products');
      }
    }));

  it('a member of two organizations cannot move a row from one to the other', () =>
    withWorld(async (session, world) => {
      await join(session, world.globex, world.acme.organization, 'owner');
      for (const table of ['organization_settings', 'organization_members', 'api_keys']) {
        await refused(session, world.globex, `update public.${table} set organization_id = $1`, [
          world.acme.organization,
        ]);
      }
    }));

  it.each([
    ['viewer', 0],
    ['member', 0],
    ['admin', 1],
    ['owner', 1],
  ])('a %s changes %s rows of its organization and settings, and reads no less', (role, changed) =>
    withWorld(async (session, world) => {
      const cleo = await signUp(session, 'cleo');
      await join(session, cleo, world.acme.organization, role);
      for (const [table, column] of [
        ['organizations', 'name'],
        ['organization_settings', 'timezone'],
      ]) {
        expect(await as(session, cleo, `select id from public.${table}`)).toHaveLength(1);
        expect(await as(session, cleo, `update public.${table} set ${column} = 'X' returning id`)).toHaveLength(
          changed,
        );
      }
      for (const table of ['subscriptions', 'usage_metrics', 'organization_feature_flags']) {
        expect(await as(session, cleo, `select id from public.${table}`)).toHaveLength(1);
      }
    }),
  );

  it('users cannot write plans, subscriptions, ownership and tokens', () =>
    withWorld(async (session, world) => {
      for (const sql of [
        'update public.organizations set created_by = null',
        'update public.organizations set deleted_at = now()',
        "update public.subscriptions set status = 'active'",
        'update public.social_accounts set access_token_secret_id = gen_random_uuid()',
        "insert into public.social_accounts (platform, access_token_secret_id) values ('x', gen_random_uuid())",
      ]) {
        await refused(session, world.acme, sql);
      }
    }));

  it('a post can only use an account of the same user', () =>
    withWorld(async (session, world) => {
      const { rows } = await session.query<{ id: string }>('select id from public.social_accounts where user_id = $1', [
        world.acme.user,
      ]);
      await expect(
        as(session, world.globex, 'update public.social_posts set social_account_id = $1', [rows[0]!.id]),
      ).rejects.toMatchObject({ code: '23503' });
      await as(session, world.acme, 'delete from public.social_accounts');
      expect(await as(session, world.acme, 'select user_id, social_account_id from public.social_posts')).toEqual([
        { user_id: world.acme.user, social_account_id: null },
      ]);
    }));

  it('a post can be deleted and restored', () =>
    withWorld(async (session, world) => {
      for (const value of ['now()', 'null']) {
        expect(
          await as(session, world.acme, `update public.social_posts set deleted_at = ${value} returning id`),
        ).toHaveLength(1);
      }
    }));
});
