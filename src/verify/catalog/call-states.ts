/** How many rows there are in the tables that a function may change, and whose: read before and after a call. */
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { condition, type Subject, userColumnsOf } from '../probes/subject.ts';
import { partyColumns } from './addressed.ts';
import type { Model } from './model.ts';
import { tablesChanged } from './reached-tables.ts';
import { objectsTable } from './storage-asked.ts';

/** The states of the tables that a function may change, as one query that returns JSON. */
export function stateOfTables(
  routine: FunctionRow,
  subjects: readonly Subject[],
  states: Readonly<Record<string, string>>,
  model: Model,
): string {
  const changed = tablesChanged(routine, model);
  const changesObjects = [...changed].some((table) => qualifiedName(table) === objectsTable);
  const parts = subjects
    .filter((subject) =>
      subject.kind === 'bucket' ? changesObjects : subject.kind === 'table' && changed.has(subject.table),
    )
    .flatMap((subject) => {
      const ofUser = rowsOfUser(subject, model);
      const shared = rowsOfPairs(subject, model);
      return [
        `select ${quoteLiteral(subject.state)} as name, (${states[subject.state]}) as state`,
        ...(ofUser === undefined ? [] : [`select ${quoteLiteral(stateOfUser(subject))}, (${ofUser})`]),
        ...(shared === undefined ? [] : [`select ${quoteLiteral(stateOfPairs(subject))}, (${shared})`]),
      ];
    });
  return parts.length === 0
    ? "select '{}'"
    : `select json_object_agg(name, state)::text from (${parts.join(' union all ')}) as all_states`;
}

/** The name of the state that holds how many rows of the subject name A, of any owner. */
export function stateOfUser({ name }: Subject): string {
  return `* users of ${name}`;
}

/** The query of that number; undefined where the owner columns tell it, or nothing does. */
function rowsOfUser(subject: Subject, model: Model): string | undefined {
  const owners = new Set(subject.belongs.map(({ column }) => column));
  const columns = userColumnsOf(subject, model).filter((name) => !owners.has(name));
  if (columns.length === 0 || subject.isLarge) return undefined;
  const isOfA = columns.map((name) => `${quoteIdentifier(name)} = ${subject.users.a}`).join(' or ');
  return `select count(*)::text from ${subject.into} where ${isOfA}`;
}

/** The name of the state that holds how many of A's rows are those of a stranger as well. */
export function stateOfPairs({ name }: Subject): string {
  return `* pairs of ${name}`;
}

/** The query of that number; undefined where rows are not of two users who both read them. */
function rowsOfPairs(subject: Subject, model: Model): string | undefined {
  const parties = partyColumns(subject.table, model);
  const owners = subject.belongs.map(({ column }) => column);
  const others = parties.filter((name) => !owners.includes(name));
  if (subject.isLarge || others.length === 0 || !owners.every((name) => parties.includes(name))) return undefined;
  const strangers = [subject.users.b, subject.users.newcomer].join(', ');
  const isStrangers = others.map((name) => `${quoteIdentifier(name)} in (${strangers})`).join(' or ');
  const isOfA = condition(subject.belongs.map(({ column, a }) => [column, a]));
  return `select count(*)::text from ${subject.into} where ${isOfA} and (${isStrangers})`;
}
