import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Session } from '../../src/database/database.ts';
import { as, found, inScratch, refused, signUp } from './actors.ts';
import { openKit } from './kit.ts';

let database: Database;
beforeAll(async () => {
  database = await openKit();
});
afterAll(() => database.close());

interface Setup {
  /** The plan's value of the flag; undefined if it has none. */
  plan?: unknown;
  /** Status of the subscription. Default: active. */
  status?: string;
  /** Columns of the definition as SQL; undefined for no definition. */
  definition?: string;
  /** The override's `enabled` and `expires_at` as SQL. */
  override?: string;
}

const answer = async (
  session: Session,
  actor: Parameters<typeof as>[1],
  organization: string,
): Promise<boolean | null | undefined> =>
  (
    await as<{ enabled: boolean | null }>(session, actor, "select public.feature_enabled('beta', $1) as enabled", [
      organization,
    ])
  )[0]?.enabled;

async function prepare(session: Session, acme: string, setup: Setup): Promise<void> {
  const features = setup.plan === undefined ? {} : { beta: setup.plan };
  await session.query("insert into public.products (slug, name, feature_defaults) values ('pro', 'Pro', $1)", [
    JSON.stringify(features),
  ]);
  await session.query(
    'insert into public.subscriptions (organization_id, product_id, status) select $1, id, $2 from public.products',
    [acme, setup.status ?? 'active'],
  );
  if (setup.definition === undefined) return;
  const columns = setup.definition.replaceAll('ACME', acme);
  await session.query(`insert into public.feature_flag_definitions (key) values ('beta')`);
  if (columns !== '') await session.query(`update public.feature_flag_definitions set ${columns}`);
  if (setup.override) {
    await session.query(
      `insert into public.organization_feature_flags (organization_id, flag_id, enabled, expires_at) select $1, id, ${setup.override} from public.feature_flag_definitions`,
      [acme],
    );
  }
}

const past = "now() - interval '1 hour'";
const future = "now() + interval '1 hour'";

describe('feature_enabled()', () => {
  it.each<[string, Setup, boolean]>([
    ['no definition', { plan: true }, false],
    ['definition without a word, plan silent', { definition: '' }, false],
    ['as the plan says: yes', { plan: true, definition: '' }, true],
    ['as the plan says: no', { plan: false, definition: '' }, false],
    ['a plan that says something odd', { plan: 'yes', definition: '' }, false],
    ['plan of a trial', { plan: true, status: 'trialing', definition: '' }, true],
    ['plan of a subscription that is past due', { plan: true, status: 'past_due', definition: '' }, true],
    ['plan of a canceled subscription', { plan: true, status: 'canceled', definition: '' }, false],
    ['enabled for all', { definition: 'enabled = true' }, true],
    ['enabled for all, plan says no', { plan: false, definition: 'enabled = true' }, true],
    ['enabled for nobody', { definition: 'enabled = true, rollout_percentage = 0' }, false],
    ['enabled for nobody, plan says yes', { plan: true, definition: 'enabled = true, rollout_percentage = 0' }, true],
    ['switched off, plan says yes', { plan: true, definition: 'enabled = false' }, false],
    [
      'on the allow-list',
      { definition: "enabled = true, rollout_percentage = 0, allowed_organizations = '{ACME}'" },
      true,
    ],
    ['on the allow-list alone', { definition: "allowed_organizations = '{ACME}'" }, true],
    ['on the allow-list, switched off', { definition: "enabled = false, allowed_organizations = '{ACME}'" }, false],
    [
      'another on the allow-list',
      { definition: "allowed_organizations = '{00000000-0000-4000-8000-000000000000}'" },
      false,
    ],
    ['before its time', { plan: true, definition: `enabled = true, starts_at = ${future}` }, false],
    [
      'on the allow-list before its time',
      { definition: `allowed_organizations = '{ACME}', starts_at = ${future}` },
      false,
    ],
    ['in its time', { definition: `enabled = true, starts_at = ${past}, ends_at = ${future}` }, true],
    ['at its very start', { definition: 'enabled = true, starts_at = now()' }, true],
    ['at its very end', { definition: 'enabled = true, ends_at = now()' }, false],
    ['after its time', { plan: true, definition: `enabled = true, ends_at = ${past}` }, false],
    ['overridden: on', { plan: false, definition: 'enabled = false', override: 'true, null' }, true],
    ['overridden: off', { plan: true, definition: 'enabled = true', override: 'false, null' }, false],
    ['overridden: on, before its time', { definition: `starts_at = ${future}`, override: 'true, null' }, true],
    ['overridden until later', { definition: '', override: `true, ${future}` }, true],
    ['overridden until now', { definition: 'enabled = true', override: 'false, now()' }, true],
    ['archived', { plan: true, definition: 'enabled = true, archived_at = now()' }, false],
    ['archived and overridden', { definition: 'enabled = true, archived_at = now()', override: 'true, null' }, false],
  ])('%s', (_, setup, expected) =>
    inScratch(database, async (session) => {
      const ada = await signUp(session, 'ada');
      const acme = await found(session, ada, 'Acme');
      await prepare(session, acme, setup);
      expect(await answer(session, ada, acme)).toBe(expected);
      expect(await answer(session, 'service_role', acme)).toBe(expected);
    }),
  );

  it('uses the running subscription, of which there is one', () =>
    inScratch(database, async (session) => {
      const ada = await signUp(session, 'ada');
      const acme = await found(session, ada, 'Acme');
      await prepare(session, acme, { plan: true, definition: '' });
      await session.script(`
        insert into public.products (slug, name) values ('free', 'Free');
        insert into public.subscriptions (organization_id, product_id, status, created_at)
          select '${acme}', id, 'unpaid', now() - interval '1 year' from public.products where slug = 'free';
        insert into public.subscriptions (organization_id, product_id, status, created_at)
          select '${acme}', id, 'canceled', now() + interval '1 minute' from public.products where slug = 'free';`);
      expect(await answer(session, ada, acme)).toBe(true);
      for (const status of ['trialing', 'active', 'past_due']) {
        await session.query('savepoint second');
        await expect(
          session.query(
            'insert into public.subscriptions (organization_id, product_id, status) select $1, id, $2 from public.products',
            [acme, status],
          ),
        ).rejects.toMatchObject({ code: '23505' });
        await session.query('rollback to savepoint second');
      }
    }));

  it.each([
    ['active', 'current_period_end = now()', false],
    ['active', "current_period_end = now() + interval '1 second'", true],
    ['past_due', "current_period_end = now() - interval '1 day'", false],
    ['trialing', "trial_ends_at = now() - interval '1 second'", false],
    ['trialing', "trial_ends_at = now() + interval '1 day'", true],
    ['active', "trial_ends_at = now() - interval '1 year'", true],
    ['active', 'ended_at = now()', false],
    ['active', "ended_at = now() + interval '1 day'", true],
  ])('with a subscription that is %s and whose %s: %s', (status, times, expected) =>
    inScratch(database, async (session) => {
      const ada = await signUp(session, 'ada');
      const acme = await found(session, ada, 'Acme');
      await prepare(session, acme, { plan: true, status, definition: '' });
      await session.query(`update public.subscriptions set ${times}`);
      expect(await answer(session, ada, acme)).toBe(expected);
    }),
  );

  it('reveals nothing about organizations that the caller is not in, and nothing about definitions', () =>
    inScratch(database, async (session) => {
      const [ada, eve] = [await signUp(session, 'ada'), await signUp(session, 'eve')];
      const acme = await found(session, ada, 'Acme');
      await prepare(session, acme, { definition: 'enabled = true', override: 'true, null' });
      expect(await answer(session, eve, acme)).toBe(false);
      expect(await as(session, eve, 'select id from public.organization_feature_flags')).toEqual([]);
      expect(await as(session, ada, 'select id from public.organization_feature_flags')).toHaveLength(1);
      await refused(session, ada, 'select key from public.feature_flag_definitions');
      await refused(session, ada, 'update public.organization_feature_flags set enabled = false');
      await refused(session, 'anon', "select public.feature_enabled('beta', $1)", [acme]);
      await refused(session, ada, "select private.evaluate_feature('beta', $1, now())", [acme]);
    }));

  it('works for an application that sets the organization on its own connection, but not for a user who does', () =>
    inScratch(database, async (session) => {
      const [ada, eve] = [await signUp(session, 'ada'), await signUp(session, 'eve')];
      const acme = await found(session, ada, 'Acme');
      const globex = await found(session, ada, 'Globex');
      await prepare(session, acme, { definition: 'enabled = true' });
      await session.script(
        'create role muse_test_app; grant usage on schema public to muse_test_app; grant execute on function public.feature_enabled to muse_test_app; grant muse_test_app to current_user',
      );
      await session.query("select set_config('app.current_org_id', $1, true)", [acme]);
      expect(await answer(session, eve, acme)).toBe(false);
      await session.query('set local role muse_test_app');
      const ask = "select public.feature_enabled('beta', $1) as enabled";
      expect((await session.query(ask, [acme])).rows).toEqual([{ enabled: true }]);
      expect((await session.query(ask, [globex])).rows).toEqual([{ enabled: false }]);
      await session.query("select set_config('app.current_org_id', '', true)");
      expect((await session.query(ask, [acme])).rows).toEqual([{ enabled: false }]);
    }));
});

describe('the percentage', () => {
  const enabled = async (
    session: Session,
    flag: string,
    percentage: number,
    organizations: readonly string[],
  ): Promise<Set<string>> => {
    await session.query(
      'insert into public.feature_flag_definitions (key, enabled, rollout_percentage) values ($1, true, $2) on conflict (key) do update set rollout_percentage = excluded.rollout_percentage',
      [flag, percentage],
    );
    const { rows } = await session.query<{ organization: string }>(
      'select organization from unnest($2::uuid[]) as organization where private.evaluate_feature($1, organization, now())',
      [flag, organizations],
    );
    return new Set(rows.map((row) => row.organization));
  };

  it('is stable, grows only by adding organizations, and differs between flags', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 50 }),
        fc.stringMatching(/^[a-z_]{1,30}$/),
        fc.integer({ min: 0, max: 10000 }),
        fc.integer({ min: 0, max: 10000 }),
        (organizations, flag, one, other) =>
          inScratch(database, async (session) => {
            const [low, high] = [Math.min(one, other) / 100, Math.max(one, other) / 100];
            const few = await enabled(session, flag, low, organizations);
            expect(await enabled(session, flag, low, organizations.toReversed())).toEqual(few);
            const more = await enabled(session, flag, high, organizations);
            for (const organization of few) expect(more).toContain(organization);
            expect((await enabled(session, flag, 100, organizations)).size).toBe(organizations.length);
            expect((await enabled(session, flag, 0, organizations)).size).toBe(0);
          }),
      ),
      { numRuns: 30 },
    ));

  it('is evenly spread', async () => {
    const { rows } = await database.query<{ low: number; high: number; hit: number; same: number }>(`
      select min(private.rollout_bucket('a', id))::int as low, max(private.rollout_bucket('a', id))::int as high,
        count(*) filter (where private.rollout_bucket('a', id) < 2500)::int as hit,
        count(*) filter (where private.rollout_bucket('a', id) = private.rollout_bucket('b', id))::int as same
      from (select md5(n::text)::uuid as id from generate_series(1, 20000) as n) as organizations`);
    const { low, high, hit, same } = rows[0]!;
    expect(low).toBeGreaterThanOrEqual(0);
    expect(high).toBeLessThan(10_000);
    // 25 % of 20,000 with a standard deviation of 61. The IDs are fixed, so this is never flaky.
    expect(Math.abs(hit - 5000)).toBeLessThan(250);
    expect(same).toBeLessThan(20);
  });

  it('never changes: a known value', async () => {
    const { rows } = await database.query(
      "select private.rollout_bucket('beta', '00000000-0000-4000-8000-000000000001') as bucket",
    );
    const { createHash } = await import('node:crypto');
    const digest = createHash('md5').update('beta:00000000-0000-4000-8000-000000000001').digest('hex');
    expect(rows).toEqual([{ bucket: Number.parseInt(digest.slice(0, 8), 16) % 10_000 }]);
  });
});
