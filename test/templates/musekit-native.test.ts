/** The kit on a real server, where `postgres` is not a superuser and users act concurrently. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installPlatform } from '../../src/database/platform/install.ts';
import type { Database, Session } from '../../src/database/database.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { startNative, type Native } from '../support/native.ts';
import { as, found, join, signUp } from './actors.ts';
import { coreFiles, rollbackFiles, run, seedFile } from './kit.ts';

let native: Native;
let admin: Database;
let one: Database;
let other: Database;

beforeAll(async () => {
  native = await startNative({ superuser: 'supabase_admin' });
  const url = await native.createDatabase('kit');
  admin = await openPostgres({ url });
  await installPlatform(admin);
  await admin.query("alter role postgres password 'postgres'");
  const asPostgres = Object.assign(new URL(url), { username: 'postgres', password: 'postgres' }).href;
  one = await openPostgres({ url: asPostgres });
  other = await openPostgres({ url: asPostgres });
  for (let round = 0; round < 2; round += 1) await run(one, [...coreFiles, seedFile]);
});
afterAll(async () => {
  for (const database of [one, other, admin]) await database.close();
  await native.stop();
});

/** Waits until another connection waits for a lock, or until `done` has settled. */
async function untilItWaits(done: Promise<unknown>): Promise<void> {
  let settled = false;
  void done.finally(() => (settled = true)).catch(() => undefined);
  for (;;) {
    const { rows } = await admin.query(
      "select 1 from pg_catalog.pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    );
    if (rows.length > 0 || settled) return;
    await sleep(5);
  }
}

/** Runs the first and, before its COMMIT, the second on another connection. Returns the result of the second. */
async function overlapping(
  first: (session: Session) => Promise<unknown>,
  second: (session: Session) => Promise<unknown>,
): Promise<PromiseSettledResult<unknown>> {
  const { waiting } = await one.transaction(async (session) => {
    await first(session);
    const pending = other.transaction(second);
    await untilItWaits(pending);
    return { waiting: Promise.allSettled([pending]) };
  });
  return (await waiting)[0]!;
}

describe('on a server', () => {
  it("a sign-up by the Auth server's own role creates a profile", async () => {
    await admin.transaction(async (session) => {
      await session.query('set local role supabase_auth_admin');
      await session.query(
        "insert into auth.users (id, email) values ('11111111-1111-4111-8111-111111111111', 'auth@example.com')",
      );
      await session.query("update auth.users set email = 'moved@example.com' where email = 'auth@example.com'");
    });
    const { rows } = await one.query(
      "select email from public.profiles where id = '11111111-1111-4111-8111-111111111111'",
    );
    expect(rows).toEqual([{ email: 'moved@example.com' }]);
  });

  it('two owners who leave at the same moment leave one behind', async () => {
    const { ada, ben, organization } = await one.transaction(async (session) => {
      const [ada, ben] = [await signUp(session, 'race-ada'), await signUp(session, 'race-ben')];
      const organization = await found(session, ada, 'Race');
      await join(session, ben, organization, 'owner');
      return { ada, ben, organization };
    });
    const leave = (actor: { user: string }) => (session: Session) =>
      as(session, actor, 'delete from public.organization_members where user_id = $1 returning id', [actor.user]);
    expect(await overlapping(leave(ada), leave(ben))).toMatchObject({ status: 'rejected', reason: { code: '42501' } });
    const { rows } = await one.query('select user_id from public.organization_members where organization_id = $1', [
      organization,
    ]);
    expect(rows).toEqual([{ user_id: ben.user }]);
  });

  it('an invitation is used once, even by two concurrent requests', async () => {
    const { ben, token } = await one.transaction(async (session) => {
      const [ada, ben] = [await signUp(session, 'invite-ada'), await signUp(session, 'invite-ben')];
      const organization = await found(session, ada, 'Invite');
      const rows = await as<{ token: string }>(
        session,
        ada,
        "select * from public.create_invitation($1, 'invite-ben@example.com')",
        [organization],
      );
      return { ben, token: rows[0]!.token };
    });
    const accept = (session: Session) => as(session, ben, 'select public.accept_invitation($1)', [token]);
    expect(await overlapping(accept, accept)).toMatchObject({
      status: 'rejected',
      reason: { code: '42501', message: expect.stringContaining('has been used') },
    });
  });

  it('concurrent usage is counted completely', async () => {
    const { rows } = await one.query<{ id: string }>("select id from public.organizations where slug = 'acme'");
    const count = async (database: Database): Promise<void> => {
      for (let call = 0; call < 10; call += 1)
        await database.query("select public.record_usage($1, 'calls')", [rows[0]!.id]);
    };
    await Promise.all([count(one), count(other)]);
    const counted = await one.query('select quantity::int as quantity from public.usage_metrics');
    expect(counted.rows).toEqual([{ quantity: 20 }]);
  });

  it('the rollbacks leave nothing behind and keep the users', async () => {
    await run(one, rollbackFiles.toReversed());
    const { rows } = await one.query(`
      select (select count(*)::int from pg_catalog.pg_class where relnamespace = 'public'::regnamespace) as relations,
        (select count(*)::int from pg_catalog.pg_proc where pronamespace = 'public'::regnamespace) as functions,
        to_regnamespace('private') as private,
        (select count(*)::int from pg_catalog.pg_trigger where tgrelid = 'auth.users'::regclass and not tgisinternal) as triggers,
        (select count(*)::int from auth.users) > 3 as users`);
    expect(rows).toEqual([{ relations: 0, functions: 0, private: null, triggers: 0, users: true }]);
    await run(one, coreFiles);
    const profiles = await one.query(
      'select count(*) = (select count(*) from auth.users) as complete from public.profiles',
    );
    expect(profiles.rows).toEqual([{ complete: true }]);
  });
});
