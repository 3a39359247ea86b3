import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { scaffold } from '../../src/scaffold/scaffold.ts';
import { defaultSession } from '../../src/scaffold/session.ts';
import { tenancyMigration } from '../../src/scaffold/tenancy.ts';
import {
  type ConnectionPool,
  createTenancy,
  type TenantContext,
  type Transaction,
} from '../../templates/tenancy/tenant.ts';
import { startNative, type Native } from '../support/native.ts';
import { platformDatabase } from '../support/platform-database.ts';
import { builtInCore, coreFacts, folders } from './support.ts';

const login = `web_${randomBytes(4).toString('hex')}`;
const tenants = Array.from({ length: 8 }, (_, index) => `00000000-0000-4000-8000-00000000000${index}`);
const contextOf = (index: number): TenantContext => ({
  organizationId: tenants[index % 8] ?? null,
  userId: tenants[index % 8] ?? null,
});

let native: Native;
let admin: pg.Client;
let pool: pg.Pool;
let tenancy: ReturnType<typeof createTenancy>;

const notes = async (tx: Transaction): Promise<string[]> =>
  (await tx.query<{ x: string }>('select x from public.notes order by x')).rows.map(({ x }) => x);
const uses = async (): Promise<
  { reason: string; user_id: string | null; actor_role: string; rolled_back: boolean }[]
> =>
  (
    await admin.query(
      "select details ->> 'reason' as reason, user_id, actor_role, (details ->> 'rolled_back')::boolean as rolled_back from public.audit_logs where action = 'superadmin.use' order by created_at, details ->> 'reason'",
    )
  ).rows as never;
/** The settings of a pool's connection outside any transaction. */
const leaks = async (): Promise<unknown[]> => {
  const clients = await Promise.all(Array.from({ length: 3 }, () => pool.connect()));
  const seen = await Promise.all(
    clients.map((client) =>
      client.query(
        "select current_user as who, current_setting('app.current_org_id', true) as org, current_setting('app.superadmin_use', true) as use",
      ),
    ),
  );
  for (const client of clients) client.release();
  return [
    ...new Set(
      seen
        .flatMap(({ rows }) => rows as { who: string; org: string | null; use: string | null }[])
        .map(({ who, org, use }) => `${who} ${org ?? ''} ${use ?? ''}`.trim()),
    ),
  ];
};

beforeAll(async () => {
  native = await startNative();
  const url = await platformDatabase(native, 'tenancy');
  const database = await openPostgres({ url });
  await database.script('set search_path to "$user", public, extensions');
  for (const sql of builtInCore()) await database.script(sql);
  const [migration] = await tenancyMigration({
    name: 'm',
    core: await coreFacts(database),
    tables: [],
    schemas: [],
    coreIsolation: 'auth-uid',
    session: defaultSession,
    number: '001',
    folders,
  });
  await database.script(migration?.content ?? '');
  const [tables] = (
    await scaffold({
      name: 'm',
      prefix: '',
      presets: [],
      tables: ['notes: x text, organization'].map(parseTable),
      core: await coreFacts(database),
      number: '002',
      folders,
      isolation: 'session',
    })
  ).files;
  await database.script(tables?.content ?? '');
  await database.script(`create role ${login} login password 'secret' in role app_user, app_superadmin;
    insert into auth.users (id, email) select id::uuid, id || '@muse.example' from unnest(array['${tenants.join("','")}']) as id;
    insert into public.organizations (id, name, created_by) select id::uuid, 'T' || id, id::uuid from unnest(array['${tenants.join("','")}']) as id;
    insert into public.notes (organization_id, x) select id::uuid, 'of ' || right(id, 1) from unnest(array['${tenants.join("','")}']) as id;`);
  await database.close();
  admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const own = new URL(url);
  own.username = login;
  own.password = 'secret';
  pool = new pg.Pool({ connectionString: own.href, max: 3 });
  // The pool handles a connection that is cut while idle.
  pool.on('error', () => undefined);
  tenancy = createTenancy(pool);
});
afterAll(async () => {
  await pool.end();
  await admin.query(`drop role ${login}`);
  await admin.end();
  await native.stop();
});

describe('withTenant', () => {
  it('passes the transaction, commits, and isolates organizations', async () => {
    await tenancy.withTenant(contextOf(1), async (tx) => {
      await tx.query('insert into public.notes (x) values ($1)', ['new']);
      expect(await notes(tx)).toEqual(['new', 'of 1']);
    });
    expect(await tenancy.withTenant(contextOf(2), notes)).toEqual(['of 2']);
    expect(await tenancy.withTenant(contextOf(1), notes)).toEqual(['new', 'of 1']);
    await admin.query("delete from public.notes where x = 'new'");
  });

  it('never mixes parallel calls, including nested ones, on a pool smaller than their number', async () => {
    const seen = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        tenancy.withTenant(contextOf(index), async (tx) => {
          const before = await notes(tx);
          await tx.query('select pg_sleep(random() * 0.01)');
          const inner = await tenancy.withTenant(contextOf(index + 3), notes);
          return [before, inner, await notes(tx)];
        }),
      ),
    );
    expect(seen).toEqual(
      Array.from({ length: 60 }, (_, index) => [[`of ${index % 8}`], [`of ${(index + 3) % 8}`], [`of ${index % 8}`]]),
    );
    expect(await leaks()).toEqual([login]);
  });

  it('serializes parallel calls inside one transaction, with its own statements between them', async () => {
    const seen = await tenancy.withTenant(contextOf(0), (tx) =>
      Promise.all([
        notes(tx),
        ...[1, 2, 3].map((index) =>
          tenancy.withTenant(contextOf(index), async (inner) => [...(await notes(inner)), ...(await notes(inner))]),
        ),
        notes(tx),
      ]),
    );
    expect(seen).toEqual([['of 0'], ['of 1', 'of 1'], ['of 2', 'of 2'], ['of 3', 'of 3'], ['of 0']]);
  });

  it('restores the settings when a nested call fails, and keeps the outer call’s changes', async () => {
    const seen = await tenancy.withTenant(contextOf(4), async (tx) => {
      await tx.query("insert into public.notes (x) values ('outer')");
      await expect(
        tenancy.withTenant(contextOf(5), async (inner) => {
          await inner.query("insert into public.notes (x) values ('inner')");
          await inner.query('select 1 / 0');
        }),
      ).rejects.toMatchObject({ code: '22012' });
      await expect(
        tenancy.withTenant(contextOf(5), (inner) => tenancy.withTenant(contextOf(6), () => inner.query('select 1'))),
      ).rejects.toThrow('waits for the call inside it');
      return notes(tx);
    });
    expect(seen).toEqual(['of 4', 'outer']);
    expect(await tenancy.withTenant(contextOf(5), notes)).toEqual(['of 5']);
    await admin.query("delete from public.notes where x = 'outer'");
  });

  it('leaves nothing behind after errors', async () => {
    for (let time = 0; time < 6; time += 1) {
      await expect(tenancy.withTenant(contextOf(time), (tx) => tx.query('select 1 / 0'))).rejects.toMatchObject({
        code: '22012',
      });
      await expect(tenancy.asSuperadmin(() => Promise.reject(new Error('mine')), { reason: 'leaks' })).rejects.toThrow(
        'mine',
      );
    }
    expect(await leaks()).toEqual([login]);
    expect(
      (
        await pool.query(
          "select count(*)::int as rows from pg_catalog.pg_stat_activity where usename = $1 and state like 'idle in transaction%'",
          [login],
        )
      ).rows,
    ).toEqual([{ rows: 0 }]);
  });

  it('does not report a commit after a swallowed error has aborted the transaction', async () => {
    await expect(
      tenancy.withTenant(contextOf(1), async (tx) => {
        await tx.query("insert into public.notes (x) values ('half')");
        await tx.query('select 1 / 0').catch(() => undefined);
      }),
    ).rejects.toThrow('rolled back');
    expect(await tenancy.withTenant(contextOf(1), notes)).toEqual(['of 1']);
  });

  it('waits for queries that the callback started, and refuses later ones', async () => {
    let kept: Transaction | undefined;
    let late: Promise<unknown> | undefined;
    await tenancy.withTenant(contextOf(1), async (tx) => {
      kept = tx;
      late = tx.query("insert into public.notes (x) values ('not waited for')");
    });
    await late;
    expect(await tenancy.withTenant(contextOf(1), notes)).toEqual(['not waited for', 'of 1']);
    await expect(kept?.query('select 1')).rejects.toThrow('is over');
    await admin.query("delete from public.notes where x like 'not%'");
  });

  it.each([
    [{ organizationId: '', userId: 'a' }],
    [{ organizationId: 'a', userId: '' }],
    [{ userId: 'a' }],
    [{ organizationId: 7, userId: null }],
  ])('refuses the context %j', async (context) => {
    await expect(tenancy.withTenant(context as TenantContext, notes)).rejects.toThrow(TypeError);
  });

  it('finds nothing without a user, on a connection that had one', async () => {
    for (let time = 0; time < 6; time += 1)
      expect(await tenancy.withTenant({ organizationId: null, userId: null }, notes)).toEqual([]);
  });

  it('drops a cut connection, and continues with others', async () => {
    await expect(
      tenancy.withTenant(contextOf(1), async (tx) => {
        const { rows } = await tx.query<{ id: number }>('select pg_backend_pid() as id');
        await admin.query('select pg_terminate_backend($1)', [rows[0]?.id]);
        await tx.query('select 1');
      }),
    ).rejects.toThrow(/terminat|connection/i);
    expect(await Promise.all([1, 2, 3, 4].map((index) => tenancy.withTenant(contextOf(index), notes)))).toEqual([
      ['of 1'],
      ['of 2'],
      ['of 3'],
      ['of 4'],
    ]);
  });

  it('works with a pooler that gives each transaction another connection', async () => {
    const behind = createTenancy(transactionPooler(pool));
    const seen = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        behind.withTenant(contextOf(index), async (tx) => [
          await notes(tx),
          await behind.withTenant(contextOf(index + 1), notes),
          await notes(tx),
        ]),
      ),
    );
    expect(seen).toEqual(
      Array.from({ length: 30 }, (_, index) => [[`of ${index % 8}`], [`of ${(index + 1) % 8}`], [`of ${index % 8}`]]),
    );
    expect(await leaks()).toEqual([login]);
  });
});

describe('asSuperadmin', () => {
  const all = tenants.map((id) => `of ${id.at(-1)}`);
  beforeAll(async () => {
    await admin.query(`do $$ declare part regclass; begin
      for part in select relid from pg_partition_tree('public.audit_logs') loop
        execute format('alter table %s disable trigger refuse_truncate', part);
      end loop;
      truncate public.audit_logs;
      for part in select relid from pg_partition_tree('public.audit_logs') loop
        execute format('alter table %s enable always trigger refuse_truncate', part);
      end loop;
    end $$`);
  });

  it('sees every organization, and each use is logged with the user and reason', async () => {
    expect(await tenancy.asSuperadmin(notes)).toEqual(all);
    expect(await tenancy.asSuperadmin(notes, { userId: tenants[2] ?? null, reason: 'support' })).toEqual(all);
    expect(await uses()).toEqual([
      { reason: 'not said', user_id: null, actor_role: 'app_superadmin', rolled_back: false },
      { reason: 'support', user_id: tenants[2], actor_role: 'app_superadmin', rolled_back: false },
    ]);
  });

  it('inside a tenant is logged for its user, and ends with the call', async () => {
    const seen = await tenancy.withTenant(contextOf(3), async (tx) => [
      await tenancy.asSuperadmin(notes, { reason: 'inside' }),
      await notes(tx),
    ]);
    expect(seen).toEqual([all, ['of 3']]);
    expect((await uses()).find(({ reason }) => reason === 'inside')).toEqual({
      reason: 'inside',
      user_id: tenants[3],
      actor_role: 'app_superadmin',
      rolled_back: false,
    });
    expect(
      await tenancy.asSuperadmin((tx) => Promise.all([tenancy.withTenant(contextOf(3), notes), notes(tx)]), {
        reason: 'around',
      }),
    ).toEqual([['of 3'], all]);
  });

  it('is logged even if it was rolled back: alone, nested, and with the outer transaction', async () => {
    const failing = async (tx: Transaction): Promise<void> => {
      await tx.query('delete from public.notes');
      throw new Error('mine');
    };
    await expect(tenancy.asSuperadmin(failing, { reason: 'failed alone' })).rejects.toThrow('mine');
    const seen = await tenancy.withTenant(contextOf(3), async (tx) => {
      await expect(tenancy.asSuperadmin(failing, { reason: 'failed inside' })).rejects.toThrow('mine');
      await expect(
        tenancy.withTenant(contextOf(2), async (inner) => {
          await tenancy.asSuperadmin(notes, { reason: 'went with its caller' });
          await failing(inner);
        }),
      ).rejects.toThrow('mine');
      return notes(tx);
    });
    expect(seen).toEqual(['of 3']);
    await expect(
      tenancy.withTenant(contextOf(4), async (tx) => {
        await tenancy.asSuperadmin(notes, { reason: 'went with all' });
        await failing(tx);
      }),
    ).rejects.toThrow('mine');
    expect((await uses()).filter(({ rolled_back: back }) => back).map(({ reason }) => reason)).toEqual([
      'failed alone',
      'failed inside',
      'went with its caller',
      'went with all',
    ]);
    expect(await tenancy.asSuperadmin(notes)).toEqual(all);
  });

  it('cannot bypass the log: the role alone sees nothing', async () => {
    const client = await pool.connect();
    await client.query('begin; set local role app_superadmin');
    expect((await client.query('select x from public.notes')).rows).toEqual([]);
    await client.query('rollback');
    client.release();
  });
});

// The behavior of a kit's own helper, to show that these tests detect it.
describe('approaches that do not work', () => {
  it('settings on one connection of the pool, the work on another: no rows', async () => {
    const client = await pool.connect();
    await client.query(
      "begin; set local role app_user; select set_config('app.current_org_id', $$" + tenants[1] + '$$, true)',
    );
    expect((await pool.query("select current_setting('app.current_org_id', true) as org")).rows).not.toEqual([
      { org: tenants[1] },
    ]);
    await client.query('rollback');
    client.release();
  });

  it('settings of the session: the next request has them', async () => {
    const own = new pg.Pool({ ...(pool.options as pg.PoolConfig), max: 1 });
    await own.query("select set_config('app.current_org_id', $1, false)", [tenants[1]]);
    await own.query('set role app_user');
    expect((await own.query('select x from public.notes')).rows).toEqual([{ x: 'of 1' }]);
    await own.end();
  });

  it('a cast without nullif: an error once the variable was set and is empty', async () => {
    const client = await pool.connect();
    await client.query("begin; select set_config('app.current_org_id', '', true); commit");
    await expect(client.query("select current_setting('app.current_org_id', true)::uuid")).rejects.toMatchObject({
      code: '22P02',
    });
    client.release();
  });

  it('a second connection for each call: as many calls as connections wait for each other', async () => {
    const own = new pg.Pool({ ...(pool.options as pg.PoolConfig), max: 3, connectionTimeoutMillis: 300 });
    const naive = async (): Promise<void> => {
      const client = await own.connect();
      try {
        await own.query('select 1');
      } finally {
        client.release();
      }
    };
    const ended = await Promise.allSettled([naive(), naive(), naive()]);
    expect(ended.map(({ status }) => status)).toContain('rejected');
    await own.end();
  });
});

/** A pooler in transaction mode: one connection from BEGIN to COMMIT or ROLLBACK, then any free one. */
function transactionPooler(servers: pg.Pool): ConnectionPool {
  return {
    async connect() {
      let pinned: pg.PoolClient | undefined;
      return {
        async query(text: string, values?: unknown[]) {
          pinned ??= await servers.connect();
          const answer = await pinned.query(text, values);
          if (['COMMIT', 'ROLLBACK'].includes(answer.command) && !/savepoint/.test(text)) {
            pinned.release();
            pinned = undefined;
          }
          return answer;
        },
        on: () => undefined,
        removeListener: () => undefined,
        release: () => pinned?.release(),
      };
    },
  };
}
