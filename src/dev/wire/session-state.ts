import type { WorkerWire } from '../../database/embedded/worker-wire.ts';

/** Settings by name, and the role under `role`. */
export type Settings = Map<string, string>;

/** What PostgreSQL reports to each client, at the start and when it changes. */
const reported = [
  'server_version',
  'server_encoding',
  'client_encoding',
  'application_name',
  'default_transaction_read_only',
  'in_hot_standby',
  'is_superuser',
  'session_authorization',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
  'scram_iterations',
];

const timeoutName = 'statement_timeout';

/** The values that clients are told, and the client's `statement_timeout` in ms, where it has set one. */
export async function readReported(wire: WorkerWire): Promise<{ values: Settings; timeout: string | undefined }> {
  const list = [...reported, timeoutName].map((name) => `('${name}')`).join(', ');
  // Of a session without a postmaster, PostgreSQL does not know the first two.
  const values = await pairs(
    wire,
    `SELECT n, CASE n
         WHEN 'is_superuser' THEN 'off'
         WHEN 'session_authorization' THEN session_user
         WHEN '${timeoutName}' THEN (SELECT setting FROM pg_catalog.pg_settings WHERE name = n AND source = 'session')
         ELSE pg_catalog.current_setting(n, true)
       END
       FROM (VALUES ${list}) AS list (n)`,
    [],
  );
  const timeout = values.get(timeoutName);
  values.delete(timeoutName);
  return { values, timeout };
}

/**
 * What a client has set in the session.
 * @param custom names of settings that only an application knows; PostgreSQL does not list those
 */
export function readSettings(wire: WorkerWire, custom: Iterable<string>): Promise<Settings> {
  return pairs(
    wire,
    `SELECT name, setting FROM pg_catalog.pg_settings
      WHERE source = 'session' AND context <> 'internal'
        AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable')
     UNION ALL
     SELECT n, pg_catalog.current_setting(n, true) FROM pg_catalog.jsonb_array_elements_text($1::jsonb) AS list (n)
     UNION ALL
     SELECT 'role', pg_catalog.current_setting('role')`,
    [JSON.stringify([...custom])],
  );
}

/** Sets what {@link readSettings} read, the role last: it may be one that is not allowed to set the others. */
export async function applySettings(wire: WorkerWire, settings: Settings): Promise<void> {
  const role = settings.get('role');
  const others = [...settings].filter(([name]) => name !== 'role');
  const all = role === undefined || role === 'none' ? others : [...others, ['role', role]];
  if (all.length === 0) return;
  await wire.query(
    `SELECT pg_catalog.set_config(pair ->> 0, pair ->> 1, false)
       FROM pg_catalog.jsonb_array_elements($1::jsonb) WITH ORDINALITY AS list (pair, place) ORDER BY place`,
    [JSON.stringify(all)],
  );
}

async function pairs(wire: WorkerWire, sql: string, parameters: string[]): Promise<Settings> {
  const { rows } = await wire.query(sql, parameters);
  return new Map(
    rows.flatMap(([name, value]) => (name && value !== null && value !== undefined ? [[name, value]] : [])),
  );
}
