import { MuseError } from '../shared/error.ts';
import type { SessionTenancy } from '../shared/muse-file.ts';

/** Roles and variables as a muse has them unless its kit says otherwise. */
export const defaultSession: SessionTenancy = {
  role: 'app_user',
  superadminRole: 'app_superadmin',
  organization: 'app.current_org_id',
  user: 'app.current_user_id',
};

/** Roles that belong to the platform, or that bypass row-level security. */
const taken = /^(?:anon|authenticated|service_role|authenticator|postgres|public|none|dashboard_user|current_user|session_user|pg_.*|supabase_.*)$/;

const forms: readonly [key: keyof SessionTenancy, good: (value: string) => boolean, form: string][] = [
  ['role', isRole, 'a role of the app alone: lower case letters, digits and _, as app_user'],
  ['superadminRole', isRole, 'a role of the app alone: lower case letters, digits and _, as app_superadmin'],
  ['organization', isVariable, 'a variable with a dot in it, as app.current_org_id'],
  ['user', isVariable, 'a variable with a dot in it, as app.current_user_id'],
  ['superadmin', isVariable, 'a variable with a dot in it, as app.is_superadmin'],
];

function isRole(name: string): boolean {
  return /^[a-z_][a-z0-9_]{0,62}$/.test(name) && !taken.test(name);
}

function isVariable(name: string): boolean {
  return /^[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}$/i.test(name);
}

/**
 * The roles and variables of `muse.json`, checked, since they go into SQL and TypeScript; what is left out is as in a
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
  if (session.role === session.superadminRole) throw bad('session.role and session.superadminRole in muse.json are the same.', 'Give the superadmin a role of its own, as app_superadmin.');
  const variables = [session.organization, session.user, ...(session.superadmin === undefined ? [] : [session.superadmin])];
  if (new Set(variables).size !== variables.length) throw bad('Two variables of session in muse.json have the same name.', 'Give each a name of its own.');
  return session;
}

function bad(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-session', message, suggestion });
}
