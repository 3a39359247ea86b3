/** Runs statements as a user, an anonymous visitor or the backend, in a transaction that is rolled back. */
import { expect } from 'vitest';
import { DatabaseError, type Database, type Session } from '../../src/database/database.ts';

/** A user by ID, an anonymous visitor, or the backend. */
export type Actor = { user: string } | 'anon' | 'service_role';

const rollback = Symbol('rollback');

/** Runs `work` in a transaction that is always rolled back. */
export async function inScratch(database: Database, work: (session: Session) => Promise<void>): Promise<void> {
  try {
    await database.transaction(async (session) => {
      await work(session);
      throw rollback;
    });
  } catch (error) {
    if (error !== rollback) throw error;
  }
}

/** Runs one statement as the actor, like a request of the Data API: with a local role and claims. */
export async function as<Row = Record<string, unknown>>(
  session: Session,
  actor: Actor,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  const role = typeof actor === 'string' ? actor : 'authenticated';
  const claims = typeof actor === 'string' ? { role } : { role, sub: actor.user };
  await session.query('savepoint act');
  try {
    await session.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)]);
    await session.query(`set local role ${role}`);
    const result = await session.query<Row>(sql, parameters);
    await session.query('reset role');
    await session.query("select set_config('request.jwt.claims', '', true)");
    await session.query('release savepoint act');
    return result.rows;
  } catch (error) {
    await session.query('rollback to savepoint act');
    throw error;
  }
}

/** Expects PostgreSQL to refuse the statement with 42501, and returns its message. */
export async function refused(
  session: Session,
  actor: Actor | 'owner',
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<string> {
  let refusal: unknown;
  await session.query('savepoint refusal');
  try {
    await (actor === 'owner' ? session.query(sql, parameters) : as(session, actor, sql, parameters));
  } catch (error) {
    refusal = error;
    await session.query('rollback to savepoint refusal');
  }
  if (!(refusal instanceof DatabaseError)) throw refusal ?? new Error(`not refused: ${sql}`);
  expect(refusal.code, refusal.message).toBe('42501');
  return refusal.message;
}

/** Signs up a user with Auth, which inserts into auth.users, and confirms the address. Returns the user's ID. */
export async function signUp(
  session: Session,
  name: string,
  metadata: unknown = { full_name: name },
): Promise<{ user: string }> {
  const { rows } = await session.query<{ id: string }>(
    'insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data) values (gen_random_uuid(), $1, now(), $2) returning id',
    [`${name}@example.com`, JSON.stringify(metadata)],
  );
  return { user: rows[0]!.id };
}

/** Creates an organization as the actor through the Data API. Returns its ID. */
export async function found(session: Session, actor: Actor, name: string): Promise<string> {
  const rows = await as<{ id: string }>(
    session,
    actor,
    'insert into public.organizations (name) values ($1) returning id',
    [name],
  );
  return rows[0]!.id;
}

/** Makes the actor a member, by invitation and acceptance or, for another owner, by the backend. */
export async function join(
  session: Session,
  member: { user: string },
  organization: string,
  role: string,
): Promise<void> {
  await as(
    session,
    'service_role',
    'insert into public.organization_members (organization_id, user_id, role) values ($1, $2, $3)',
    [organization, member.user, role],
  );
}
