import type { Session } from '../../database/database.ts';
import { type ApiRole, apiRoles } from '../service.ts';

/** What a role's transactions start with. */
export interface RoleSettings {
  /** Settings by name, as `ALTER ROLE … SET` has them. */
  values: Readonly<Record<string, string>>;
  /** How long one statement may take, in ms; undefined for as long as it likes. */
  limitMs: number | undefined;
}

export type SettingsByRole = Readonly<Record<ApiRole, RoleSettings>>;

/**
 * Reads what `ALTER ROLE … SET` says about the API's roles. SET ROLE itself applies none of it, so the server does, as
 * PostgREST does. A role without a limit has that of `authenticator`, whose connection it is on Supabase.
 * https://docs.postgrest.org/en/v13/references/transactions.html#impersonated-role-settings
 */
export async function readRoleSettings(session: Session): Promise<SettingsByRole> {
  const { rows } = await session.query<{ role: string; name: string; value: string }>(
    `SELECT r.rolname AS role, c.name, c.value
     FROM pg_catalog.pg_db_role_setting s
     JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
     CROSS JOIN LATERAL (
       SELECT pg_catalog.split_part(entry, '=', 1) AS name,
         pg_catalog.substr(entry, pg_catalog.strpos(entry, '=') + 1) AS value
       FROM pg_catalog.unnest(s.setconfig) AS entry
     ) AS c
     LEFT JOIN pg_catalog.pg_settings g ON g.name = c.name
     WHERE r.rolname = ANY ($1) AND (g.context = 'user' OR g.name IS NULL)
       AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
     ORDER BY s.setdatabase`,
    [[...apiRoles, 'authenticator']],
  );
  const of = (role: string): Record<string, string> =>
    Object.fromEntries(rows.filter((row) => row.role === role).map(({ name, value }) => [name, value]));
  const { statement_timeout: shared } = of('authenticator');
  const settings = apiRoles.map((role): [ApiRole, RoleSettings] => {
    const values = { ...(shared === undefined ? {} : { statement_timeout: shared }), ...of(role) };
    return [role, { values, limitMs: milliseconds(values['statement_timeout']) }];
  });
  return Object.fromEntries(settings) as Record<ApiRole, RoleSettings>;
}

/** https://www.postgresql.org/docs/17/config-setting.html#CONFIG-SETTING-NAMES-VALUES */
const units: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A time as PostgreSQL writes it, e.g. `3s`, in ms; undefined for none and for 0, which means no limit. */
function milliseconds(text: string | undefined): number | undefined {
  const [, number, unit = 'ms'] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)?\s*$/.exec(text ?? '') ?? [];
  const value = Number(number) * (units[unit] ?? Number.NaN);
  return value > 0 ? value : undefined;
}
