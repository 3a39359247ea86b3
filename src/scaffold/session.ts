import { MuseError } from '../shared/error.ts';
import type { SessionTenancy } from '../shared/muse-file.ts';

/** Default roles and variables, for kits that do not name their own. */
export const defaultSession: SessionTenancy = {
  role: 'app_user',
  superadminRole: 'app_superadmin',
  organization: 'app.current_org_id',
  user: 'app.current_user_id',
};

/** Roles that belong to the platform, or that bypass row-level security. */
const taken =
  /^(?:anon|authenticated|service_role|authenticator|postgres|public|none|dashboard_user|current_user|session_user|pg_.*|supabase_.*)$/;

const forms: readonly [key: keyof SessionTenancy, good: (value: string) => boolean, form: string][] = [
  ['role', isRole, 'a role that only the app uses: lower-case letters, digits and _, e.g. app_user'],
  ['superadminRole', isRole, 'a role that only the app uses: lower-case letters, digits and _, e.g. app_superadmin'],
  ['organization', isVariable, 'a variable with a dot in it, e.g. app.current_org_id'],
  ['user', isVariable, 'a variable with a dot in it, e.g. app.current_user_id'],
  ['superadmin', isVariable, 'a variable with a dot in it, e.g. app.is_superadmin'],
];

function isRole(name: string): boolean {
  return /^[a-z_][a-z0-9_]{0,62}$/.test(name) && !taken.test(name);
}

function isVariable(name: string): boolean {
  return /^[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}$/i.test(name);
}

/**
 * The roles and variables of `muse.json`, checked, since they go into SQL and TypeScript; what is missing is as in a
 * new muse.
 * @throws MuseError `bad-session` naming what is wrong
 */
export function checkedSession(given: Partial<SessionTenancy> = {}): SessionTenancy {
  const session: SessionTenancy = { ...defaultSession, ...given };
  for (const [key, good, form] of forms) {
    const value: unknown = session[key];
    if (value === undefined || (typeof value === 'string' && good(value))) continue;
    throw bad(`session.${key} in muse.json is ${JSON.stringify(value).slice(0, 80)}.`, `Write ${form}.`);
  }
  if (session.role === session.superadminRole)
    throw bad(
      'session.role and session.superadminRole in muse.json are the same.',
      'Give the superadmin a separate role, e.g. app_superadmin.',
    );
  const variables = [
    session.organization,
    session.user,
    ...(session.superadmin === undefined ? [] : [session.superadmin]),
  ];
  if (new Set(variables).size !== variables.length)
    throw bad('Two variables under session in muse.json have the same name.', 'Give each a different name.');
  return session;
}

function bad(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-session', message, suggestion });
}
