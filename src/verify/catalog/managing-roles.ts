import { columnOf, constantOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { asksForUser } from './claim-conditions.ts';
import type { Model } from './model.ts';
import { givenColumn } from './given-columns.ts';
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
  for (const one of rolesByHelper(table, role, model)) found.add(one);
  for (const tree of askedByCalls(table, model)) read(tree, false);
  for (const tree of bodiesCalled(expressions, model)) read(tree, false);
  return new Set([...found].filter((name) => !ordinary.test(name)));
}

/**
 * What write policies compare the role that a helper gives with, as in `my_role(team_id) in ('lead')`, where they also ask which role the
 * written row has: who may manage only some roles leaves the others alone.
 */
function rolesByHelper(table: RelationRow, role: string, model: Model): string[] {
  const isGiven = (node: unknown): boolean => givenColumn(node, table, model) === role;
  const isWritten = (node: unknown): boolean => columnOf(node)?.name === role;
  return table.policies
    .filter(({ command, permissive }) => command !== 'r' && permissive)
    .flatMap(({ command, using, check }) => {
      const sides = [...(command === 'a' ? [] : [using]), ...(command === 'd' ? [] : [check ?? using])];
      const trees = sides.map((sql) => (sql === null ? undefined : model.parse(sql)));
      if (!trees.every((tree) => comparedWith(tree, isWritten).length > 0)) return [];
      return trees.flatMap((tree) => comparedWith(tree, isGiven));
    });
}

/** What functions that users call, and that write memberships, ask of who calls: helpers that they call, and their own queries for it. */
function askedByCalls(table: RelationRow, { catalog, dependencies, sources, userRole }: Model): unknown[] {
  const writing = catalog.functions.filter(
    (routine) =>
      routine.definer &&
      routine.kind !== 't' &&
      routine.execute.includes(userRole) &&
      dependencies.writtenBy(routine).has(qualifiedName(table)),
  );
  return writing.flatMap((routine) => {
    const helpers = sources.reached(routine).filter((one) => one !== routine);
    const queries: unknown[] = [];
    walk(sources.body(routine).trees, (type, node) => {
      if (type === 'SelectStmt' && asksForUser([{ SelectStmt: node }])) queries.push({ SelectStmt: node });
    });
    return [...queries, ...helpers.map((one) => sources.body(one).trees)];
  });
}

/** The constants with which the tree compares what `isIt` says. */
function comparedWith(tree: unknown, isIt: (node: unknown) => boolean): string[] {
  const found: string[] = [];
  walk(tree, (type, node) => {
    if (type !== 'A_Expr') return;
    const sides = [node['lexpr'], node['rexpr']];
    sides.forEach((side, index) => {
      if (!isIt(side)) return;
      walk(sides[1 - index], (inner, constant) => {
        if (inner === 'A_Const') found.push(constantOf({ A_Const: constant }) ?? '');
      });
    });
  });
  return found;
}
