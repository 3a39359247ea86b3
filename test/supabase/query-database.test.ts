import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { createHttp, type Http } from '../../src/supabase/http.ts';
import { openQueryDatabase } from '../../src/supabase/query-database.ts';
import { secret } from '../../src/supabase/secret.ts';
import { systemClock } from '../../src/supabase/clock.ts';
import { fastClock } from '../support/fast-clock.ts';
import { openFakeApi } from '../support/fake-api/open.ts';
import type { FakeApi } from '../support/fake-api/fake-api.ts';

const endpoint = 'POST /v1/projects/{ref}/database/query';
let fakeApi: FakeApi;
let http: Http;
let ref: string;
beforeAll(async () => {
  fakeApi = await openFakeApi();
  ref = fakeApi.addProject().ref;
  http = createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock: fastClock() });
});
afterAll(() => fakeApi.close());
beforeEach(() =>
  openQueryDatabase(http, ref).script(
    'drop table if exists public.notes; create table public.notes (id int primary key, body text)',
  ),
);

describe('a database over HTTPS', () => {
  it('runs statements with parameters, as postgres, which is not a superuser', async () => {
    const database = openQueryDatabase(http, ref);
    await database.query('insert into public.notes values ($1, $2)', [1, "it's; -- fine"]);
    const { rows } = await database.query(
      'select id, body, current_user as who, (select rolsuper from pg_roles where rolname = current_user) as super from public.notes',
    );
    expect(rows).toEqual([{ id: 1, body: "it's; -- fine", who: 'postgres', super: false }]);
  });

  it('runs a script in one request and one transaction', async () => {
    const database = openQueryDatabase(http, ref);
    const before = fakeApi.state.requests.length;
    const script = 'insert into public.notes values (1, null);\ninsert into public.notes values (1, null);';
    await expect(database.script(script)).rejects.toMatchObject({
      name: 'DatabaseError',
      code: '23505',
      constraint: undefined,
    });
    expect(fakeApi.state.requests.length - before).toBe(1);
    expect((await database.query('select * from public.notes')).rows).toEqual([]);
  });

  it('reports the position of an error in a script', async () => {
    const script = 'create table public.ok (id int);\ninsert into public.notes (id, nobody) values (1, 2);';
    const error: unknown = await openQueryDatabase(http, ref)
      .script(script)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: '42703', position: script.indexOf('nobody') + 1 });
  });

  it('has no open transactions', async () => {
    await expect(openQueryDatabase(http, ref).transaction(async () => 1)).rejects.toMatchObject({
      code: 'no-interactive-transaction',
    });
  });

  it.each([
    ['answer-lost' as const, 1],
    ['applied-502' as const, 1],
    ['reset' as const, 0],
    ['html-502' as const, 0],
  ])('reports after %s that the result is unknown, and sends nothing twice', async (fault, rows) => {
    const database = openQueryDatabase(http, ref);
    fakeApi.http.add(fault, endpoint);
    await expect(database.script('insert into public.notes values (7, null)')).rejects.toMatchObject({
      code: 'answer-lost',
    });
    expect((await database.query('select * from public.notes')).rows).toHaveLength(rows);
  });

  it('waits and retries if it is rejected', async () => {
    fakeApi.http.add('too-many-retry-after', endpoint, 2);
    await openQueryDatabase(http, ref).script('insert into public.notes values (7, null)');
    expect((await openQueryDatabase(http, ref).query('select * from public.notes')).rows).toHaveLength(1);
  });
});

describe('the run lock over HTTPS', () => {
  it('keeps a second run out, and names the holder', async () => {
    const [one, two] = [openQueryDatabase(http, ref), openQueryDatabase(http, ref)];
    await one.withRunLock(async () => {
      await expect(two.withRunLock(async () => 1, 3000)).rejects.toMatchObject({
        code: 'locked',
        message: expect.stringContaining(`pid ${process.pid}`),
      });
    });
    expect(await two.withRunLock(async () => 2)).toBe(2);
  });

  it('survives lost answers, and is free after work that failed', async () => {
    const database = openQueryDatabase(http, ref);
    fakeApi.http.add('answer-lost', endpoint, 2);
    await expect(database.withRunLock(() => Promise.reject(new Error('the work failed')))).rejects.toThrow(
      'the work failed',
    );
    expect(await database.withRunLock(async () => 3)).toBe(3);
  });

  it('is taken over if the holder died, and stops a holder that lost it', async () => {
    const real = createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock: systemClock });
    const slow = openQueryDatabase(real, ref, { leaseMs: 300 });
    const superuser = await fakeApi.databases.superuser(ref);
    const lost = slow.withRunLock(async () => {
      // Another run holds the lease, so it must not be renewed.
      await superuser.query("update muse.run_lease set holder = 'another', expires = now() + interval '1 second'");
      await systemClock.sleep(350);
      await slow.query('select 1');
    });
    await expect(lost).rejects.toMatchObject({ code: 'lock-lost' });
    expect(await slow.withRunLock(async () => 4, 5000)).toBe(4);
  });

  it('waits for the remaining work of a killed run', async () => {
    const superuser = await fakeApi.databases.superuser(ref);
    await superuser.query(
      "insert into muse.run_lease values (1, 'the dead', 'pid 1 on elsewhere', now() + interval '1 second')",
    );
    const real = createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock: systemClock });
    expect(await openQueryDatabase(real, ref).withRunLock(async () => 5)).toBe(5);
  });

  it('renews the lease while the work lasts', async () => {
    const real = createHttp({ baseUrl: fakeApi.url, token: secret(fakeApi.state.token), clock: systemClock });
    // Long enough that a busy machine renews it in time.
    const leaseMs = 1500;
    const [one, two] = [openQueryDatabase(real, ref, { leaseMs }), openQueryDatabase(real, ref, { leaseMs })];
    await one.withRunLock(async () => {
      await systemClock.sleep(leaseMs + 500);
      await expect(two.withRunLock(async () => 1, 0)).rejects.toMatchObject({ code: 'locked' });
      await one.query('select 1');
    });
  });

  it('respects a run over a PostgreSQL connection', async () => {
    const direct = await openPostgres({
      host: '127.0.0.1',
      port: await fakeApi.openDirect(ref),
      user: 'postgres',
      password: 'strangers-own',
      database: 'postgres',
    });
    await direct.withRunLock(async () => {
      await expect(openQueryDatabase(http, ref).withRunLock(async () => 1, 0)).rejects.toMatchObject({
        code: 'locked',
      });
    });
    expect(await openQueryDatabase(http, ref).withRunLock(async () => 1, 0)).toBe(1);
    await direct.close();
  });

  it('is accessible only to its owner', async () => {
    const superuser = await fakeApi.databases.superuser(ref);
    const { rows } = await superuser.query(
      `select r, has_schema_privilege(r, 'muse', 'usage') as usage from unnest(array['anon', 'authenticated', 'service_role']) r`,
    );
    expect(rows.filter((row: { usage: boolean }) => row.usage)).toEqual([]);
  });
});
