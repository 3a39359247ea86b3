import type { Session } from '../database/database.ts';
import { literal } from './ledger.ts';

/** The search path that Supabase gives the role which runs migrations. */
export const searchPath = '"$user", public, extensions';

/** How long statements may take or wait for a lock, in ms; undefined leaves the server's own setting. */
export interface TimeLimits {
  lockTimeoutMs?: number;
  statementTimeoutMs?: number;
}

/** The statements that set up a file's run. `local`: for this transaction only. */
export function setUp(limits: TimeLimits, local: boolean): string {
  const set = local ? 'set local' : 'set';
  const { lockTimeoutMs, statementTimeoutMs } = limits;
  return [
    `${set} search_path = ${searchPath};`,
    lockTimeoutMs === undefined ? '' : `${set} lock_timeout = ${Math.round(lockTimeoutMs)};`,
    statementTimeoutMs === undefined ? '' : `${set} statement_timeout = ${Math.round(statementTimeoutMs)};`,
  ].join(' ').trim();
}

/**
 * The script that brings a connection's user, role and settings back to what they are now. A migration may change them
 * with SET, and `RESET` alone would go past what this connection was given after it was opened.
 */
export async function restoreScript(session: Session): Promise<string> {
  const { rows } = await session.query<{ who: string; role: string; settings: Record<string, string> | null }>(
    `select session_user as who, current_setting('role') as role,
            (select jsonb_object_agg(name, current_setting(name)) from pg_catalog.pg_settings
              where source = 'session' and context in ('user', 'superuser') and name <> 'role') as settings`,
  );
  const { who, role, settings } = rows[0]!;
  return [
    `set session authorization ${literal(who)};`,
    role === 'none' ? 'reset role;' : `set role ${literal(role)};`,
    'reset all;',
    ...Object.entries(settings ?? {}).map(([name, value]) => `select pg_catalog.set_config(${literal(name)}, ${literal(value)}, false);`),
  ].join(' ');
}
