/** The audit: every change of the registry, append-only. Each row carries the hash of the one before it. */
import { createHash } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { DatabaseError, type Session } from '../../database/database.ts';
import { MuseError } from '../../shared/error.ts';
import { packageVersion } from '../../shared/version.ts';

/** What happened to what. Holds no secret. */
export interface AuditEntry {
  /** A verb, e.g. `add`, or the kind of a run. */
  action: string;
  /** The name of the muse that it is about. */
  muse?: string;
  run?: number;
  before?: unknown;
  after?: unknown;
}

/** One row of the audit. */
export interface AuditRow {
  number: number;
  /** By the registry's clock, ISO 8601. */
  at: string;
  who: string;
  host: string;
  tool: string;
  action: string;
  muse?: string;
  run?: number;
  before?: unknown;
  after?: unknown;
}

interface StoredRow {
  number: string;
  at: string;
  who: string;
  host: string;
  tool: string;
  action: string;
  muse: string | null;
  run: string | null;
  before: unknown;
  after: unknown;
  previous: string;
  hash: string;
}

/** The user of this process, for the audit and for runs. */
export function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list, as in some containers.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Adds a row, in the transaction of the change that it records. */
export async function appendAudit(session: Session, entry: AuditEntry): Promise<void> {
  const { rows } = await session.query<{ number: string; hash: string; at: string }>(
    `select number, hash,
            to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at
       from portfolio.audit_head for update`,
  );
  const head = rows[0]!;
  const row: Omit<StoredRow, 'hash'> = {
    number: String(Number(head.number) + 1),
    at: head.at,
    who: currentUser(),
    host: hostname(),
    tool: packageVersion(),
    action: entry.action,
    muse: entry.muse ?? null,
    run: entry.run === undefined ? null : String(entry.run),
    before: entry.before ?? null,
    after: entry.after ?? null,
    previous: head.hash,
  };
  const hash = hashOf(row);
  await session.query(
    `insert into portfolio.audit (number, at, who, host, tool, action, muse, run, before, after, previous, hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      row.number,
      row.at,
      row.who,
      row.host,
      row.tool,
      row.action,
      row.muse,
      row.run,
      json(row.before),
      json(row.after),
      row.previous,
      hash,
    ],
  );
  await session.query('update portfolio.audit_head set number = $1, hash = $2', [row.number, hash]);
}

/** JSON for a parameter: a bare string or list would be read as something else. */
const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

/** What a row is hashed by: every column but the hash, objects with their keys in order, as `jsonb` keeps none. */
function hashOf(row: Omit<StoredRow, 'hash'>): string {
  const { number, at, who, host, tool, action, muse, run, before, after, previous } = row;
  const text = JSON.stringify(ordered([number, at, who, host, tool, action, muse, run, before, after, previous]));
  return createHash('sha256').update(text).digest('hex');
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => [key, ordered(item)]),
  );
}

/** What the audit says, and whether it can be trusted. */
export interface AuditReport {
  rows: AuditRow[];
  /** The first row that is not as it was written, and why; undefined where the chain is whole. */
  broken?: { number: number; why: string };
}

/** How many rows are checked at a time. */
const page = 2000;

/**
 * Checks the whole chain, and returns the rows that are asked for.
 * @param filter `since` is a time that PostgreSQL reads
 */
export async function readAudit(
  session: Session,
  filter: { muse?: string | undefined; since?: string | undefined } = {},
): Promise<AuditReport> {
  const report: AuditReport = { rows: [] };
  const since = filter.since === undefined ? '' : await timeOf(session, filter.since);
  let previous = '';
  let number = 0;
  const breaks = (at: number, why: string): void => {
    report.broken ??= { number: at, why };
  };
  for (;;) {
    const { rows } = await session.query<StoredRow>(
      `select number, at, who, host, tool, action, muse, run, before, after, previous, hash
         from portfolio.audit where number > $1 order by number limit ${page}`,
      [number],
    );
    for (const row of rows) {
      const found = Number(row.number);
      if (found !== number + 1) breaks(number + 1, `row ${number + 1} is missing`);
      else if (row.previous !== previous) breaks(found, `row ${found} does not follow row ${number}`);
      else if (row.hash !== hashOf(row)) breaks(found, `row ${found} was changed`);
      number = found;
      previous = row.hash;
      if ((filter.muse === undefined || filter.muse === row.muse) && row.at >= since) report.rows.push(shown(row));
    }
    if (rows.length < page) break;
  }
  const { rows: heads } = await session.query<{ number: string; hash: string }>(
    'select number, hash from portfolio.audit_head',
  );
  const head = heads[0];
  if (head === undefined || Number(head.number) !== number || head.hash !== previous)
    breaks(number + 1, `the rows after row ${number} are missing`);
  return report;
}

/** @throws MuseError `bad-flag` for what PostgreSQL does not read as a time */
async function timeOf(session: Session, text: string): Promise<string> {
  try {
    const { rows } = await session.query<{ since: string }>(
      `select to_char($1::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as since`,
      [text],
    );
    return rows[0]!.since;
  } catch (error) {
    if (!(error instanceof DatabaseError) || !error.code.startsWith('22')) throw error;
    throw new MuseError({
      code: 'bad-flag',
      message: `--since takes a date or a time, not "${text}".`,
      suggestion: 'For example: --since 2026-11-01, --since yesterday',
      cause: error,
    });
  }
}

function shown({ number, at, who, host, tool, action, muse, run, before, after }: StoredRow): AuditRow {
  return {
    number: Number(number),
    at,
    who,
    host,
    tool,
    action,
    ...(muse === null ? {} : { muse }),
    ...(run === null ? {} : { run: Number(run) }),
    ...(before === null ? {} : { before }),
    ...(after === null ? {} : { after }),
  };
}
