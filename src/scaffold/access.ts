import { quoteIdentifier, quoteLiteral } from '../shared/quote.ts';
import type { Isolation, SessionTenancy } from '../shared/muse-file.ts';
import type { Helper } from './core.ts';
import type { Grant, Policy } from './model.ts';
import type { TableScope } from './table.ts';

/** What policies depend on. */
export interface AccessContext {
  isolation: Isolation;
  /** With isolation `session`. */
  session: SessionTenancy;
  organizations: Helper;
  /** Whether core has the helper that takes roles too, so that a viewer only reads. */
  writers: boolean;
  /** Type of an organization's id, SQL. */
  organizationType: string;
}

/** The built-in core's roles but `viewer`. */
const writingRoles = "array['owner', 'admin', 'member']";

/** SQL for the value of a variable, NULL if it is not set: after a local SET it is empty, not NULL. */
export const settingSql = (name: string, type: string): string =>
  `nullif(current_setting(${quoteLiteral(name)}, true), '')::${type}`;

/** SQL for the id of the signed-in user; also usable as the default of a column. */
export function currentUser(context: AccessContext): string {
  return context.isolation === 'auth-uid' ? 'auth.uid()' : settingSql(context.session.user, 'uuid');
}

/** SQL for the organization that is set for this session, or undefined if a user acts in all of theirs at once. */
export function currentOrganization(context: AccessContext): string | undefined {
  return context.isolation === 'auth-uid'
    ? undefined
    : settingSql(context.session.organization, context.organizationType);
}

/**
 * SQL that says whether a column has the signed-in user or their organization. Each form is evaluated once per
 * query, not once per row, and can use an index on the column.
 * @param column SQL of the column
 * @param writing for policies that write: if core has roles, a viewer cannot
 */
export function isOwn(
  context: AccessContext,
  scopedBy: 'owner' | 'organization',
  column: string,
  writing = false,
): string {
  if (scopedBy === 'owner') return `(select ${currentUser(context)}) = ${column}`;
  const organization = currentOrganization(context);
  if (organization !== undefined) return `(select ${organization}) = ${column}`;
  const { schema, name } = context.organizations;
  const roles = writing && context.writers ? writingRoles : '';
  return `${column} = any ((select ${quoteIdentifier(schema)}.${quoteIdentifier(name)}(${roles}))::${context.organizationType}[])`;
}

/**
 * True in a transaction whose use of the superadmin's role is in the audit log; `tenancy.sql.hbs` makes the function.
 */
export const auditedUse = '(select private.superadmin_use_is_audited())';

/** Access of the superadmin: only with its own role, and only after the use was logged. */
function superadminAccess({ isolation, session }: AccessContext): { policies: Policy[]; grants: Grant[] } {
  if (isolation === 'auth-uid') return { policies: [], grants: [] };
  const roles = [session.superadminRole];
  return {
    policies: [{ name: 'superadmin_all', verb: 'ALL', roles, using: auditedUse, check: auditedUse, directive: null }],
    grants: [{ verbs: 'SELECT, INSERT, UPDATE, DELETE', roles }],
  };
}

/** The roles of signed-in users, and the one of anonymous visitors. */
function rolesOf(context: AccessContext): { users: string[]; everyone: string[] } {
  if (context.isolation === 'session') return { users: [context.session.role], everyone: [context.session.role] };
  return { users: ['authenticated'], everyone: ['anon', 'authenticated'] };
}

/** Who may do what with a row, as SQL. */
interface Own {
  read: string;
  write: string;
  open?: string | undefined;
  visitor?: { read: string; add: string } | undefined;
}

const either = (...conditions: (string | undefined)[]): string =>
  conditions.filter((condition) => condition !== undefined).join('\n    or ');

/**
 * The policies, one for each verb, and the grants that they need.
 * @param own SQL that says whether the user can read the row as its owner, and whether they can write it; `open`: whether
 * everyone can read it; `visitor`: whether they can read it as the visitor who added it, and add it; undefined if it has no
 * owner
 * @param references SQL conditions on the rows that a row references
 */
export function accessOf(
  context: AccessContext,
  scope: TableScope,
  own: Own | undefined,
  references: readonly string[],
): { policies: Policy[]; grants: Grant[]; revoke: string[] } {
  const { users, everyone } = rolesOf(context);
  const superadmin = superadminAccess(context);
  const service: Grant[] =
    context.isolation === 'auth-uid' ? [{ verbs: 'ALL', roles: ['service_role'] }] : superadmin.grants;
  const revoke = context.isolation === 'auth-uid' ? ['anon', 'authenticated', 'service_role'] : [];
  if (scope === 'service-only') return { policies: superadmin.policies, grants: service, revoke };
  const policies: Policy[] = [];
  const grants: Grant[] = [];
  const open = scope === 'public-read';
  const title = open ? 'public' : scope;
  if (open) {
    policies.push({
      name: 'public_select',
      verb: 'SELECT',
      roles: everyone,
      using: 'true',
      check: null,
      directive: 'muse: public-read',
    });
    const readers = own === undefined ? everyone : everyone.filter((role) => !users.includes(role));
    if (readers.length > 0) grants.push({ verbs: 'SELECT', roles: readers });
  } else if (own !== undefined) {
    const visitors = everyone.filter((role) => !users.includes(role));
    // One policy for each role: PostgreSQL evaluates all that apply.
    const isJoined = own.open !== undefined && visitors.length > 0;
    policies.push({
      name: `${title}_select`,
      verb: 'SELECT',
      roles: users,
      using: either(own.read, own.visitor?.read, isJoined ? own.open : undefined),
      check: null,
      directive: null,
    });
    if (own.open !== undefined) {
      policies.push({
        name: 'public_select',
        verb: 'SELECT',
        roles: isJoined ? visitors : users,
        using: own.open,
        check: null,
        directive: 'muse: public-read',
      });
      if (isJoined) grants.push({ verbs: 'SELECT', roles: visitors });
    }
  }
  if (own !== undefined) {
    const mine = own.write;
    const allowed = [mine, ...references].join('\n    and ');
    const writer = open ? 'own' : title;
    policies.push(
      {
        name: `${writer}_insert`,
        verb: 'INSERT',
        roles: users,
        using: null,
        check: either(allowed, own.visitor?.add),
        directive: null,
      },
      { name: `${writer}_update`, verb: 'UPDATE', roles: users, using: mine, check: allowed, directive: null },
      { name: `${writer}_delete`, verb: 'DELETE', roles: users, using: mine, check: null, directive: null },
    );
    grants.push({ verbs: 'SELECT, INSERT, UPDATE, DELETE', roles: users });
  }
  return { policies: [...policies, ...superadmin.policies], grants: [...grants, ...service], revoke };
}
