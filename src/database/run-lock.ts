import { setTimeout as sleep } from 'node:timers/promises';
import { MuseError } from '../shared/error.ts';
import type { Session } from './database.ts';

/** Key of the advisory lock, `muse` in ASCII and 1: it shows in pg_locks as classid and objid. */
const key = '1836413797, 1';
const pollMs = 200;
const defaultWaitMs = 10_000;

const holderQuery = `
  SELECT a.pid, a.application_name AS application, a.client_addr::text AS address, a.backend_start::text AS since
  FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)
  WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1836413797 AND l.objid = 1 AND l.objsubid = 2
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`;

interface Holder {
  pid: number | null;
  application: string | null;
  address: string | null;
  since: string | null;
}

/** Makes `withRunLock` of a database from its session. The lock belongs to the connection and dies with it. */
export function createRunLock(session: Session): <T>(work: () => Promise<T>, waitMs?: number) => Promise<T> {
  // PostgreSQL gives a session the same lock twice, so runs on one connection are told apart here.
  let held = false;

  async function tryLock(): Promise<boolean> {
    if (held) return false;
    held = true;
    try {
      const { rows } = await session.query<{ locked: boolean }>(
        `SELECT pg_catalog.pg_try_advisory_lock(${key}) AS locked`,
      );
      held = rows[0]?.locked ?? false;
    } catch (error) {
      held = false;
      throw error;
    }
    return held;
  }

  return async (work, waitMs = defaultWaitMs) => {
    const until = Date.now() + waitMs;
    while (!(await tryLock())) {
      if (Date.now() >= until) throw await lockedError(session, waitMs);
      await sleep(Math.min(pollMs, Math.max(1, until - Date.now())));
    }
    try {
      return await work();
    } finally {
      // Where the connection is gone the lock is gone with it; what `work` threw says more than that.
      await session.query(`SELECT pg_catalog.pg_advisory_unlock(${key})`).catch(() => undefined);
      held = false;
    }
  };
}

async function lockedError(session: Session, waitMs: number): Promise<MuseError> {
  const { rows } = await session.query<Holder>(holderQuery).catch(() => ({ rows: [] as Holder[] }));
  const holder = rows[0];
  const parts = holder && [
    `backend ${holder.pid ?? 'unknown'}`,
    holder.application ? `application "${holder.application}"` : undefined,
    holder.address ? `from ${holder.address}` : undefined,
    holder.since ? `connected since ${holder.since}` : undefined,
  ].filter((part) => part !== undefined);
  return new MuseError({
    code: 'locked',
    message: `Another run holds the lock on this database; gave up after ${waitMs} ms.`,
    ...(parts ? { detail: `Held by ${parts.join(', ')}.` } : {}),
    suggestion: holder?.pid
      ? `Wait until it ends, or end it with: SELECT pg_terminate_backend(${holder.pid});`
      : 'Wait until the other run ends, then run this again.',
  });
}
