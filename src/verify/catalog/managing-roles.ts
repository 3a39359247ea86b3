import { columnOf, constantOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Model } from './model.ts';
import { bodiesCalled } from './staff.ts';
import { valuedRoles } from './valued-roles.ts';

/** Names of roles whose members must not manage other members, whatever a policy says. */
const ordinary = /^(member|user|viewer|guest)$/;

const asking = new WeakMap<RelationRow, boolean>();

/** Says whether policies of the table, or the functions that they call, ask for the role of a member. */
export function asksRole(table: RelationRow, model: Model): boolean {
  const asks = asking.get(table) ?? readsRole(table, model);
  asking.set(table, asks);
  return asks;
}

function readsRole(table: RelationRow, model: Model): boolean {
  const { membership } = model.tenancy;
  if (membership?.role === undefined) return false;
  const own = table.policies
    .flatMap(({ using, check }) => [using, check])
    .flatMap((sql) => (sql === null ? [] : [model.parse(sql)]));
  let found = false;
  walk([own, bodiesCalled(own, model)], (type, node) => {
    found ||= type === 'ColumnRef' && columnOf({ ColumnRef: node })?.name === membership.role;
    return !found;
  });
  return found;
}

const known = new WeakMap<Model, ReadonlySet<string>>();

/**
 * Roles that may manage members: those that the write policies of the memberships, or the functions that they call,
 * compare a member's role with.
 */
export function managingRoles(model: Model): ReadonlySet<string> {
  const roles = known.get(model) ?? readRoles(model);
  known.set(model, roles);
  return roles;
}

function readRoles(model: Model): ReadonlySet<string> {
  const { membership } = model.tenancy;
  const found = new Set<string>();
  if (membership?.role === undefined) return found;
  if (membership.values !== undefined) return new Set([valuedRoles[0]]);
  const { table, role } = membership;
  const expressions = table.policies
    .filter(({ command }) => command !== 'r')
    .flatMap(({ using, check }) => [using, check])
    .filter((sql) => sql !== null)
    .map((sql) => model.parse(sql));
  const note = (node: unknown): void =>
    walk(node, (type, constant) => {
      if (type === 'A_Const') found.add(constantOf({ A_Const: constant }) ?? '');
    });
  const read = (tree: unknown, isPolicy: boolean): void =>
    walk(tree, (type, node) => {
      if (type === 'FuncCall' && isPolicy) note(node['args']);
      if (type !== 'A_Expr' || nameParts(node['name']).at(-1) !== '=') return;
      for (const [side, other] of [
        [node['lexpr'], node['rexpr']],
        [node['rexpr'], node['lexpr']],
      ]) {
        const column = columnOf(side);
        // The written row is not the writer's own membership.
        const isWritten = isPolicy && (column?.qualifier === undefined || column.qualifier === table.name);
        if (column?.name === role && !isWritten && fields(other, 'SubLink') === undefined) note(other);
      }
    });
  for (const tree of expressions) read(tree, true);
  for (const tree of bodiesCalled(expressions, model)) read(tree, false);
  return new Set([...found].filter((name) => !ordinary.test(name)));
}
