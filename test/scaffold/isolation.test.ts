import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { createOwnDatabase } from '../../src/dev/database/database.ts';
import { poolConnections } from '../../src/dev/database/pooled.ts';
import { createRest } from '../../src/dev/rest/rest.ts';
import { loadPreset } from '../../src/scaffold/presets.ts';
import { scaffold } from '../../src/scaffold/scaffold.ts';
import { asRole, asUser, builtInCore, coreFacts, folders, openCore, sampleKinds } from './support.ts';

type Tenant = 'a' | 'b';

/** A stable ID for each name. */
const id = (...parts: string[]): string =>
  createHash('md5')
    .update(parts.join(' '))
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const user = (tenant: Tenant): string => id('user', tenant);
const viewer = id('user', 'viewer');
const row =
  (table: string) =>
  (tenant: Tenant): string =>
    id(table, tenant);

interface Sample {
  table: string;
  scope: 'user_id' | 'organization_id';
  values: Record<string, string | ((tenant: Tenant) => string)>;
  /** Columns that may only reference a row of the same tenant. */
  links: string[];
}

const scopeOf = ({ scope }: Sample, tenant: Tenant): string =>
  scope === 'organization_id' ? id('organization', tenant) : user(tenant);

const samples: Sample[] = [
  { table: 'mls_listings', scope: 'organization_id', values: { title: 't', address: 'a', city: 'c' }, links: [] },
  { table: 'property_alerts', scope: 'user_id', values: { name: 'n' }, links: [] },
  {
    table: 'showings',
    scope: 'organization_id',
    values: { listing_id: row('mls_listings'), visitor_name: 'v', starts_at: '2026-01-01' },
    links: ['listing_id'],
  },
  { table: 'brand_preferences', scope: 'user_id', values: {}, links: [] },
  {
    table: 'post_queues',
    scope: 'user_id',
    values: { social_post_id: row('social_posts'), content: 'c', platform: 'x' },
    links: ['social_post_id'],
  },
  {
    table: 'alert_logs',
    scope: 'user_id',
    values: { queue_id: row('post_queues'), trend_text: 't' },
    links: ['queue_id'],
  },
  { table: 'brand_settings', scope: 'user_id', values: {}, links: [] },
  {
    table: 'deliverables',
    scope: 'user_id',
    values: { title: 't', client_name: 'c', brand_settings_id: row('brand_settings') },
    links: ['brand_settings_id'],
  },
  { table: 'leads', scope: 'organization_id', values: { name: 'n' }, links: [] },
  { table: 'inventory_items', scope: 'organization_id', values: { stock_number: '1', name: 'n' }, links: [] },
  {
    table: 'deals',
    scope: 'organization_id',
    values: { title: 't', lead_id: row('leads'), item_id: row('inventory_items') },
    links: ['lead_id', 'item_id'],
  },
  {
    table: 'activities',
    scope: 'organization_id',
    values: { subject: 's', lead_id: row('leads'), deal_id: row('deals') },
    links: ['lead_id', 'deal_id'],
  },
  {
    table: 'deal_collaborators',
    scope: 'organization_id',
    values: { deal_id: row('deals'), collaborator_id: user },
    links: ['deal_id'],
  },
  {
    table: 'deal_comments',
    scope: 'organization_id',
    values: { deal_id: row('deals'), parent_id: row('deal_comments'), body: 'b', author_id: user },
    links: ['deal_id', 'parent_id', 'author_id'],
  },
];

/** An INSERT of a tenant's row, some of its values replaced. */
function insert(sample: Sample, tenant: Tenant, changed: Record<string, string> = {}): string {
  const own = Object.entries(sample.values).map(([column, value]) => [
    column,
    typeof value === 'string' ? value : value(tenant),
  ]);
  const values: Record<string, string> = {
    id: row(sample.table)(tenant),
    [sample.scope]: scopeOf(sample, tenant),
    ...Object.fromEntries(own),
    ...changed,
  };
  const literals = Object.values(values).map((value) => `'${value}'`);
  return `insert into public.${sample.table} (${Object.keys(values).join(', ')}) values (${literals.join(', ')})`;
}

const refused = ['42501', '23503'];

describe.each(sampleKinds)('presets keep tenants apart: %s', (kind) => {
  let database: Database;
  beforeAll(async () => {
    database = await openCore(builtInCore(), kind);
    const presets = await Promise.all(['realty', 'social', 'deliverables', 'crm'].map(loadPreset));
    const made = await scaffold({
      name: 'm',
      prefix: '',
      presets,
      tables: [],
      core: await coreFacts(database),
      number: '001',
      folders,
      isolation: 'auth-uid',
    });
    await database.script(made.files[0]?.content ?? '');
    for (const bucket of made.buckets)
      await database.query('insert into storage.buckets (id, name, public) values ($1, $1, $2)', [
        bucket.id,
        bucket.public,
      ]);
    await database.query(`insert into storage.buckets (id, name, public) values ('other', 'other', true)`);
    for (const tenant of ['a', 'b'] as const) {
      await database.script(`insert into auth.users (id, email) values ('${user(tenant)}', '${tenant}@example.org')`);
      await database.script(
        `insert into public.organizations (id, name, slug) values ('${id('organization', tenant)}', '${tenant}', '${tenant}')`,
      );
      await database.script(
        `insert into public.organization_members (organization_id, user_id, role) values ('${id('organization', tenant)}', '${user(tenant)}', 'member')`,
      );
      await database.script(
        `insert into public.social_posts (id, user_id, platform, content) values ('${row('social_posts')(tenant)}', '${user(tenant)}', 'x', 'c')`,
      );
      for (const sample of samples) await database.script(insert(sample, tenant));
    }
    await database.script(`insert into auth.users (id, email) values ('${viewer}', 'v@example.org');
      insert into public.organization_members (organization_id, user_id, role) values ('${id('organization', 'a')}', '${viewer}', 'viewer')`);
  });
  afterAll(() => database.close());

  it('covers every table of the presets that users can reach', async () => {
    const presets = await Promise.all(['realty', 'social', 'deliverables', 'crm'].map(loadPreset));
    const names = presets.flatMap(({ tables }) =>
      tables.filter(({ scope }) => scope !== 'service-only').map(({ name }) => name),
    );
    expect(samples.map(({ table }) => table).sort()).toEqual(names.sort());
  });

  describe.each(samples)('$table', (sample) => {
    const { table, scope, links } = sample;
    const own = row(table)('a');
    const other = row(table)('b');
    const as = (...statements: string[]): ReturnType<typeof asUser> => asUser(database, user('a'), ...statements);

    it('its owner reads, changes, deletes and inserts', async () => {
      expect(await as(`select id from public.${table}`)).toMatchObject({ rows: [{ id: own }] });
      expect(await as(`update public.${table} set created_at = now()`)).toMatchObject({ affected: 1 });
      expect(await as(`delete from public.${table}`, insert(sample, 'a'))).toMatchObject({ affected: 1 });
    });

    it("another user's row is neither read, changed nor deleted", async () => {
      expect(await as(`select id from public.${table} where id = '${other}'`)).toMatchObject({ rows: [] });
      expect(await as(`update public.${table} set created_at = now() where id = '${other}'`)).toMatchObject({
        affected: 0,
      });
      expect(await as(`delete from public.${table} where id = '${other}'`)).toMatchObject({ affected: 0 });
    });

    it('no row is inserted for another user, handed over or taken over', async () => {
      expect(refused).toContain(await as(insert(sample, 'b', { id: id('new') })));
      expect(refused).toContain(await as(`update public.${table} set ${scope} = '${scopeOf(sample, 'b')}'`));
      expect(refused).toContain(
        await as(`update public.${table} set ${scope} = '${scopeOf(sample, 'b')}' where id = '${own}'`),
      );
      expect(
        await as(`update public.${table} set ${scope} = '${scopeOf(sample, 'a')}' where id = '${other}'`),
      ).toMatchObject({ affected: 0 });
    });

    it.each(links.map((link) => [link]))("%s does not point at another tenant's row", async (link) => {
      const value = sample.values[link];
      const foreign = typeof value === 'function' ? value('b') : '';
      expect(refused).toContain(await as(`delete from public.${table}`, insert(sample, 'a', { [link]: foreign })));
      expect(refused).toContain(await as(`update public.${table} set ${link} = '${foreign}'`));
    });

    it('anonymous visitors have no access', async () => {
      // What everyone reads is a matter of a row's status, and these have others.
      const isOpen = ['mls_listings', 'brand_settings'].includes(table);
      const read = await asUser(database, null, `select id from public.${table}`);
      if (isOpen) expect(read).toMatchObject({ rows: [] });
      else expect(read).toBe('42501');
      for (const statement of [
        insert(sample, 'a', { id: id('new') }),
        `update public.${table} set created_at = now()`,
        `delete from public.${table}`,
      ]) {
        expect(await asUser(database, null, statement)).toBe('42501');
      }
    });

    it.runIf(scope === 'organization_id')('a viewer reads and does not write', async () => {
      expect(await asUser(database, viewer, `select id from public.${table}`)).toMatchObject({ rows: [{ id: own }] });
      expect(await asUser(database, viewer, insert(sample, 'a', { id: id('new') }))).toBe('42501');
      expect(await asUser(database, viewer, `update public.${table} set created_at = now()`)).toMatchObject({
        affected: 0,
      });
      expect(await asUser(database, viewer, `delete from public.${table}`)).toMatchObject({ affected: 0 });
    });
  });

  it('all rows of a user are deleted with the user', async () => {
    for (const { table, scope } of samples.filter((sample) => sample.scope !== 'organization_id')) {
      expect(
        await asRole(
          database,
          'postgres',
          {},
          `delete from auth.users where id = '${user('a')}'`,
          `select id from public.${table} where ${scope} = '${user('a')}'`,
        ),
      ).toMatchObject({ rows: [] });
    }
  });

  it('users neither see Zoom credentials nor clean them up; the service role does, with the vault', async () => {
    expect(await asUser(database, user('a'), 'select * from public.zoom_credentials')).toBe('42501');
    expect(await asUser(database, user('a'), 'select public.clean_up_zoom_credentials()')).toBe('42501');
    const { rows: vault } = await database.query(`select from pg_namespace where nspname = 'vault'`);
    if (vault.length === 0) {
      await database.script(`create schema vault; create table vault.secrets (id uuid primary key default gen_random_uuid(), secret text);
        create function vault.create_secret(text) returns uuid language sql as $$ insert into vault.secrets (secret) values ($1) returning id $$`);
    }
    await database.script(`insert into public.zoom_credentials (user_id, zoom_user_id, access_token_id, refresh_token_id, expires_at)
      values ('${user('a')}', 'z', vault.create_secret('token'), vault.create_secret('refresh'), now() - interval '8 days')`);
    await database.script(
      `insert into public.zoom_credentials (user_id, zoom_user_id, expires_at) values ('${user('b')}', 'y', now() - interval '6 days')`,
    );
    await database.transaction(async (session) => {
      await session.query('set local role service_role');
      expect((await session.query('select public.clean_up_zoom_credentials() as removed')).rows).toEqual([
        { removed: 1 },
      ]);
    });
    expect((await database.query('select zoom_user_id from public.zoom_credentials')).rows).toEqual([
      { zoom_user_id: 'y' },
    ]);
    expect((await database.query('select id from vault.secrets')).rows).toEqual([]);
  });

  it('everyone reads active listings and shared brand settings, and writes none', async () => {
    for (const [table, change] of [
      ['mls_listings', "status = 'active'"],
      ['brand_settings', "visibility = 'shared'"],
    ]) {
      const open = row(table!)('b');
      await database.script(`update public.${table} set ${change} where id = '${open}'`);
      for (const reader of [user('a'), null])
        expect(await asUser(database, reader, `select id from public.${table} where id = '${open}'`)).toMatchObject({
          rows: [{ id: open }],
        });
      const write = `update public.${table} set created_at = now() where id = '${open}'`;
      expect(await asUser(database, user('a'), write)).toMatchObject({ affected: 0 });
      expect(await asUser(database, null, write)).toBe('42501');
    }
  });

  it('a signed-in visitor asks for a showing of an active listing, in their own name, and reads it', async () => {
    const [active, draft] = [row('mls_listings')('b'), row('mls_listings')('a')];
    await database.script(`update public.mls_listings set status = 'active' where id = '${active}'`);
    const ask = (listing: string, office: Tenant, by: string, status = 'requested'): string =>
      `insert into public.showings (organization_id, listing_id, visitor_id, visitor_name, message, starts_at, status)
       values ('${id('organization', office)}', '${listing}', '${by}', 'Vera', 'After work?', now() + interval '1 day', '${status}')`;
    expect(await asUser(database, null, ask(active, 'b', viewer))).toBe('42501');
    for (const statement of [
      ask(draft, 'a', viewer),
      ask(active, 'b', user('a')),
      ask(active, 'b', viewer, 'confirmed'),
    ])
      expect(await asUser(database, viewer, statement)).toBe('42501');
    expect(['42501', '23503']).toContain(await asUser(database, viewer, ask(active, 'a', viewer)));
    const mine = `select status, message from public.showings where listing_id = '${active}' and visitor_id is not null`;
    const asked = { rows: [{ status: 'requested', message: 'After work?' }] };
    expect(await asUser(database, viewer, ask(active, 'b', viewer), mine)).toMatchObject(asked);
    const confirm = "update public.showings set status = 'confirmed' where visitor_id is not null";
    expect(await asUser(database, viewer, ask(active, 'b', viewer), confirm)).toMatchObject({ affected: 0 });
  });

  it('alerts match an active listing by city, type, price and bedrooms, for the backend', async () => {
    const listing = row('mls_listings')('b');
    const find = `select frequency from public.alerts_for_listing('${listing}')`;
    expect(await asUser(database, user('a'), find)).toBe('42501');
    const matches = async (change: string): Promise<boolean> => {
      const found = await asRole(
        database,
        'service_role',
        {},
        `update public.mls_listings set status = 'active', city = 'Austin', price = 500000, bedrooms = 3 where id = '${listing}'`,
        `update public.property_alerts set ${change}`,
        `delete from public.property_alerts where id <> '${row('property_alerts')('a')}'`,
        find,
      );
      return (found as { rows: unknown[] }).rows.length === 1;
    };
    for (const [change, expected] of [
      ["city = 'austin', property_type = 'house', min_price = 500000, max_price = 500000, min_bedrooms = 3", true],
      ['city = null', true],
      ["city = 'Dallas'", false],
      ["property_type = 'land'", false],
      ['min_price = 500001', false],
      ['max_price = 499999', false],
      ['min_bedrooms = 4', false],
      ['is_active = false', false],
    ] as const)
      expect(await matches(change), change).toBe(expected);
  });

  it("the view shows only a user's own profile", async () => {
    expect(await asUser(database, user('a'), 'select user_id from public.profile_brand_preferences')).toMatchObject({
      rows: [{ user_id: user('a') }],
    });
    expect(await asUser(database, null, 'select user_id from public.profile_brand_preferences')).toBe('42501');
  });

  it('every reference between tables, also of core, can be embedded from both sides', async () => {
    const rest = createRest({
      database: await createOwnDatabase(poolConnections(() => Promise.resolve(database))),
      schemas: ['public'],
    });
    const embed = async (table: string, select: string): Promise<string> => {
      const { status } = await rest
        .handle({
          method: 'GET',
          path: `/${table}`,
          query: new URLSearchParams({ select: `id,found:${select}(id)` }),
          headers: {},
          identity: { role: 'service_role', claims: {} },
          token: undefined,
          body: Readable.from([]),
          signal: new AbortController().signal,
        })
        .catch((error: { status: number }) => error);
      return `${table} with ${select}: ${status}`;
    };
    const { rows: keys } = await database.query<{ name: string; table: string; target: string; column: string }>(`
      select k.conname as name, c.relname as table, t.relname as target, (
        -- The one that says which row; the others are the tenant, which both rows have under the same name.
        select a.attname from unnest(k.conkey, k.confkey) as pair (own, other)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = own
        join pg_attribute b on b.attrelid = t.oid and b.attnum = other
        where a.attname <> b.attname limit 1) as column
      from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class t on t.oid = k.confrelid
      where k.contype = 'f' and c.relnamespace = 'public'::regnamespace and t.relnamespace = 'public'::regnamespace
      order by 2, 1`);
    expect(keys.filter(({ table, target }) => table === target)).not.toEqual([]);
    for (const { name, table, target, column } of keys) {
      // PostgREST knows the keys of a table to itself by their column, and only those of one column.
      const [toOne, toMany] =
        table === target ? [column, `${table}!${column}`] : [`${target}!${name}`, `${table}!${name}`];
      expect(await embed(table, toOne)).toBe(`${table} with ${toOne}: 200`);
      expect(await embed(target, toMany)).toBe(`${target} with ${toMany}: 200`);
    }
    await rest.close?.();
  });

  it('files are written only in one’s own folder; logos are read by everyone', async () => {
    const put = (bucket: string, name: string): string =>
      `insert into storage.objects (bucket_id, name) values ('${bucket}', '${name}')`;
    for (const bucket of ['logos', 'private']) {
      expect(await asUser(database, user('a'), put(bucket, `${user('a')}/x.png`))).toMatchObject({ affected: 1 });
      expect(await asUser(database, user('a'), put(bucket, `${user('b')}/x.png`))).toBe('42501');
      expect(await asUser(database, user('a'), put(bucket, 'x.png'))).toBe('42501');
      expect(await asUser(database, null, put(bucket, `${user('a')}/x.png`))).toBe('42501');
      await database.script(put(bucket, `${user('b')}/y.png`));
      expect(await asUser(database, user('a'), `update storage.objects set name = 'z'`)).toMatchObject({ affected: 0 });
      expect(await asUser(database, user('b'), `update storage.objects set name = '${user('a')}/y.png'`)).toBe('42501');
    }
    expect(await asUser(database, user('a'), put('other', `${user('a')}/x.png`))).toBe('42501');
    expect(await asUser(database, null, 'select bucket_id from storage.objects')).toMatchObject({
      rows: [{ bucket_id: 'logos' }],
    });
    expect(await asUser(database, user('a'), 'select bucket_id from storage.objects')).toMatchObject({
      rows: [{ bucket_id: 'logos' }],
    });
  });
});
