import type { Catalog, Policy, PolicyCommand, Table } from '../../sql/catalog/model.ts';
import { allOf, fieldsOf, literalOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { Node } from '../../sql/nodes.ts';

/** What a policy's expression says about the current user. */
export interface Mentions {
  /** `auth.uid()`, `auth.jwt()` or another function that only makes sense for a signed-in user. */
  user: boolean;
  /** It compares the role with `service_role`. */
  service: boolean;
}

/** Roles that no user of the Data API has. */
const serverRoles = new Set([
  'service_role',
  'postgres',
  'supabase_admin',
  'supabase_auth_admin',
  'supabase_storage_admin',
  'dashboard_user',
]);

/** Analyzes a policy's expressions. */
export function mentionsOf(policy: Pick<Policy, 'using' | 'check'>): Mentions {
  const mentions: Mentions = { user: false, service: false };
  walk([policy.using, policy.check], (type, fields) => {
    if (type === 'FuncCall') {
      const name = stringsOf(fields['funcname']).join('.');
      if (/^auth\.(?:uid|jwt|email)$|current_setting$/.test(name)) mentions.user = true;
    }
    if (type === 'A_Const' && (fields['sval'] as { sval?: string } | undefined)?.sval === 'service_role')
      mentions.service = true;
  });
  return mentions;
}

/**
 * Returns whether a policy reads a setting of the app's own connection, directly or through a function: it is not meant
 * for users of the Data API.
 */
export function isForSessions(policy: Pick<Policy, 'using' | 'check'>, catalog: Catalog): boolean {
  let session = false;
  let api = false;
  const look = (trees: unknown, seen: ReadonlySet<string>): void =>
    walk(trees, (type, fields) => {
      if (type !== 'FuncCall') return;
      const name = stringsOf(fields['funcname']).join('.');
      const [argument] = (fields['args'] as Node[] | undefined) ?? [];
      if (name.startsWith('auth.')) api = true;
      if (/(?:^|\.)current_setting$/.test(name) && !(literalOf(argument) ?? 'request.').startsWith('request.'))
        session = true;
      if (seen.has(name)) return;
      const routines = catalog.routines.get(name) ?? catalog.routines.get(`public.${name}`) ?? [];
      for (const { body } of routines)
        look(
          body.map(({ type: kind, node }) => ({ [kind]: node })),
          new Set([...seen, name]),
        );
    });
  look([policy.using, policy.check], new Set());
  return session && !api;
}

/** `true`, `1 = 1` or `'t'::boolean`. */
export function isAlwaysTrue(expression: Node | undefined): boolean {
  const constant = fieldsOf(expression, 'A_Const');
  if (constant?.boolval !== undefined) return constant.boolval.boolval === true;
  const comparison = fieldsOf(expression, 'A_Expr');
  if (comparison === undefined) return /^(?:t|true)$/.test(literalOf(expression) ?? '');
  return stringsOf(comparison.name)[0] === '=' && sameConstant(comparison.lexpr, comparison.rexpr);
}

function sameConstant(left: Node | undefined, right: Node | undefined): boolean {
  const [a, b] = [left, right].map((side) => fieldsOf(side, 'A_Const'));
  return (
    a !== undefined &&
    b !== undefined &&
    JSON.stringify({ ...a, location: 0 }) === JSON.stringify({ ...b, location: 0 })
  );
}

/** The one column that policies of a table compare with the signed-in user, and with nothing else: `auth.uid() = id`. */
export function comparedWithUser({ policies }: Pick<Table, 'policies'>): string | undefined {
  const columns = new Set(
    [...policies.values()].flatMap(({ using, check }) =>
      [using, check].map(ownColumn).filter((one) => one !== undefined),
    ),
  );
  return columns.size === 1 ? [...columns][0] : undefined;
}

/** The column of a condition that is nothing but its comparison with `auth.uid()`. */
function ownColumn(condition: Node | undefined): string | undefined {
  const comparison = fieldsOf(condition, 'A_Expr');
  if (comparison?.kind !== 'AEXPR_OP' || stringsOf(comparison.name)[0] !== '=') return undefined;
  const [left, right] = [comparison.lexpr, comparison.rexpr];
  const column = isSignedIn(left) ? right : isSignedIn(right) ? left : undefined;
  return stringsOf(fieldsOf(column, 'ColumnRef')?.fields).at(-1);
}

/** `auth.uid()`, or a query for it. */
function isSignedIn(node: Node | undefined): boolean {
  const query = fieldsOf(fieldsOf(node, 'SubLink')?.subselect, 'SelectStmt');
  const [target] = query?.fromClause === undefined ? allOf(query?.targetList, 'ResTarget') : [];
  const called = query === undefined ? node : target?.val;
  return stringsOf(fieldsOf(called, 'FuncCall')?.funcname).join('.') === 'auth.uid';
}

/** Commands that a policy is for. */
export function commandsOf({ command }: Policy): Exclude<PolicyCommand, 'all'>[] {
  return command === 'all' ? ['select', 'insert', 'update', 'delete'] : [command];
}

/** Returns whether the policy can give rows to a request of the Data API without the service key. */
export function isForUsers(policy: Policy): boolean {
  return policy.roles.length === 0 || policy.roles.some((role) => !serverRoles.has(role));
}

/**
 * Roles of the Data API that a policy is meant for: those it names. If it names none, the server if its expression
 * requires that, otherwise signed-in users. Such a policy does not show whether anonymous visitors are meant too.
 */
export function meantRoles(policy: Policy): string[] {
  if (policy.roles.length > 0)
    return policy.roles.filter((role) => ['anon', 'authenticated', 'service_role'].includes(role));
  const { user, service } = mentionsOf(policy);
  return service && !user ? ['service_role'] : ['authenticated'];
}

/** Policies on tables of the migrations, on tables that no file creates, and on Supabase's storage. */
export function policiesOf(catalog: Catalog): Policy[] {
  return [...catalog.tables.values(), ...catalog.ghosts.values()].flatMap(({ policies }) => [...policies.values()]);
}

/** Returns whether a policy's name mentions only the service role. */
export function namesService(text: string): boolean {
  return /service[\s_-]*role|\bservice only\b|\bbackend\b|\bserver[\s_-]side\b/i.test(text);
}
