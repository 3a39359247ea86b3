import { quoteIdentifier } from '../../shared/quote.ts';
import type { ColumnRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from '../catalog/model.ts';
import { columnsIn, policiesFor } from '../catalog/scope.ts';
import { listOf, userList } from '../catalog/user-lists.ts';
import { actingEmail, actingUser } from '../fixtures/belongings.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Actor } from './actors.ts';
import type { Statement } from './verb-row.ts';
import { companions, insertSql, insertStatement, isUnderA, linkColumns, nullableAsked, sidesOf } from './insert-sql.ts';
import { condition, grantedColumns, type KnownRow, type Subject, userColumnsOf } from './subject.ts';

/** UPDATE of a column other than the owner columns, to the value that A's row has. */
export function changeSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const assignment = neutralAssignment(subject, actor, model);
  return assignment === undefined
    ? undefined
    : `update ${subject.into} set ${assignment} where ${condition(subject.rows.a.key)}`;
}

/**
 * The same without WHERE; and to the values of A's rows in other states, since a policy may allow changes to rows that
 * stay in that state.
 */
export function changeAllSql(subject: Subject, actor: Actor, model: Model): string[] {
  if (subject.isLarge) return [];
  const column = neutralColumn(subject, actor, model);
  if (column === undefined) return [];
  // Where no policy reads the column, what its rows in other states have in it makes no difference.
  const rows = isReadByPolicies(subject, column.name, model)
    ? [subject.rows.a, ...subject.rows.states]
    : [subject.rows.a];
  const assignments = [
    ...rows.map((row) => assignmentOf(column, row)),
    ...subject.rows.states.flatMap((row) => restoring(row, subject, actor, model) ?? []),
  ];
  const renamed = renamedAsA(subject, actor, model);
  if (renamed !== undefined) assignments.push(`${renamed}, ${assignmentOf(column, subject.rows.a)}`);
  return [...new Set(assignments)].map((assignment) => `update ${subject.into} set ${assignment}`);
}

/** Gives the actor's own rows the key of A's where an INSTEAD OF trigger writes: it may take the row that the new key names. */
function renamedAsA(subject: Subject, actor: Actor, model: Model): string | undefined {
  const { kind, grants, rows } = subject;
  if (kind !== 'view' || !grants.triggers.some(({ events }) => events.includes('U'))) return undefined;
  const granted = new Set(grantedColumns(subject, actor.role, 'U', model).map(({ name }) => name));
  return rows.a.key.length > 0 && rows.a.key.every(([name]) => granted.has(name))
    ? rows.a.key.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(', ')
    : undefined;
}

/** UPDATE of the row that is partly A's, by the stranger whose it is in part. */
export function changeMixedSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const { m } = subject.rows;
  const assignment = neutralAssignment(subject, actor, model);
  return m === undefined || m.holder !== actor.user || assignment === undefined
    ? undefined
    : `update ${subject.into} set ${assignment} where ${condition(m.key)}`;
}

/** Assignments that end a state of the row's own values, if policies read those columns and the role may change them: to restore what was deleted. */
function restoring(row: KnownRow, subject: Subject, actor: Actor, model: Model): string | undefined {
  const { a } = subject.rows;
  if (row.columns?.length === 0) return undefined;
  const fixed = new Set([...uniqueSets(subject.table).flat(), ...subject.belongs.map((one) => one.column)]);
  const columns = grantedColumns(subject, actor.role, 'U', model).filter(
    (column) =>
      row.values.has(column.name) &&
      row.values.get(column.name) !== a.values.get(column.name) &&
      !fixed.has(column.name) &&
      model.meaningOf(subject.table, column) === undefined &&
      isReadByPolicies(subject, column.name, model),
  );
  return columns.length === 0 ? undefined : columns.map((column) => assignmentOf(column, a)).join(', ');
}

/** Says whether a policy of the table reads the column, by its name or with the whole row. */
export function isReadByPolicies({ table }: Subject, name: string, model: Model): boolean {
  return table.policies
    .flatMap(({ using, check }) => [using, check])
    .some((sql) => {
      let isRead = false;
      walk(sql === null ? undefined : model.parse(sql), (type, node) => {
        const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node })?.name : undefined;
        isRead ||= column === name || column === table.name || column === '*';
      });
      return isRead;
    });
}

function assignmentOf({ name }: ColumnRow, row: KnownRow): string {
  return `${quoteIdentifier(name)} = ${row.values.get(name) ?? 'default'}`;
}

function neutralAssignment(subject: Subject, actor: Actor, model: Model): string | undefined {
  const column = neutralColumn(subject, actor, model);
  return column === undefined ? undefined : assignmentOf(column, subject.rows.a);
}

/** A column that the role may change, that is neither unique nor says whose the row is, if there is one. */
function neutralColumn(subject: Subject, actor: Actor, model: Model): ColumnRow | undefined {
  const granted = grantedColumns(subject, actor.role, 'U', model);
  const columns = granted.length > 0 ? granted : subject.columns;
  const special = new Set([...uniqueSets(subject.table).flat(), ...subject.belongs.map((one) => one.column)]);
  const linked = new Set(subject.table.constraints.filter((key) => key.type === 'f').flatMap((key) => key.columns));
  const leads = (column: ColumnRow): boolean =>
    linked.has(column.name) || model.meaningOf(subject.table, column) !== undefined;
  const rank = (column: ColumnRow): number =>
    (special.has(column.name) ? 4 : 0) + (leads(column) ? 2 : 0) + (valueOf(column, subject) === undefined ? 1 : 0);
  return columns.filter((column) => column.identity !== 'a').sort((x, y) => rank(x) - rank(y))[0];
}

function valueOf(column: ColumnRow, subject: Subject): string | undefined {
  return subject.rows.a.values.get(column.name);
}

/** INSERT … ON CONFLICT of the actor's own new row under the key of A's. */
export function upsertSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const key = subject.rows.a.key.map(([name]) => name);
  const isKey = uniqueSets(subject.table).some(
    (set) => set.length === key.length && set.every((name) => key.includes(name)),
  );
  const assignment = neutralAssignment(subject, actor, model);
  const insert = underKeyOfA(subject, actor, model);
  if (!isKey || assignment === undefined || insert === undefined || actor.isAnonymous || isReplaced(subject))
    return undefined;
  return `${insert} on conflict (${key.map(quoteIdentifier).join(', ')}) do update set ${assignment}`;
}

/** INSERT under the key of A's row if a rule or an INSTEAD OF trigger handles it, which may change the existing row. */
export function replacedInsertSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  return isReplaced(subject) ? underKeyOfA(subject, actor, model) : undefined;
}

/** Whether a rule or an INSTEAD OF trigger may replace the statement; PostgreSQL refuses ON CONFLICT there. */
function isReplaced({ kind, grants }: Subject): boolean {
  return grants.rules.length > 0 || (kind === 'view' && grants.triggers.length > 0);
}

/** INSERT of the actor's own new row under the key of A's. */
function underKeyOfA(subject: Subject, actor: Actor, model: Model): string | undefined {
  if (insertSql(subject, actor, model, 'own') === undefined) return undefined;
  const key = subject.rows.a.key.map(([name]) => name);
  const values = new Map(subject.fresh[actor.side].values);
  const sides = sidesOf(subject, actor);
  subject.belongs.forEach((one, index) => values.set(one.column, sides.own?.[index] ?? 'NULL'));
  for (const [name, value] of subject.rows.a.key) values.set(name, value);
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  const columns = [...values.keys()].filter(
    (name) =>
      subject.columns.some((column) => column.name === name) &&
      (granted.size === 0 || granted.has(name) || key.includes(name)),
  );
  return insertStatement(subject, columns, values);
}

/** DELETE of A's row; without WHERE, of every row that the actor can reach. */
export function deleteSql(subject: Subject, _actor: Actor, _model: Model, withWhere: boolean): string | undefined {
  if (withWhere) return `delete from ${subject.into} where ${condition(subject.rows.a.key)}`;
  return subject.isLarge ? undefined : `delete from ${subject.into}`;
}

/**
 * Changes the owner columns of A's row: to B's side (give), or to the actor's own (take).
 * @param absent columns that become NULL with it
 * @param state what else is set with it, by column
 */
export function reassignSql(
  subject: Subject,
  actor: Actor,
  model: Model,
  way: 'give' | 'take',
  withWhere: boolean,
  absent: readonly string[] = [],
  state: ReadonlyMap<string, string> = new Map(),
): string | undefined {
  if (subject.belongs.length === 0 || subject.table === model.tenancy.organizations || actor.isAnonymous)
    return undefined;
  if (!withWhere && subject.isLarge) return undefined;
  const sides = sidesOf(subject, actor);
  const holds = actor.relation === 'self' || (actor.relation === 'co-member' && subject.scope.owner === 'organization');
  if (holds !== (way === 'give') || isUnderA(subject, actor)) return undefined;
  const values = way === 'give' ? subject.belongs.map((one) => one.b) : sides.own;
  if (values === undefined) return undefined;
  const tied = companions(subject, way === 'give' ? 'b' : actor.side).filter(([name]) => !absent.includes(name));
  const owners = subject.belongs
    .map((one, index): [string, string] => [one.column, values[index]!])
    .filter(([name]) => !absent.includes(name));
  const users = absent.length === 0 ? [] : userColumnsOf(subject, model);
  const others = users.filter((name) => !absent.includes(name) && owners.every(([column]) => column !== name));
  const list = [
    ...owners,
    ...others.map((name): [string, string] => [name, subject.users.b]),
    ...tied,
    ...absent.map((name): [string, string] => [name, 'NULL']),
    ...state,
  ]
    .map(([column, value]) => `${quoteIdentifier(column)} = ${value}`)
    .join(', ');
  const own = actor.name === 'multi-org' ? subject.rows.k : subject.rows.l;
  const row = actor.isMultiOrg ? (own ?? subject.rows.a) : subject.rows.a;
  return `update ${subject.into} set ${list}${withWhere ? ` where ${condition(row.key)}` : ''}`;
}

/** Hands A's row to B's side without what {@link nullableAsked} lets be absent; undefined where it lets nothing. */
export function giveAloneSql(subject: Subject, actor: Actor, model: Model, withWhere: boolean): string | undefined {
  const absent = nullableAsked(subject, actor, 'U', model);
  return absent.length === 0 ? undefined : reassignSql(subject, actor, model, 'give', withWhere, absent);
}

/**
 * Changes the owner columns, and puts the row into each state that a policy wants of a row once it is changed, as where a draft may only
 * be submitted: in the state in which it is, that alone might refuse it.
 */
export function reassignInStateSql(
  subject: Subject,
  actor: Actor,
  model: Model,
  way: 'give' | 'take',
  withWhere: boolean,
): string[] {
  const wanted = new Set(
    policiesFor(subject.table, 'U', model).flatMap(({ using, check }) =>
      check === null || check === using ? [] : [...columnsIn(check, subject.table, model)],
    ),
  );
  const owners = new Set([...subject.belongs.map(({ column }) => column), ...userColumnsOf(subject, model)]);
  const granted = new Set(grantedColumns(subject, actor.role, 'U', model).map(({ name }) => name));
  return subject.rows.states.flatMap(({ values, columns = [] }) => {
    const isWanted = columns.some((name) => wanted.has(name));
    if (!isWanted || !columns.every((name) => granted.has(name) && !owners.has(name))) return [];
    const state = new Map(columns.map((name) => [name, values.get(name) ?? 'default']));
    return reassignSql(subject, actor, model, way, withWhere, [], state) ?? [];
  });
}

/**
 * The same where the row of B's to which it then belongs is in the state of one of A's for which a policy may ask, as a list that is not
 * locked: in its ordinary state, that alone might refuse it.
 */
export function reassignBelowSql(
  subject: Subject,
  actor: Actor,
  model: Model,
  way: 'give' | 'take',
  withWhere: boolean,
): Statement[] {
  const owners = subject.belongs.map(({ column }) => column);
  return subject.rows.states.flatMap(({ likeParent, isParentWritten, links = [], isOwnerless, key }) => {
    if (likeParent === undefined || isOwnerless === true || !owners.every((name) => links.includes(name))) return [];
    // What the server alone writes may give its owner more than others have.
    if (way === 'take' && isParentWritten !== true) return [];
    const rows = withWhere ? [subject.rows.a.key, key] : [subject.rows.a.key];
    return rows.flatMap((one) => {
      const from = { ...subject, rows: { ...subject.rows, a: { ...subject.rows.a, key: one } } };
      const sql = reassignSql(from, actor, model, way, withWhere);
      return sql === undefined ? [] : [{ sql, prepare: likeParent }];
    });
  });
}

/** UPDATE by the owner of its rows in the states of what they belong to: in its ordinary state, that may refuse any change. */
export function changeBelowSql(subject: Subject, actor: Actor, model: Model): string[] {
  const assignment = neutralAssignment(subject, actor, model);
  if (actor.relation !== 'self' || subject.kind !== 'table' || assignment === undefined) return [];
  const asked = new Set(
    policiesFor(subject.table, 'U', model).flatMap(({ using, check }) => [
      ...columnsIn(check ?? using, subject.table, model),
    ]),
  );
  return subject.rows.states
    .filter(({ links = [], isOwnerless }) => isOwnerless !== true && links.some((name) => asked.has(name)))
    .map(({ key }) => `update ${subject.into} set ${assignment} where ${condition(key)}`);
}

/** Puts a stranger in place of those whom a row of nobody else's lists. */
export function takeListSql(subject: Subject, actor: Actor, model: Model, withWhere: boolean): string | undefined {
  const { kind, table, scope, into, rows, isLarge } = subject;
  const list = kind === 'table' && scope.isJoined ? userList(table, model) : undefined;
  if (list === undefined || actor.relation !== 'none' || actor.isAnonymous || (isLarge && !withWhere)) return undefined;
  const users = listOf(list, [list.by === 'user' ? `'${actingUser}'` : actingEmail]);
  return `update ${into} set ${quoteIdentifier(list.column.name)} = ${users}${withWhere ? ` where ${condition(rows.a.key)}` : ''}`;
}

/** Changes the other references of A's row to B's side, as the row's owners. */
export function relinkSql(subject: Subject, actor: Actor, model: Model, withWhere: boolean): string | undefined {
  const links = linkColumns(subject, model, false).filter(({ a, b }) => a !== b);
  if (
    links.length === 0 ||
    (!withWhere && subject.isLarge) ||
    (actor.relation !== 'self' && actor.relation !== 'co-member')
  )
    return undefined;
  const list = links.map(({ column, b }) => `${quoteIdentifier(column)} = ${b}`).join(', ');
  return `update ${subject.into} set ${list}${withWhere ? ` where ${condition(subject.rows.a.key)}` : ''}`;
}
