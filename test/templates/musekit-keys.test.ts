import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Session } from '../../src/database/database.ts';
import { as, found, inScratch, join, refused, signUp } from './actors.ts';
import { openKit } from './kit.ts';

let database: Database;
beforeAll(async () => {
  database = await openKit();
});
afterAll(() => database.close());

interface Key {
  api_key_id: string;
  api_key: string;
}
const create = async (session: Session, actor: { user: string }, organization: string, more = ''): Promise<Key> =>
  (await as<Key>(session, actor, `select * from public.create_api_key($1, 'CI'${more})`, [organization]))[0]!;
const verify = (session: Session, key: string) =>
  as(session, 'service_role', 'select * from public.verify_api_key($1)', [key]);

const scratch = (work: (session: Session, ada: { user: string }, acme: string) => Promise<void>) => () =>
  inScratch(database, async (session) => {
    const ada = await signUp(session, 'ada');
    await work(session, ada, await found(session, ada, 'Acme'));
  });

describe('API keys', () => {
  it(
    'are shown once and stored as a SHA-256 hash with a prefix',
    scratch(async (session, ada, acme) => {
      const { api_key: key } = await create(session, ada, acme);
      expect(key).toMatch(/^mk_[0-9a-f]{64}$/);
      const { rows } = await session.query<Record<string, string>>(
        'select to_jsonb(api_keys)::text as everything, prefix, key_hash from public.api_keys',
      );
      expect(rows[0]).toMatchObject({
        prefix: key.slice(0, 11),
        key_hash: createHash('sha256').update(key).digest('hex'),
      });
      expect(rows[0]?.['everything']).not.toContain(key.slice(11));
      const audit = await session.query<{ everything: string }>(
        "select string_agg(audit_logs::text, '') as everything from public.audit_logs",
      );
      expect(audit.rows[0]?.everything).not.toContain(key.slice(11));
    }),
  );

  it(
    'differ each time',
    scratch(async (session, ada, acme) => {
      const keys = [
        await create(session, ada, acme),
        await create(session, ada, acme),
        await create(session, ada, acme),
      ];
      expect(new Set(keys.map((key) => key.api_key)).size).toBe(3);
    }),
  );

  it(
    'give access to their organization until they are permanently revoked',
    scratch(async (session, ada, acme) => {
      const { api_key_id: id, api_key: key } = await create(session, ada, acme, ", array['read']");
      expect(await verify(session, key)).toEqual([{ api_key_id: id, organization_id: acme, scopes: ['read'] }]);
      const { rows } = await session.query('select 1 from public.api_keys where last_used_at is not null');
      expect(rows).toHaveLength(1);
      await as(session, ada, 'select public.revoke_api_key($1)', [id]);
      expect(await verify(session, key)).toEqual([]);
      await refused(session, ada, 'update public.api_keys set revoked_at = null');
      await refused(session, ada, 'delete from public.api_keys');
    }),
  );

  it.each([
    ['a key that nobody has', () => Promise.resolve(), 'mk_' + '0'.repeat(64)],
    ['no key', () => Promise.resolve(), null],
    ['an expired key', (session: Session) => session.query('update public.api_keys set expires_at = now()')],
    [
      'a key of a closed organization',
      (session: Session) => session.query('update public.organizations set deleted_at = now()'),
    ],
  ])('refuse %s', (_, spoil, other?) =>
    scratch(async (session, ada, acme) => {
      const { api_key: key } = await create(session, ada, acme);
      await spoil(session);
      expect(await verify(session, (other === undefined ? key : other) as string)).toEqual([]);
    })(),
  );

  it(
    'can be managed by owners and admins',
    scratch(async (session, ada, acme) => {
      const { api_key_id: id } = await create(session, ada, acme);
      const [ben, cleo, eve] = [
        await signUp(session, 'ben'),
        await signUp(session, 'cleo'),
        await signUp(session, 'eve'),
      ];
      await join(session, ben, acme, 'admin');
      await join(session, cleo, acme, 'member');
      expect(await as(session, ben, "update public.api_keys set name = 'Deploys' returning name")).toEqual([
        { name: 'Deploys' },
      ]);
      await create(session, ben, acme);
      for (const actor of [cleo, eve]) {
        expect(await as(session, actor, 'select id from public.api_keys')).toEqual([]);
        expect(await as(session, actor, "update public.api_keys set name = 'Mine' returning id")).toEqual([]);
        await refused(session, actor, "select * from public.create_api_key($1, 'Mine')", [acme]);
        await refused(session, actor, 'select public.revoke_api_key($1)', [id]);
        await refused(session, actor, 'select * from public.verify_api_key($1)', ['guess']);
      }
      await refused(session, ada, "select * from public.create_api_key(null, 'Nobody''s')");
      await refused(session, 'anon', "select * from public.create_api_key($1, 'Mine')", [acme]);
    }),
  );
});

describe('usage', () => {
  const record = async (session: Session, parameters: string, acme: string) =>
    (
      await as<{ total: string | number }>(
        session,
        'service_role',
        `select public.record_usage(organization => $1, metric => 'calls', ${parameters}) as total`,
        [acme],
      )
    ).map((row) => Number(row.total))[0];

  it(
    'is counted in one row per period, in UTC',
    scratch(async (session, ada, acme) => {
      const may = "used_at => '2026-05-31 23:59:59+00'";
      await session.query("set local timezone to 'Pacific/Auckland'");
      expect(await record(session, `quantity => 2, ${may}`, acme)).toBe(2);
      expect(await record(session, `quantity => 3, ${may}`, acme)).toBe(5);
      expect(await record(session, "used_at => '2026-06-01 00:00:00+00'", acme)).toBe(1);
      expect(await record(session, `period => 'day', ${may}`, acme)).toBe(1);
      const rows = await as(
        session,
        ada,
        `select period, (period_start at time zone 'UTC')::text as start, quantity::int from public.usage_metrics order by 2, 1`,
      );
      expect(rows).toEqual([
        { period: 'month', start: '2026-05-01 00:00:00', quantity: 5 },
        { period: 'day', start: '2026-05-31 00:00:00', quantity: 1 },
        { period: 'month', start: '2026-06-01 00:00:00', quantity: 1 },
      ]);
    }),
  );

  it(
    'from a named source can be reported again',
    scratch(async (session, _ada, acme) => {
      await record(session, 'quantity => 10', acme);
      expect(await record(session, "quantity => 5, source => 'nightly'", acme)).toBe(15);
      expect(await record(session, "quantity => 5, source => 'nightly'", acme)).toBe(15);
      expect(await record(session, "quantity => 7, source => 'nightly'", acme)).toBe(17);
    }),
  );

  it.each([
    ["period => 'decade'", '23514'],
    ["period => 'fortnight'", '22023'],
    ['quantity => -1', '23514'],
  ])('refuses %s', (parameters, code) =>
    scratch(async (session, _ada, acme) => {
      await expect(record(session, parameters, acme)).rejects.toMatchObject({ code });
    })(),
  );

  it(
    'is written only by the backend',
    scratch(async (session, ada, acme) => {
      await refused(session, ada, "select public.record_usage($1, 'calls', 1)", [acme]);
      await refused(
        session,
        ada,
        "insert into public.usage_metrics (organization_id, metric, period_start) values ($1, 'calls', now())",
        [acme],
      );
      await refused(session, ada, 'update public.usage_metrics set quantity = 0');
      await refused(session, ada, 'delete from public.usage_metrics');
    }),
  );
});
