/** SQL about rows that hold a user back: that makes them, and by which the user takes them off. */
import { quoteIdentifier } from '../../shared/quote.ts';
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Denial } from '../catalog/denials.ts';
import type { Model } from '../catalog/model.ts';
import { actingUser } from '../fixtures/belongings.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Actor } from './actors.ts';
import { insertOf, valuesFor } from './deciding-sql.ts';
import { insertStatement } from './insert-sql.ts';
import { grantedColumns, type Subject, userColumnsOf } from './subject.ts';
import { putInToken } from './token-keys.ts';

/** How many states of such a row, and values of a column are tried. */
const most = { states: 3, values: 4 };

/** What the row says in the columns that are asked for, keys aside: as usual, in states that were found, or what it is compared with. */
export function statesOf(subject: Subject, { asked }: Denial, model: Model): [string, string][][] {
  const { table, columns, fresh, rows } = subject;
  const free = columns.filter(
    (column) =>
      asked.has(column.name) &&
      model.meaningOf(table, column) === undefined &&
      !table.constraints.some(({ type, columns: keys }) => 'fp'.includes(type) && keys.includes(column.name)),
  );
  const setBy = (values: ReadonlyMap<string, string>): [string, string][] =>
    free.map(({ name }): [string, string] => [name, values.get(name) ?? 'default']);
  const known = rows.states.filter((state) => free.some(({ name }) => state.columns?.includes(name) === true));
  const { named } = model.dependencies.decidingColumns(qualifiedName(table));
  const compared = free.flatMap((column) =>
    column.category === 'S' || column.category === 'E'
      ? valuesFor(column, named.get(column.name) ?? [], subject, model).map((value) =>
          setBy(new Map([...fresh.a.values, [column.name, value]])),
        )
      : [],
  );
  return [setBy(fresh.a.values), ...(known.length > 0 ? known.map(({ values }) => setBy(values)) : compared)].slice(
    0,
    most.states,
  );
}

/** What the seat of the guest says, which lets that one in. */
export function seatOf({ rows, columns, table }: Subject): [string, string][] {
  const keys = new Set(
    table.constraints.flatMap(({ type, columns: names }) => (type === 'f' || type === 'p' ? names : [])),
  );
  return columns.flatMap(({ name }): [string, string][] => {
    const value = rows.g?.values.get(name);
    return keys.has(name) || value === undefined ? [] : [[name, value]];
  });
}

/** Times in which a seat may no longer let its user in. */
export function lapsedStates({ columns }: Subject, { asked }: Denial): [string, string][][] {
  return columns
    .filter(({ name }) => asked.has(name))
    .flatMap(({ name, base }) =>
      (base.endsWith('range') ? ["'empty'"] : ["now() - interval '1 year'", "now() + interval '1 year'"]).map(
        (value): [string, string][] => [[name, value]],
      ),
    );
}

/**
 * SQL after which no row holds who acts back, as far as is known: those that name it are removed. In a table in which each user has one, to
 * which others refer, it has an ordinary one.
 */
export function cleared(
  subject: Subject,
  column: string,
  me: string,
  usual: readonly (readonly [string, string])[],
  model: Model,
): string {
  const name = qualifiedName(subject.table);
  const isReferred = [...model.tables.values()].some(({ constraints }) =>
    constraints.some((key) => key.target === name),
  );
  const isUsers = model.tenancy.userTables.has(name);
  return isReferred || isUsers
    ? put(
        subject,
        column,
        me,
        usual.map(([one]): [string, string] => [one, subject.rows.b.values.get(one) ?? 'default']),
        model,
      )
    : `delete from ${subject.into} where ${quoteIdentifier(column)} = ${me}`;
}

/** The key by which a row names what is in the token of who acts, such as its session, and SQL that puts it there. */
export function sessionOf({ fresh, table }: Subject, column: string, model: Model): { value: string; sql: string } {
  const value = fresh.a.values.get(column) ?? 'NULL';
  return { value, sql: putInToken(table, column, value, model) };
}

/** SQL by which the server makes a row beside A's that names who acts; where it has one, that is brought into the state. */
export function put(
  subject: Subject,
  column: string,
  me: string,
  set: readonly [string, string][],
  model: Model,
): string {
  const values = new Map([...subject.fresh.a.values, ...othersOfA(subject, column, model), ...set, [column, me]]);
  const columns = subject.columns.filter(({ name }) => values.has(name)).map(({ name }) => name);
  const insert = `${insertStatement(subject, columns, values)} on conflict do nothing`;
  return [insert, ...(set.length === 0 ? [] : [updateOf(subject, set, column, me)])].join('; ');
}

function updateOf({ into }: Subject, set: readonly (readonly [string, string])[], column: string, me: string): string {
  const assignments = set.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(', ');
  return `update ${into} set ${assignments} where ${quoteIdentifier(column)} = ${me}`;
}

/** The other users of such a row: A; of one that names a session, who acts. */
function othersOfA(subject: Subject, column: string, model: Model): [string, string][] {
  const users = userColumnsOf(subject, model);
  return users
    .filter((name) => name !== column)
    .map((name): [string, string] => [name, users.includes(column) ? subject.users.a : `'${actingUser}'`]);
}

/** INSERTs of a stranger's own row: as usual, and where it deals with what is A's. */
export function againstA(asker: Subject, actor: Actor, model: Model): string[] {
  if (grantedColumns(asker, actor.role, 'I', model).length === 0) return [];
  const { scope, table } = asker;
  const users = userColumnsOf(asker, model);
  const mine = new Map(users.slice(0, 1).map((name) => [name, `'${actingUser}'`] as const));
  if (scope.owner === 'user' && scope.parent === undefined)
    for (const name of scope.columns) mine.set(name, `'${actingUser}'`);
  const links = table.constraints.flatMap(({ type, columns }) => (type === 'f' ? columns : []));
  const ofA = [...links, ...users].flatMap((name): [string, string][] => {
    const value = users.includes(name) ? asker.users.a : asker.rows.a.values.get(name);
    return mine.has(name) || value === undefined ? [] : [[name, value]];
  });
  // Which of several users has sent it is not known: each of its users is tried as the one who acts.
  const senders = users
    .slice(1)
    .map(
      (me) =>
        new Map([
          ...ofA,
          ...users.map((name): [string, string] => [name, name === me ? `'${actingUser}'` : asker.users.a]),
        ]),
    );
  const rows = [mine, new Map([...ofA, ...mine]), ...senders];
  return [...new Set(rows.map((values) => insertOf(asker, actor, model, values)))];
}

/** What the stranger may try with the row that holds it back, as far as it has the privileges. */
export function liftsOf(
  subject: Subject,
  { asked }: Denial,
  column: string,
  me: string,
  actor: Actor,
  model: Model,
): string[] {
  const { grants } = subject.grants;
  const found: string[] = [];
  if (grants[actor.role]?.includes('D') === true)
    found.push(`delete from ${subject.into} where ${quoteIdentifier(column)} = ${me}`);
  const changeable = grantedColumns(subject, actor.role, 'U', model).map(({ name }) => name);
  const others = othersOfA(subject, column, model).map(([name]) => name);
  const values = new Map(
    subject.columns.flatMap((one): [string, string[]][] =>
      asked.has(one.name) && !others.includes(one.name) ? [[one.name, valuesOf(one.name, subject, model)]] : [],
    ),
  );
  if (changeable.includes(column) && me === `'${actingUser}'`) {
    found.push(updateOf(subject, [[column, subject.users.newcomer]], column, me));
    const turned = others.filter((name) => changeable.includes(name)).map((name): [string, string] => [name, me]);
    if (turned.length > 0) found.push(updateOf(subject, [...turned, [column, subject.users.a]], column, me));
  }
  for (const [name, all] of values)
    if (changeable.includes(name)) found.push(...all.map((value) => updateOf(subject, [[name, value]], column, me)));
  if (grantedColumns(subject, actor.role, 'I', model).length > 0)
    for (const [name, all] of values)
      found.push(
        ...all.map((value) =>
          insertOf(subject, actor, model, new Map([...othersOfA(subject, column, model), [column, me], [name, value]])),
        ),
      );
  return [...new Set(found)];
}

function valuesOf(name: string, subject: Subject, model: Model): string[] {
  const column = subject.columns.find((one) => one.name === name)!;
  const { named } = model.dependencies.decidingColumns(qualifiedName(subject.table));
  const ofB = subject.rows.b.values.get(name);
  const isTime = /^(timestamp|date$)/.test(column.base);
  return [
    ...new Set([
      ...(isTime ? ["now() - interval '1 year'"] : []),
      ...valuesFor(column, named.get(name) ?? [], subject, model),
      ...(ofB === undefined || (ofB === 'NULL' && column.notNull) ? [] : [ofB]),
    ]),
  ].slice(0, most.values);
}

/** How the stranger would come to hold itself back: by a row of its own, or by its own row in that state. */
export function ownWays(
  subject: Subject,
  column: string,
  me: string,
  set: readonly [string, string][],
  actor: Actor,
  model: Model,
): string[] {
  const changeable = new Set(grantedColumns(subject, actor.role, 'U', model).map(({ name }) => name));
  const isNew = grantedColumns(subject, actor.role, 'I', model).length > 0;
  const isOnePerUser = uniqueSets(subject.table).some((names) => names.join() === column);
  return [
    ...(isNew
      ? [
          insertOf(
            subject,
            actor,
            model,
            new Map([...ofA(subject), ...othersOfA(subject, column, model), ...set, [column, me]]),
          ),
        ]
      : []),
    ...(isOnePerUser && set.length > 0 && set.every(([name]) => changeable.has(name))
      ? [updateOf(subject, set, column, me)]
      : []),
  ];
}

/** What a row leads to, of A's: what a user hides from itself is another's. */
function ofA({ table, rows }: Subject): [string, string][] {
  return table.constraints
    .flatMap(({ type, columns }) => (type === 'f' ? columns : []))
    .flatMap((name): [string, string][] => {
      const value = rows.a.values.get(name);
      return value === undefined ? [] : [[name, value]];
    });
}
