import type { Database, Session } from '../database/database.ts';
import { quoteLiteral } from '../shared/quote.ts';

/** The search path that Supabase gives the role that runs migrations. */
const searchPath = '"$user", public, extensions';

/** How long statements may take or wait for a lock, in ms; undefined leaves the server's own setting. */
export interface TimeLimits {
  lockTimeoutMs?: number;
  statementTimeoutMs?: number;
}

/** The statements that give a connection the settings files run with. `local`: for this transaction only. */
function setUp(limits: TimeLimits, local: boolean): string {
  const set = local ? 'set local' : 'set';
  const { lockTimeoutMs, statementTimeoutMs } = limits;
  return [
    `${set} search_path = ${searchPath};`,
    lockTimeoutMs === undefined ? '' : `${set} lock_timeout = ${Math.round(lockTimeoutMs)};`,
    statementTimeoutMs === undefined ? '' : `${set} statement_timeout = ${Math.round(statementTimeoutMs)};`,
  ]
    .join(' ')
    .trim();
}

/** How the settings of a run are made for its files and reset afterwards. */
export interface RunSettings {
  /** Once, before the first file. */
  begin: string;
  /** Before each file's text: over HTTPS each script may use another connection. */
  before: string;
  /** After a file that may have changed user, role or settings: restores what `begin` set. */
  reset: string;
  /** Once, after the last file: restores what the connection had. */
  end: string;
}

/**
 * The settings of a run on this connection.
 * @param lazyCommit lets a commit return before it is flushed to disk. A file and its history row are one transaction, so
 *   after a crash of the server both are there or neither, and the next run applies the rest.
 */
export async function runSettings(database: Database, limits: TimeLimits, lazyCommit: boolean): Promise<RunSettings> {
  const lazy = (set: string): string => (lazyCommit ? ` ${set} synchronous_commit = off;` : '');
  if (database.kind === 'https') {
    return {
      begin: '',
      before: `${setUp(limits, true)}${lazy('set local')} `,
      reset: 'reset role; reset all;',
      end: '',
    };
  }
  const end = await restoreScript(database);
  const begin = `${setUp(limits, false)}${lazy('set')}`;
  return { begin, before: '', reset: `${end} ${begin}`, end };
}

/** Words without which no SQL changes a setting, the role or the user; a word in a comment costs a little time. */
export function mayChangeSettings(sql: string): boolean {
  return /\b(?:set|reset|discard|set_config)\b/i.test(sql);
}

/**
 * The script that brings a connection's user, role and settings back to what they are now. A migration may change them
 * with SET, and `RESET` alone would drop what was set on this connection after it was opened.
 */
async function restoreScript(session: Session): Promise<string> {
  const { rows } = await session.query<{ who: string; role: string; settings: Record<string, string> | null }>(
    `select session_user as who, current_setting('role') as role,
            (select jsonb_object_agg(name, current_setting(name)) from pg_catalog.pg_settings
              where source = 'session' and context in ('user', 'superuser') and name <> 'role') as settings`,
  );
  const { who, role, settings } = rows[0]!;
  return [
    `set session authorization ${quoteLiteral(who)};`,
    role === 'none' ? 'reset role;' : `set role ${quoteLiteral(role)};`,
    'reset all;',
    ...Object.entries(settings ?? {}).map(
      ([name, value]) => `select pg_catalog.set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false);`,
    ),
  ].join(' ');
}
