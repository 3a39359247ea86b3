/** What strangers add under rows of an organization, and in nobody's name. */
import { columnOf, walk } from '../../rules/engine/live/expression.ts';
import type { Actor } from './actors.ts';
import type { Model } from '../catalog/model.ts';
import { columnsIn, policiesFor } from '../catalog/scope.ts';
import { actingUser } from '../fixtures/belongings.ts';
import { insertSql, linkColumns } from './insert-sql.ts';
import type { KnownRow, Subject } from './subject.ts';

/**
 * INSERTs by a signed-in stranger of a row with its own user under rows of an organization, where a policy lets it ask for something
 * there: in each of the states that the policies ask for.
 */
export function requestSql(subject: Subject, actor: Actor, model: Model): string[] {
  const { table, kind, scope, rows } = subject;
  if (actor.relation !== 'none' || !actor.isNobody || kind !== 'table' || scope.owner !== 'organization') return [];
  const adding = model.policyFacts(table).filter(({ policy }) => policy.permissive && 'a*'.includes(policy.command));
  const users = new Set(adding.flatMap(({ userColumns }) => userColumns));
  if (users.size === 0 || table === model.tenancy.membership?.table) return [];
  const asked = new Set(adding.flatMap(({ policy }) => [...columnsIn(policy.check ?? policy.using, table, model)]));
  const links = linkColumns(subject, model, true).filter(({ column }) => asked.has(column) && !users.has(column));
  const inState = ({ values, columns = [], links: parents = [] }: KnownRow): [string, string][] =>
    [...columns, ...parents].flatMap((name): [string, string][] => {
      const value = asked.has(name) && !users.has(name) ? values.get(name) : undefined;
      return value === undefined ? [] : [[name, value]];
    });
  const states = [[], ...rows.states.map(inState)].map(
    (state) =>
      new Map([
        ...links.map(({ column, a }): [string, string] => [column, a]),
        ...state,
        ...[...users].map((name): [string, string] => [name, `'${actingUser}'`]),
      ]),
  );
  const all = states.flatMap((state) => insertSql(subject, actor, model, 'forged', state) ?? []);
  return [...new Set(all)];
}

/**
 * INSERT by a stranger of a row that is nobody's, where policies show such rows to others: undefined where each row names someone.
 */
export function ownerlessSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const { table, kind, belongs, scope } = subject;
  const owners = belongs.map(({ column }) => column);
  if (actor.relation !== 'none' || actor.isAnonymous || kind !== 'table' || scope.parent !== undefined)
    return undefined;
  const isShown = policiesFor(table, 'S', model).some(({ using }) => {
    let isAsked = false;
    walk(using === null ? undefined : model.parse(using), (type, test) => {
      const column = type === 'NullTest' && test['nulltesttype'] === 'IS_NULL' ? columnOf(test['arg']) : undefined;
      isAsked ||= column !== undefined && owners.includes(column.name);
      return !isAsked;
    });
    return isAsked;
  });
  const whose = table.columns.filter((column) => model.meaningOf(table, column) !== undefined);
  if (!isShown || whose.some(({ notNull }) => notNull)) return undefined;
  return insertSql(subject, actor, model, 'forged', new Map(whose.map(({ name }): [string, string] => [name, 'NULL'])));
}
