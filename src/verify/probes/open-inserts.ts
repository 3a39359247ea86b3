/** New rows that policies to add one let through, no matter whose they are: in a state that the writer chooses, or of nobody. */
import { fields } from '../../rules/engine/live/expression.ts';
import type { Model } from '../catalog/model.ts';
import { columnsOfTree, policiesFor } from '../catalog/scope.ts';
import type { Actor } from './actors.ts';
import { insertSql } from './insert-sql.ts';
import { grantedColumns, type Subject, userColumnsOf } from './subject.ts';

/**
 * INSERTs by a stranger on behalf of the other side, in each state for which a policy asks in place of whose the row is, as in
 * `owner_id = auth.uid() or created_at < now()`.
 */
export function forgedStateSql(subject: Subject, actor: Actor, model: Model): string[] {
  return isOfNobody(subject, actor) ? [] : inStates(subject, actor, model, 'forged');
}

/** The same by a visitor, and of rows that are nobody's. */
export function openStateSql(subject: Subject, actor: Actor, model: Model): string[] {
  return isOfNobody(subject, actor) ? inStates(subject, actor, model, 'own') : [];
}

function isOfNobody({ belongs }: Subject, { isAnonymous }: Actor): boolean {
  return isAnonymous || belongs.length === 0;
}

function inStates(subject: Subject, actor: Actor, model: Model, manner: 'forged' | 'own'): string[] {
  if (subject.kind !== 'table' || actor.relation !== 'none') return [];
  const asked = askedInstead(subject, model);
  if (asked.size === 0) return [];
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  return subject.rows.states.flatMap(({ values, columns = [] }) => {
    const isAsked = columns.some((name) => asked.has(name)) && columns.every((name) => granted.has(name));
    const state = new Map(columns.map((name) => [name, values.get(name) ?? 'default']));
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
