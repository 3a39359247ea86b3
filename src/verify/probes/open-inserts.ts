/** New rows that policies to add one let through, no matter whose they are: in a state that the writer chooses, or of nobody. */
import { fields } from '../../rules/engine/live/expression.ts';
import type { Model } from '../catalog/model.ts';
import { columnsIn, columnsOfTree, policiesFor } from '../catalog/scope.ts';
import type { Actor } from './actors.ts';
import { insertSql, otherSide } from './insert-sql.ts';
import { grantedColumns, type Subject, userColumnsOf } from './subject.ts';

/**
 * INSERTs by a stranger on behalf of the other side, in each state for which a policy to add a row asks: of the row itself, as in
 * `status = 'placed'`, or of what it belongs to. In the ordinary state, that alone might refuse it. Who is named in the row as the one who
 * writes it, only asks for something, unless a policy asks for the state in place of whose the row is: `owner_id = auth.uid() or
 * created_at < now()`.
 */
export function forgedStateSql(subject: Subject, actor: Actor, model: Model): string[] {
  if (isOfNobody(subject, actor)) return [];
  const asked = new Set(
    policiesFor(subject.table, 'I', model).flatMap(({ check, using }) => [
      ...columnsIn(check ?? using, subject.table, model),
    ]),
  );
  const owners = new Set(subject.belongs.map(({ column }) => column));
  const users = userColumnsOf(subject, model).filter((name) => !owners.has(name));
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map(({ name }) => name));
  const named = new Map(users.map((name) => [name, subject.users[otherSide(subject, actor)]]));
  return [
    ...inStates(subject, actor, model, 'forged', askedInstead(subject, model)),
    ...(users.every((name) => granted.has(name)) ? inStates(subject, actor, model, 'forged', asked, named) : []),
  ];
}

/** The same by a visitor, and of rows that are nobody's. */
export function openStateSql(subject: Subject, actor: Actor, model: Model): string[] {
  return isOfNobody(subject, actor) ? inStates(subject, actor, model, 'own', askedInstead(subject, model)) : [];
}

function isOfNobody({ belongs }: Subject, { isAnonymous }: Actor): boolean {
  return isAnonymous || belongs.length === 0;
}

function inStates(
  subject: Subject,
  actor: Actor,
  model: Model,
  manner: 'forged' | 'own',
  asked: ReadonlySet<string>,
  named: ReadonlyMap<string, string> = new Map(),
): string[] {
  if (subject.kind !== 'table' || actor.relation !== 'none' || asked.size === 0) return [];
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  return subject.rows.states.flatMap(({ values, columns = [], links = [] }) => {
    // The row itself is in no other state where what it belongs to is.
    const set = manner === 'forged' && columns.length === 0 ? links : columns;
    const isAsked = set.some((name) => asked.has(name)) && set.every((name) => granted.has(name));
    const state = new Map([...set.map((name) => [name, values.get(name) ?? 'default'] as const), ...named]);
    return isAsked ? (insertSql(subject, actor, model, manner, state) ?? []) : [];
  });
}

/** The columns that an operand of OR, or a whole policy to add a row, asks for without any that says whose the row is. */
function askedInstead(subject: Subject, model: Model): ReadonlySet<string> {
  const owners = new Set([...subject.belongs.map(({ column }) => column), ...userColumnsOf(subject, model)]);
  const found = policiesFor(subject.table, 'I', model).flatMap(({ check, using }) =>
    operandsOf(model.parse(check ?? using ?? '')).flatMap((operand) => {
      const columns = [...columnsOfTree(operand, subject.table)];
      return columns.some((name) => owners.has(name)) ? [] : columns;
    }),
  );
  return new Set(found);
}

/** The operands of OR at the top of an expression; the expression itself where there is none. */
function operandsOf(tree: unknown): unknown[] {
  const or = fields(tree, 'BoolExpr');
  return or?.['boolop'] === 'OR_EXPR' ? (or['args'] as unknown[]).flatMap(operandsOf) : [tree];
}

/** INSERT by a visitor of a row that names nobody, where a policy asks for that column: NULL is what a visitor's ID is, too. */
export function visitorsSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  if (!actor.isAnonymous || subject.kind !== 'table') return undefined;
  const users = userColumnsOf(subject, model);
  const asked = subject.table.policies
    .filter(
      ({ permissive, command, roles }) =>
        permissive && 'a*'.includes(command) && roles.some((role) => role === 'public' || role === actor.role),
    )
    .flatMap(({ check, using }) => [...columnsOfTree(model.parse(check ?? using ?? ''), subject.table)]);
  const absent = subject.columns.filter(
    ({ name, notNull }) => users.includes(name) && asked.includes(name) && !notNull,
  );
  return absent.length === 0
    ? undefined
    : insertSql(subject, actor, model, 'own', new Map(absent.map(({ name }) => [name, 'NULL'])));
}
