/** Rows that a user adds for another under its own name: messages, and requests to join. */
import { type PolicyRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, nameParts } from '../../rules/engine/live/expression.ts';
import { isWhoAsks, type Model } from './model.ts';
import { columnsIn, policiesFor, type Scope } from './scope.ts';
import { stripped } from './verb-policies.ts';

/**
 * The columns that say who has added a row, where every policy to add one holds one of them to who asks, so that its owner sees
 * from whom it is; empty for other tables. What is an organization's counts only where it is a member's that waits, or where who has
 * added it reads it: a request, not one more row among those of the members.
 */
export function senderColumns(table: RelationRow, scope: Scope, model: Model): string[] {
  const adding = policiesFor(table, 'I', model);
  const isNever = !table.rls || scope.owner === undefined || scope.parent !== undefined || adding.length === 0;
  // Who adds itself to the members is one, unless the row is held to a state that is not that of a member: what it opens is followed.
  const isOfMembers = table === model.tenancy.membership?.table;
  if (isNever || (isOfMembers && !adding.every((policy) => holdsState(policy, table, model)))) return [];
  const held = adding.map((policy) => heldColumns(policy, table, model));
  const isOther = (name: string): boolean =>
    !scope.columns.includes(name) &&
    table.columns.some((column) => column.name === name && model.meaningOf(table, column) === 'user');
  if (!held.every((columns) => columns.some(isOther))) return [];
  const senders = [...new Set(held.flat())].filter(isOther);
  // Who waits to become a member may see nothing yet, not even that.
  const isRead = isOfMembers || partyColumns(table, model).some((name) => senders.includes(name));
  return scope.owner === 'user' || isRead ? senders : [];
}

/**
 * The column of a second organization in a row, that of who adds it: every policy to add one asks for its members, and they read it, as
 * where an organization takes another for the one above it.
 */
export function sendersOrganization(table: RelationRow, scope: Scope, model: Model): string | undefined {
  const adding = model
    .policyFacts(table)
    .filter(({ policy }) => policy.permissive && (policy.command === 'a' || policy.command === '*'));
  const reading = policiesFor(table, 'S', model);
  if (!table.rls || scope.owner !== 'organization' || scope.parent !== undefined || adding.length === 0)
    return undefined;
  const isHeld = (name: string): boolean =>
    adding.every(
      ({ policy, membership }) => membership && columnsIn(policy.check ?? policy.using, table, model).has(name),
    ) && reading.some(({ using }) => columnsIn(using, table, model).has(name));
  return table.columns.find(
    (column) =>
      !scope.columns.includes(column.name) && model.meaningOf(table, column) === 'organization' && isHeld(column.name),
  )?.name;
}

/** The columns of users who each read a row for being in it, as both do in a chat of two. */
export function partyColumns(table: RelationRow, model: Model): string[] {
  const found = policiesFor(table, 'S', model).flatMap(({ using }) =>
    parts(using === null ? undefined : model.parse(using), 'OR_EXPR').flatMap((one) =>
      comparedAlone(one, table, model),
    ),
  );
  return table.columns
    .filter((column) => found.includes(column.name) && model.meaningOf(table, column) === 'user')
    .map(({ name }) => name);
}

/** Columns that the new row must have the caller in, whatever else it asks. */
function heldColumns({ check, using }: PolicyRow, table: RelationRow, model: Model): string[] {
  const sql = check ?? using;
  return parts(sql === null ? undefined : model.parse(sql), 'AND_EXPR').flatMap((part) =>
    comparedTo(part, table, model),
  );
}

/** The new row must have a constant in a column that is no key, where something asks for another one. */
function holdsState({ check, using }: PolicyRow, table: RelationRow, model: Model): boolean {
  const sql = check ?? using;
  const { named } = model.dependencies.decidingColumns(qualifiedName(table));
  return parts(sql === null ? undefined : model.parse(sql), 'AND_EXPR').some((part) => {
    const test = fields(part, 'A_Expr');
    if (test?.['kind'] !== 'AEXPR_OP' || nameParts(test['name']).at(-1) !== '=') return false;
    return [
      [test['lexpr'], test['rexpr']],
      [test['rexpr'], test['lexpr']],
    ].some(([side, other]) => {
      const column = table.columns.find(({ name }) => name === ownColumn(side, table));
      const held = constantOf(other);
      if (column === undefined || held === undefined || model.meaningOf(table, column) !== undefined) return false;
      return named.get(column.name)?.some((text) => text !== held) === true;
    });
  });
}

function parts(node: unknown, operator: 'AND_EXPR' | 'OR_EXPR'): unknown[] {
  const bool = fields(node, 'BoolExpr');
  return bool?.['boolop'] === operator ? (bool['args'] as unknown[]).flatMap((one) => parts(one, operator)) : [node];
}

/** Columns, one of which has the caller in it where the condition is met, and nothing else is asked. */
function comparedAlone(part: unknown, table: RelationRow, model: Model): string[] {
  const test = fields(part, 'A_Expr');
  const items = test?.['kind'] === 'AEXPR_IN' ? ((fields(test['rexpr'], 'List')?.['items'] ?? []) as unknown[]) : [];
  return items.length > 0 && isWhoAsks(test!['lexpr'], model)
    ? items.flatMap((item) => ownColumn(item, table) ?? [])
    : comparedTo(part, table, model);
}

function comparedTo(part: unknown, table: RelationRow, model: Model): string[] {
  const test = fields(part, 'A_Expr');
  if (test?.['kind'] !== 'AEXPR_OP' || nameParts(test['name']).at(-1) !== '=') return [];
  return [
    [test['lexpr'], test['rexpr']],
    [test['rexpr'], test['lexpr']],
  ].flatMap(([side, other]) => (isWhoAsks(other, model) ? (ownColumn(side, table) ?? []) : []));
}

function ownColumn(node: unknown, table: RelationRow): string | undefined {
  const column = columnOf(stripped(node));
  return column !== undefined && (column.qualifier ?? table.name) === table.name ? column.name : undefined;
}
