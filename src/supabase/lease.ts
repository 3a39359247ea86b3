import { DatabaseError, type Session } from '../database/database.ts';
import { runLockHolder } from '../database/run-lock.ts';
import { MuseError } from '../shared/error.ts';
import { jittered, type Clock } from './clock.ts';

interface LeaseOptions {
  /** Sends one request and returns its rows. */
  run: (sql: string, parameters?: readonly unknown[]) => Promise<unknown>;
  clock: Clock;
  /** Unique for this run: taking the lease twice in one name is harmless, so a lost answer is. */
  holder: string;
  /** Who holds it, for messages. */
  note: string;
  leaseMs: number;
  waitMs: number;
}

interface Lease {
  /** @throws MuseError `lock-lost` if the lease may have run out */
  check: () => void;
  release: () => Promise<void>;
}

/** One row, one lock. Only the owner can access the table: no grants, and row-level security without a policy. */
const createTable = `
create schema if not exists muse;
create table if not exists muse.run_lease (
  id integer primary key check (id = 1),
  holder text not null,
  note text not null,
  expires timestamptz not null
);
alter table muse.run_lease enable row level security;
revoke all on muse.run_lease from public;
`;

/** Takes the row if it is free, expired, or already ours; the clock of the database decides. */
const take = `
insert into muse.run_lease as held (id, holder, note, expires)
values (1, $1, $2, now() + make_interval(secs => $3::double precision))
on conflict (id) do update
  set holder = excluded.holder, note = excluded.note, expires = excluded.expires
  where held.holder = excluded.holder or held.expires < now()
returning holder`;

/** A run over a PostgreSQL connection holds the advisory lock instead. */
const advisory = runLockHolder("a.application_name || ', backend ' || l.pid as note");

const look = 'select note, expires::text as expires from muse.run_lease where expires > now()';

const renew = `
update muse.run_lease set expires = now() + make_interval(secs => $2::double precision)
where id = 1 and holder = $1 returning holder`;

/**
 * Holds the run's lease and renews it until it is released. Where a process dies, the lease runs out by itself.
 * @throws MuseError `locked` if another run holds it after `waitMs`
 */
export async function holdLease(options: LeaseOptions): Promise<Lease> {
  const { run, clock, holder, note, leaseMs, waitMs } = options;
  const seconds = leaseMs / 1000;
  const until = clock.now() + waitMs;
  // What cannot be released runs out.
  const release = (): Promise<unknown> =>
    run('delete from muse.run_lease where id = 1 and holder = $1', [holder]).catch(() => undefined);
  await repeated(() => run(createTable), clock);
  let heldUntil = 0;
  for (;;) {
    heldUntil = clock.now() + leaseMs;
    const taken = hasRow(await repeated(() => run(take, [holder, note, seconds]), clock));
    // Looked at only now that the lease is ours: a run by a connection looks at the lease once it has its own lock.
    const other = await repeated(() => run(taken ? advisory : look), clock);
    if (taken && !hasRow(other)) break;
    if (taken) await release();
    if (clock.now() >= until) throw locked(other);
    await clock.sleep(jittered(clock, 2000));
  }

  const prolong = async (): Promise<void> => {
    const asked = clock.now();
    // If one fails, the next may succeed; `check` notices if none does in time.
    const rows = await run(renew, [holder, seconds]).catch(() => undefined);
    if (rows !== undefined) heldUntil = hasRow(rows) ? asked + leaseMs : 0;
  };
  let renewing = Promise.resolve();
  const timer = setInterval(() => {
    renewing = prolong();
  }, leaseMs / 3);
  timer.unref();
  return {
    check: () => {
      if (clock.now() >= heldUntil) throw lockLost();
    },
    release: async () => {
      clearInterval(timer);
      await renewing;
      await release();
    },
  };
}

/** Codes of two runs that create the same schema or table at the same moment. */
const collisions = ['23505', '42P06', '42P07', 'XX000'];

/** The statements are idempotent, so they are sent again after a lost answer or a collision. */
async function repeated(work: () => Promise<unknown>, clock: Clock): Promise<unknown> {
  for (let number = 1; ; number += 1) {
    try {
      return await work();
    } catch (error) {
      const passing =
        error instanceof DatabaseError
          ? collisions.includes(error.code)
          : error instanceof MuseError && error.code === 'answer-lost';
      if (number >= 4 || !passing) throw error;
      await clock.sleep(jittered(clock, 1000 * 2 ** number));
    }
  }
}

/**
 * For a run by a PostgreSQL connection that has its own lock: is a run over HTTPS at work?
 * @throws MuseError `locked`
 */
export async function refuseLease(session: Session): Promise<void> {
  try {
    const { rows } = await session.query(look);
    if (rows.length > 0) throw locked(rows);
  } catch (error) {
    // Nobody has ever run over HTTPS here, or this role is not the owner of what such a run left.
    if (!(error instanceof DatabaseError && ['42P01', '3F000', '42501'].includes(error.code))) throw error;
  }
}

function hasRow(rows: unknown): boolean {
  return Array.isArray(rows) && rows.length > 0;
}

function locked(rows: unknown): MuseError {
  const row = Array.isArray(rows) ? (rows[0] as { note?: string; expires?: string } | undefined) : undefined;
  return new MuseError({
    code: 'locked',
    message: `Another run is using this database${row?.note ? ` (${row.note})` : ''}.`,
    suggestion: `Wait until it is done. If it was killed, its lock expires${row?.expires ? ` at ${row.expires}` : ''}.`,
  });
}

function lockLost(): MuseError {
  return new MuseError({
    code: 'lock-lost',
    message: 'The lock of this run could not be renewed in time, so another run may have started.',
    suggestion: 'Check the network; the next run takes the lock again and reads the migration history first.',
  });
}
