import { setTimeout as sleep } from 'node:timers/promises';
import { MuseError } from '../shared/error.ts';
import type { Session } from './database.ts';

/** Key of the advisory lock that every run holds: `muse` in ASCII, and 1. pg_locks shows it as classid and objid. */
const key = { classid: 1_836_413_797, objid: 1 };

/**
 * SQL for the session that holds the run lock on the current database: no row, or one of pg_locks as `l` with its
 * pg_stat_activity as `a`. Every other mechanism that serializes runs queries this too.
 * @param columns the select list
 */
export function runLockHolder(columns: string): string {
  return `
    SELECT ${columns}
    FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = ${key.classid} AND l.objid = ${key.objid} AND l.objsubid = 2
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`;
}

const pollMs = 200;
const defaultWaitMs = 10_000;

interface Holder {
  pid: number | null;
  application: string | null;
  address: string | null;
  since: string | null;
}

/** Implements `withRunLock` on a session. The lock belongs to the connection and ends with it. */
export function createRunLock(session: Session): <T>(work: () => Promise<T>, waitMs?: number) => Promise<T> {
  // PostgreSQL lets a session take the same lock twice, so runs on one connection are serialized here.
  let held = false;

  async function tryLock(): Promise<boolean> {
    if (held) return false;
    held = true;
    try {
      const { rows } = await session.query<{ locked: boolean }>(
        `SELECT pg_catalog.pg_try_advisory_lock(${key.classid}, ${key.objid}) AS locked`,
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
      // If the connection is lost, so is the lock, and the error that `work` threw says more.
      await session.query(`SELECT pg_catalog.pg_advisory_unlock(${key.classid}, ${key.objid})`).catch(() => undefined);
      held = false;
    }
  };
}

const holderQuery = runLockHolder(
  'a.pid, a.application_name AS application, a.client_addr::text AS address, a.backend_start::text AS since',
);

async function lockedError(session: Session, waitMs: number): Promise<MuseError> {
  const { rows } = await session.query<Holder>(holderQuery).catch(() => ({ rows: [] as Holder[] }));
  const holder = rows[0];
  const parts =
    holder &&
    [
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
