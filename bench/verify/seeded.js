// The manually seeded prober: rows written by hand for every table of the built-in kit and its presets, and the same
// tests for each, one statement each, in the style of pgTAP's is_empty() and throws_ok(). Nothing is generated from the
// catalog: a new table has to be added here too.

const user = (letter) => `'${letter.repeat(8)}-0000-4000-8000-000000000000'`;
const [A, B, member, viewer, outsider] = ['a', 'b', 'c', 'd', 'e'].map((letter) => user(letter));
const [X, Y] = [user('f'), user('9')];

const hash = (word) => `encode(extensions.digest('${word}', 'sha256'), 'hex')`;
const first = (table, column, owner) => `(select id from public.${table} where ${column} = ${owner} limit 1)`;

/** By table, the owner column and the other values of a user's rows; `n` differs between the rows of two users. */
const ofUsers = {
  property_alerts: ['user_id', () => ({ name: "'Houses'" })],
  notifications: ['user_id', () => ({ kind: "'welcome'", title: "'Welcome'" })],
  alert_logs: ['user_id', () => ({ trend_text: "'No'" })],
  brand_preferences: ['user_id', () => ({ brand_name: "'Brand'" })],
  brand_settings: ['user_id', () => ({ brand_name: "'Brand'" })],
  deliverables: ['user_id', () => ({ title: "'Report'", client_name: "'Client'" })],
  social_accounts: ['user_id', () => ({ platform: "'x'" })],
  social_posts: ['user_id', () => ({ platform: "'x'", content: "'Hello'" })],
  post_queues: [
    'user_id',
    ({ me }) => ({ social_post_id: first('social_posts', 'user_id', me), content: "'Hello'", platform: "'x'" }),
  ],
  zoom_credentials: ['user_id', ({ n }) => ({ zoom_user_id: `'zoom ${n}'`, expires_at: 'now()' })],
};

/** Values of an organization's rows, by table. */
const ofOrganizations = {
  mls_listings: () => ({ title: "'Villa'", address: "'1 Road'", city: "'Town'" }),
  showings: ({ me }) => ({
    listing_id: first('mls_listings', 'organization_id', me),
    visitor_name: "'Guest'",
    starts_at: 'now()',
  }),
  leads: () => ({ name: "'Lead'" }),
  deals: () => ({ title: "'Deal'" }),
  activities: () => ({ subject: "'Call'" }),
  inventory_items: () => ({ stock_number: "'1'", name: "'Thing'" }),
  deal_comments: ({ me, boss }) => ({
    deal_id: first('deals', 'organization_id', me),
    author_id: boss,
    body: "'Well'",
  }),
  deal_collaborators: ({ me, boss }) => ({ deal_id: first('deals', 'organization_id', me), collaborator_id: boss }),
  api_keys: ({ n }) => ({ name: "'Key'", prefix: "'mk'", key_hash: hash(`key ${n}`) }),
  invitations: ({ n }) => ({ email: `'guest${n}@example.com'`, token_hash: hash(`token ${n}`) }),
  audit_logs: () => ({ action: "'looked'", actor_role: "'authenticated'" }),
  usage_metrics: () => ({ metric: "'calls'", period_start: "'2026-01-01'" }),
  subscriptions: () => ({ product_id: "(select id from public.products where slug = 'seeded')" }),
  organization_feature_flags: () => ({
    flag_id: "(select id from public.feature_flag_definitions where key = 'seeded')",
    enabled: 'true',
  }),
};

const insert = (table, values) =>
  `insert into public.${table} (${Object.keys(values).join(', ')}) values (${Object.values(values).join(', ')})`;
const rowOf = (table, n, me, boss) =>
  ofUsers[table]
    ? { [ofUsers[table][0]]: me, ...ofUsers[table][1]({ n, me }) }
    : { organization_id: me, ...ofOrganizations[table]({ n, me, boss }) };

/** Everything that is inserted, in the order of the foreign keys, starting with the users; of those tables that a muse has. */
const seedOf = (has) =>
  [
    ...[A, B, member, viewer, outsider].map(
      (id) => `insert into auth.users (id, email) values (${id}, ${id} || '@example.com')`,
    ),
    `insert into public.products (slug, name, is_active) values ('seeded', 'Seeded', false)`,
    `insert into public.feature_flag_definitions (key) values ('seeded')`,
    ...[
      [X, A, 'x'],
      [Y, B, 'y'],
    ].map(
      ([id, founder, slug]) =>
        `insert into public.organizations (id, name, slug, created_by) values (${id}, '${slug}', '${slug}', ${founder})`,
    ),
    ...[
      [X, A, 'owner'],
      [X, member, 'member'],
      [X, viewer, 'viewer'],
      [Y, B, 'owner'],
    ].map(
      ([organization, id, role]) =>
        `insert into public.organization_members (organization_id, user_id, role) values (${organization}, ${id}, '${role}') on conflict (organization_id, user_id) do update set role = excluded.role`,
    ),
    ...[A, B].map((id) => `insert into public.user_roles (user_id) values (${id}) on conflict do nothing`),
    ...[X, Y].map(
      (id) => `insert into public.organization_settings (organization_id) values (${id}) on conflict do nothing`,
    ),
    ...Object.keys(ofUsers)
      .filter(has)
      .flatMap((table) =>
        [
          [1, A],
          [2, B],
        ].map(([n, me]) => insert(table, rowOf(table, n, me))),
      ),
    ...Object.keys(ofOrganizations)
      .filter(has)
      .flatMap((table) =>
        [
          [1, X, A],
          [2, Y, B],
        ].map(([n, me, boss]) => insert(table, rowOf(table, n, me, boss))),
      ),
  ].join(';\n');

/** The seed of a muse with all presets. */
export const seed = seedOf(() => true);

/** Tables with the condition that finds A's or X's rows, and the statement that inserts one more of them. */
const subjects = [
  ...Object.entries(ofUsers).map(([table, [column]]) => ({
    table,
    where: `${column} = ${A}`,
    forged: insert(table, rowOf(table, 3, A)),
    shared: false,
  })),
  ...Object.keys(ofOrganizations).map((table) => ({
    table,
    where: `organization_id = ${X}`,
    forged: insert(table, rowOf(table, 3, X, A)),
    shared: true,
  })),
  { table: 'profiles', where: `id = ${A}`, forged: `insert into public.profiles (id) values (${A})`, shared: false },
  {
    table: 'user_roles',
    where: `user_id = ${A}`,
    forged: `insert into public.user_roles (user_id, role) values (${A}, 'admin')`,
    shared: false,
  },
  {
    table: 'organizations',
    where: `id = ${X}`,
    forged: `insert into public.organizations (name, slug, created_by) values ('z', 'z', ${A})`,
    shared: true,
  },
  {
    table: 'organization_members',
    where: `organization_id = ${X}`,
    forged: `insert into public.organization_members (organization_id, user_id) values (${X}, ${outsider})`,
    shared: true,
  },
  {
    table: 'organization_settings',
    where: `organization_id = ${X}`,
    forged: `insert into public.organization_settings (organization_id) values (${X})`,
    shared: true,
  },
  {
    table: 'products',
    where: "slug = 'seeded'",
    forged: `insert into public.products (slug, name) values ('forged', 'Forged')`,
    shared: false,
  },
  {
    table: 'feature_flag_definitions',
    where: "key = 'seeded'",
    forged: `insert into public.feature_flag_definitions (key) values ('forged')`,
    shared: false,
  },
];

const actors = [
  { name: 'anon', role: 'anon', may: 'nothing' },
  { name: 'A', role: 'authenticated', sub: A, may: 'own' },
  { name: 'member', role: 'authenticated', sub: member, may: 'shared' },
  { name: 'viewer', role: 'authenticated', sub: viewer, may: 'read' },
  { name: 'outsider', role: 'authenticated', sub: outsider, may: 'nothing' },
  { name: 'B', role: 'authenticated', sub: B, may: 'nothing' },
];

const verbs = {
  select: ({ table, where }) => `select from public.${table} where ${where}`,
  insert: ({ forged }) => forged,
  update: ({ table, where }) => `update public.${table} set id = id where ${where}`,
  delete: ({ table, where }) => `delete from public.${table} where ${where}`,
};

/** Tables that only the service reads, not even an owner. */
const closed = new Set(['products', 'feature_flag_definitions', 'zoom_credentials', 'webhook_events']);
/** Tables that not every member reads. */
const ofAdmins = new Set(['api_keys', 'invitations', 'audit_logs']);

/** The hand-written expectation: `yes`, `no`, or undefined for no opinion. */
function expected({ may }, { table, shared }, verb) {
  if (may === 'nothing') return 'no';
  if (closed.has(table)) return table === 'zoom_credentials' ? undefined : 'no';
  const reads = may === 'own' || (shared && !ofAdmins.has(table));
  if (verb === 'select') return reads ? 'yes' : 'no';
  // Every member may leave their organization.
  if (table === 'organization_members' && verb === 'delete') return undefined;
  return may === 'read' || !(shared || may === 'own') ? 'no' : undefined;
}

const roles = ['owner', 'admin', 'member', 'viewer'];

/** What a stranger may try first, to reach more afterwards: joining, a role, a flag, an invitation, a key, an organization of its own. */
const openings = (me, has) => [
  ...roles.map(
    (role) =>
      `insert into public.organization_members (organization_id, user_id, role) values (${X}, ${me}, '${role}')`,
  ),
  ...roles.map((role) => `update public.organization_members set role = '${role}' where user_id = ${me}`),
  `update public.organization_members set organization_id = ${X} where user_id = ${me}`,
  `insert into public.user_roles (user_id, role) values (${me}, 'admin') on conflict (user_id) do update set role = 'admin'`,
  `update public.user_roles set role = 'superadmin' where user_id = ${me}`,
  `update public.profiles set full_name = 'admin' where id = ${me}`,
  insert('invitations', { ...rowOf('invitations', 4, X, A), email: `${me} || '@example.com'` }),
  insert('api_keys', rowOf('api_keys', 4, X, A)),
  `insert into public.organizations (name, slug, created_by) values ('mine', 'mine', ${me})`,
  `select public.create_invitation(${X}, ${me} || '@example.com', 'admin')`,
  `select public.create_api_key(${X}, 'Key', array['read'])`,
  ...['brand_preferences', 'property_alerts']
    .filter(has)
    .slice(0, 1)
    .map((table) => insert(table, rowOf(table, 4, me))),
];

/** Address of the user who is in no organization. */
export const outsiderEmail = `${outsider.slice(1, -1)}@example.com`;

/**
 * Inserts missing rows, runs the tests, and rolls everything back.
 * @param {import('../../src/database/database.ts').Database} database
 * @param {boolean} isSeeded
 * @returns {Promise<{ probes: number, failures: string[] }>}
 */
export async function probeSeeded(database, isSeeded = false) {
  const failures = [];
  let probes = 0;
  const { rows } = await database.query("select relname from pg_class where relnamespace = 'public'::regnamespace");
  const present = new Set(rows.map(({ relname }) => relname));
  const has = (table) => present.has(table);
  const here = subjects.filter(({ table }) => has(table));
  await database.script(`begin; ${isSeeded ? '' : `${seedOf(has)};`} savepoint seeded`);
  for (const actor of actors) {
    const claims = JSON.stringify(
      actor.sub === undefined ? { role: actor.role } : { role: actor.role, sub: actor.sub.slice(1, -1) },
    );
    await database.script(
      `rollback to savepoint seeded; set local role ${actor.role}; set local request.jwt.claims = '${claims}'; savepoint probe`,
    );
    for (const subject of here) {
      for (const [verb, sqlOf] of Object.entries(verbs)) {
        probes += 1;
        const outcome = await tryOne(database, sqlOf(subject));
        const should = expected(actor, subject, verb);
        if (outcome === 'error' || (should !== undefined && should !== outcome))
          failures.push(`${actor.name} ${verb} ${subject.table}: ${outcome}`);
      }
    }
    if (actor.sub === undefined || actor.may !== 'nothing') continue;
    for (const opening of openings(actor.sub, has)) {
      probes += 1;
      const { isDone } = await run(database, opening);
      if (isDone) await database.script('savepoint opened');
      for (const subject of isDone ? here : []) {
        for (const verb of ['select', 'update']) {
          probes += 1;
          const outcome = await tryOne(database, verbs[verb](subject), 'opened');
          if (outcome !== 'no') failures.push(`${actor.name}, after ${opening}, ${verb} ${subject.table}: ${outcome}`);
        }
      }
      await database.script('rollback to savepoint probe');
    }
  }
  await database.script('rollback');
  return { probes, failures };
}

/** `yes` where rows came, changed, or were only kept out by a constraint; `no` where none did; `error` for any other failure. */
async function tryOne(database, sql, savepoint = 'probe') {
  const { outcome } = await run(database, sql);
  await database.script(`rollback to savepoint ${savepoint}`);
  return outcome;
}

/** The outcome, and whether the statement ended well, so that what it did is there. */
async function run(database, sql) {
  try {
    const { rows, affected } = await database.query(sql);
    return { outcome: rows.length > 0 || affected > 0 ? 'yes' : 'no', isDone: affected > 0 || rows.length > 0 };
  } catch (error) {
    // A function that raises an exception refuses, too.
    if (error.code === '42501' || error.code === 'P0001') return { outcome: 'no', isDone: false };
    return { outcome: error.code?.startsWith('23') ? 'yes' : 'error', isDone: false };
  }
}
