import { columnOf, constantOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';
import { bodiesCalled } from './staff.ts';

/** Names of roles whose members must not manage other members, whatever a policy says. */
const ordinary = /^(member|user|viewer|guest)$/;

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
