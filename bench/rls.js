// Row-level security with 1,000,000 rows, as a signed-in user: tables that `--table` generates, compared with the same
// tables with the policies that the seed kits' documents recommend.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { median, once } from './measure.js';
import { startServer } from './server.js';

const rows = 1_000_000;
/** Rows per user, and per organization. Each user is in three organizations. */
const each = 100;
const owners = rows / each;
const memberships = 3;

const owner = { column: 'owner_id', mine: 'public.notes' };
const organization = { column: 'organization_id', mine: 'public.tickets' };

/**
 * Common hand-written policies, each on a copy of the generated table with or without an index on the policy's column.
 * The documents' `user_id` is `owner_id` here. With the index, PostgreSQL also uses it for a bare auth.uid(), so there
 * is nothing to gain.
 */
const naive = [
  {
    of: owner,
    name: 'auth.uid() = owner_id, no index',
    table: 'naive.notes',
    index: false,
    using: 'auth.uid() = owner_id',
  },
  {
    of: owner,
    name: 'auth.uid() = owner_id, index',
    count: 1,
    table: 'naive.notes_indexed',
    index: true,
    using: 'auth.uid() = owner_id',
  },
  {
    of: organization,
    name: 'in (select … members), no index',
    table: 'naive.tickets',
    index: false,
    using: 'organization_id in (select organization_id from naive.organization_members where user_id = auth.uid())',
  },
  {
    of: organization,
    name: 'in (select … members), index',
    table: 'naive.tickets_indexed',
    index: true,
    using: 'organization_id in (select organization_id from naive.organization_members where user_id = auth.uid())',
  },
  {
    of: organization,
    name: 'exists (… members), index',
    table: 'naive.tickets_exists',
    index: true,
    using:
      'exists (select 1 from naive.organization_members as om where om.organization_id = tickets_exists.organization_id and om.user_id = auth.uid())',
  },
  {
    of: organization,
    name: 'is_member(organization_id), index',
    table: 'naive.tickets_helper',
    index: true,
    using: 'naive.is_member(organization_id)',
  },
];

const queries = (table, id) => [
  { what: 'count', text: `select count(*) from ${table}` },
  { what: 'first page', text: `select * from ${table} order by created_at desc limit 20` },
  { what: 'point', text: `select * from ${table} where id = '${id}'` },
];

/** The n-th user or organization. */
const uuid = (kind, number) => `('${kind}0000000-0000-4000-8000-' || lpad((${number})::text, 12, '0'))::uuid`;

/** @param {{ root: string, rounds: number }} options */
export async function rls({ root, rounds }) {
  const place = mkdtempSync(join(tmpdir(), 'create-muse-bench-'));
  const server = await startServer();
  const client = new pg.Client(server.url('postgres'));
  try {
    await once({
      command: process.execPath,
      args: [
        join(root, 'bin', 'create-muse.js'),
        'rls',
        '--yes',
        '--json',
        '--no-git',
        '--target',
        'postgres',
        '--database-url',
        server.url('postgres'),
        '--supabase-baseline',
        '--table',
        'notes: title text!, owner user',
        '--table',
        'tickets: title text!, organization',
      ],
      cwd: place,
    });
    await client.connect();
    await fill(client);
    for (const of of [owner, organization]) await measure(client, of, rounds);
  } finally {
    await client.end();
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
}

async function fill(client) {
  // Triggers and foreign keys would take minutes for rows that are known to be valid.
  await client.query(`set session_replication_role = replica; set search_path = "$user", public, extensions;
    insert into auth.users (id, email) select ${uuid('a', 'n')}, n || '@example.com' from generate_series(1, ${owners}) as n;
    insert into public.organizations (id, name, slug) select ${uuid('b', 'n')}, 'o' || n, 'o' || n from generate_series(1, ${owners}) as n;
    insert into public.organization_members (organization_id, user_id, role)
      select ${uuid('b', `((n * 7 + m * 1013) % ${owners}) + 1`)}, ${uuid('a', 'n')}, 'member' from generate_series(1, ${owners}) as n, generate_series(1, ${memberships}) as m;
    insert into public.notes (owner_id, title, created_at) select ${uuid('a', `(n % ${owners}) + 1`)}, 'note ' || n, now() - n * interval '1 second' from generate_series(1, ${rows}) as n;
    insert into public.tickets (organization_id, title, created_at) select ${uuid('b', `(n % ${owners}) + 1`)}, 'ticket ' || n, now() - n * interval '1 second' from generate_series(1, ${rows}) as n;
    create schema naive; grant usage on schema naive to authenticated;
    create table naive.organization_members (like public.organization_members including all);
    insert into naive.organization_members select * from public.organization_members;
    alter table naive.organization_members enable row level security;
    create policy own on naive.organization_members for select using (auth.uid() = user_id);
    grant select on naive.organization_members to authenticated;
    create function naive.is_member(organization uuid) returns boolean language sql stable security definer set search_path = ''
      as 'select exists (select 1 from naive.organization_members where organization_id = organization and user_id = auth.uid())';`);
  for (const { of, table, index, using } of naive) {
    await client.query(`create table ${table} (like ${of.mine} including defaults including constraints); insert into ${table} select * from ${of.mine}; alter table ${table} add primary key (id);
      ${index ? `create index on ${table} (${of.column});` : ''}
      alter table ${table} enable row level security; create policy own on ${table} for select using (${using}); grant select on ${table} to authenticated;`);
  }
  await client.query('set session_replication_role = origin');
  await client.query('vacuum analyze');
}

async function measure(client, of, rounds) {
  const me = (await client.query(`select ${uuid('a', Math.floor(owners / 2))} as id`)).rows[0].id;
  const forms = [{ name: 'create-muse', table: of.mine }, ...naive.filter((form) => form.of === of)];
  await client.query('begin');
  await client.query("select set_config('request.jwt.claims', $1, true)", [
    JSON.stringify({ sub: me, role: 'authenticated' }),
  ]);
  await client.query('set local role authenticated');
  const seen = (await client.query(`select id from ${of.mine}`)).rows;
  process.stdout.write(
    `\nRow-level security, ${rows.toLocaleString('en')} rows, rows of the ${of === owner ? 'owner' : 'organization'}: ${seen.length} are the user's; ms in the client\n`,
  );
  const all = forms.map((form) => ({ ...form, queries: queries(form.table, seen[0].id), ms: {} }));
  for (const [index] of all[0].queries.entries()) await time(client, all, index, rounds);
  await client.query('rollback');
  print(all);
}

/**
 * Times one query of all forms in turn, starting with another form each time: slow queries as often as requested,
 * others 300 times.
 */
async function time(client, forms, index, rounds) {
  const taken = forms.map(() => []);
  const isSlow = (times) => times.length >= 3 && median(times) > 10;
  for (let round = 0; round <= 300; round++) {
    for (let turn = 0; turn < forms.length; turn++) {
      const number = (round + turn) % forms.length;
      const times = taken[number];
      if (isSlow(times) && times.length >= rounds) continue;
      const { table, queries } = forms[number];
      const start = performance.now();
      const { rowCount } = await client.query({ name: `${table} ${index}`, text: queries[index].text });
      if (rowCount === 0) throw new Error(`${queries[index].text} gave nothing`);
      if (round > 0) times.push(performance.now() - start);
    }
  }
  for (const [number, form] of forms.entries()) form.ms[form.queries[index].what] = median(taken[number]);
}

function print(forms) {
  const [mine, ...others] = forms;
  const width = Math.max(...forms.map(({ name }) => name.length));
  const ratio = (form, what) => form.ms[what] / mine.ms[what];
  process.stdout.write(
    `  ${''.padEnd(width)}${Object.keys(mine.ms)
      .map((what) => what.padStart(20))
      .join('')}\n`,
  );
  for (const form of forms) {
    const cells = Object.keys(form.ms).map((what) =>
      `${form.ms[what].toFixed(2)} ${`${ratio(form, what).toFixed(ratio(form, what) < 10 ? 2 : 0)}x`.padStart(8)}`.padStart(
        20,
      ),
    );
    process.stdout.write(`  ${form.name.padEnd(width)}${cells.join('')}\n`);
  }
  // Queries that take a fraction of a millisecond are nearly equal, and one of them is always some percent slower.
  const missed = others.flatMap((form) =>
    Object.keys(form.ms)
      .filter((what) => ratio(form, what) < ((what === 'count' ? (form.count ?? 100) : 1) === 1 ? 0.9 : 100))
      .map((what) => `${what} beside ${form.name} ${ratio(form, what).toFixed(2)}`),
  );
  const aims = others.some(({ count }) => count === 1)
    ? 'counts 100 times faster than without an index'
    : 'counts 100 times faster';
  process.stdout.write(
    `  ${aims}, nothing slower by a tenth: ${missed.length === 0 ? 'met' : `NOT met: ${missed.join('; ')}`}\n`,
  );
}
