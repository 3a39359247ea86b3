import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { columnOf, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { constantsIn } from '../catalog/compared-values.ts';
import { primaryKey } from '../catalog/tenancy.ts';
import { actingUser } from '../fixtures/belongings.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Actor } from './actors.ts';
import { copyTables } from '../catalog/copy-tables.ts';
import type { Model } from '../catalog/model.ts';
import { columnsIn, policiesFor } from '../catalog/scope.ts';
import { condition, grantedColumns, type Subject, userColumnsOf } from './subject.ts';

/**
 * The values of the owner columns for the actor's own rows, and for the other side's; undefined if the actor has none.
 */
export function sidesOf(subject: Subject, actor: Actor): { own: string[] | undefined; other: string[] } {
  const isDirectUser = subject.scope.owner === 'user' && subject.scope.parent === undefined;
  const stands = subject.belongs.map((one) => one.own ?? one[actor.side]);
  return {
    own: actor.isNobody && !isDirectUser ? undefined : stands,
    other: subject.belongs.map((one) => one[otherSide(subject, actor)]),
  };
}

/** The user that the actor impersonates: A, unless A's rows are its own. */
export function otherSide(subject: Subject, actor: Actor): 'a' | 'b' {
  const isDirectUser = subject.scope.owner === 'user' && subject.scope.parent === undefined;
  const isBeside = actor.relation === 'guest' || (isDirectUser && actor.relation === 'co-member');
  return actor.side === 'a' && !isBeside && !actor.isAnonymous ? 'b' : 'a';
}

/**
 * The columns, other than the owner columns, that reference a user, an organization or another's row; without those of the key,
 * if an existing row is to be found by it.
 */
export function linkColumns(
  subject: Subject,
  model: Model,
  withKey: boolean,
): { column: string; a: string; b: string }[] {
  if (subject.elsewhere !== undefined)
    return [{ column: 'bucket_id', a: subject.rows.a.values.get('bucket_id')!, b: subject.elsewhere }];
  const owners = new Set(subject.belongs.map((one) => one.column));
  const key = new Set(withKey ? [] : subject.rows.a.key.map(([name]) => name));
  return subject.columns
    .filter((column) => !owners.has(column.name) && !key.has(column.name))
    .flatMap((column) => {
      const leads =
        model.meaningOf(subject.table, column) !== undefined ||
        subject.table.constraints.some((one) => one.type === 'f' && one.columns.includes(column.name));
      const [a, b] = [subject.rows.a.values.get(column.name), subject.rows.b.values.get(column.name)];
      return leads && a !== undefined && b !== undefined && a !== 'NULL' && b !== 'NULL'
        ? [{ column: column.name, a, b }]
        : [];
    });
}

/**
 * How a new row is built: the actor's own; with only the required columns; of a user who has no row yet; on behalf of
 * the other side; as another user in the actor's own organization; the actor's own with links to the other side's rows.
 */
type Manner = 'own' | 'least' | 'newcomer' | 'forged' | 'as' | 'cross';

/**
 * INSERT of a new row by the actor; undefined if the manner makes no sense for it.
 * @param state values of other columns, by name
 */
export function insertSql(
  subject: Subject,
  actor: Actor,
  model: Model,
  manner: Manner,
  state: ReadonlyMap<string, string> = new Map(),
): string | undefined {
  const sides = sidesOf(subject, actor);
  const values = new Map([...subject.fresh[actor.side].values, ...state]);
  const isTenants = subject.table === model.tenancy.organizations;
  const owners = subject.belongs.map((one) => one.column);
  if (manner !== 'forged' && sides.own === undefined) return undefined;
  if (actor.isAnonymous && manner !== 'own') return undefined;
  if (!isTenants)
    owners.forEach((column, index) => {
      if ((manner !== 'forged' && !actor.isAnonymous) || !state.has(column))
        values.set(column, (manner === 'forged' ? sides.other : sides.own)?.[index] ?? 'NULL');
    });
  if (manner === 'forged')
    for (const [column, value] of companions(subject, otherSide(subject, actor)))
      if (!state.has(column)) values.set(column, value);
  const change = changes[manner](subject, actor, model, values);
  if (!change) return undefined;
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  const forced = new Set(manner === 'forged' ? owners : []);
  const columns = [...values.keys()].filter(
    (name) =>
      subject.columns.some((column) => column.name === name) &&
      (granted.size === 0 ||
        granted.has(name) ||
        forced.has(name) ||
        (manner !== 'own' && manner !== 'least' && change.has(name))) &&
      (manner !== 'least' || isNeeded(subject, name)),
  );
  if (columns.length === 0) return undefined;
  return insertStatement(subject, columns, values);
}

/** INSERTs by the owner of its own row in each of the states that policies may treat differently. */
export function insertStateSql(subject: Subject, actor: Actor, model: Model): string[] {
  if (actor.relation !== 'self' || subject.kind !== 'table') return [];
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  const asked = new Set(
    policiesFor(subject.table, 'I', model).flatMap(({ check, using }) => [
      ...columnsIn(check ?? using, subject.table, model),
    ]),
  );
  const held = heldInKey(subject, model).map((state) =>
    [...state.keys()].every((name) => granted.has(name)) ? (insertSql(subject, actor, model, 'own', state) ?? []) : [],
  );
  const inStates = subject.rows.states.flatMap(({ values, columns = [], links = [], isOwnerless }) => {
    // Under a row in a state that its policies may ask for.
    const set = columns.length === 0 && links.some((name) => asked.has(name)) ? links : columns;
    const state = new Map(set.map((name) => [name, values.get(name) ?? 'default']));
    // It is the owner's by that row as well.
    const belongs =
      set === links && isOwnerless !== true
        ? subject.belongs.map((one) => ({ ...one, own: state.get(one.column) ?? one.own }))
        : subject.belongs;
    return set.length > 0 && set.every((name) => granted.has(name))
      ? (insertSql({ ...subject, belongs }, actor, model, 'own', state) ?? [])
      : [];
  });
  return [...held.flat(), ...inStates];
}

/** What policies to add a row want in columns of its key, which are no state of a row: the flags that a user may turn on. */
function heldInKey({ table, fresh, columns }: Subject, model: Model): Map<string, string>[] {
  const keys = columns.filter(
    (column) => primaryKey(table).includes(column.name) && model.meaningOf(table, column) === undefined,
  );
  if (keys.length === 0) return [];
  return policiesFor(table, 'I', model).flatMap(({ check, using }) => {
    const sql = check ?? using;
    const found = new Map<string, string>();
    walk(sql === null ? undefined : model.parse(sql), (type, node) => {
      if (type !== 'A_Expr' || nameParts(node['name']).at(-1) !== '=') return;
      const name = columnOf(node['lexpr'])?.name ?? '';
      const [text] = constantsIn(node['rexpr']);
      if (text !== undefined && keys.some((column) => column.name === name) && !found.has(name))
        found.set(name, quoteLiteral(text));
    });
    const isOther = [...found].some(([name, value]) => fresh.a.values.get(name) !== value);
    return isOther ? [found] : [];
  });
}

/** What a stranger writes in a row of its own that triggers of the table ask for: in a new row, and in the one that it has. */
export function fireSql(subject: Subject, actor: Actor, model: Model): string[] {
  // What an owner writes matters where triggers may copy it.
  const isOwners = actor.relation === 'self' && copyTables(subject, model).length > 0;
  if (!(isOwners || actor.relation === 'none') || actor.isAnonymous) return [];
  if (subject.kind !== 'table' || subject.scope.owner === undefined) return [];
  const own = isOwners ? subject.rows.a : actor.side === 'b' && !actor.isNobody ? subject.rows.b : undefined;
  return subject.rows.states
    .filter(({ isFired, columns = [] }) => isFired === true && columns.length > 0)
    .flatMap(({ values, columns = [] }) => {
      const state = new Map(columns.map((name) => [name, values.get(name) ?? 'default']));
      const assignments = [...state].map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(', ');
      return [
        insertSql(subject, actor, model, 'own', state) ?? [],
        own === undefined ? [] : `update ${subject.into} set ${assignments} where ${condition(own.key)}`,
      ].flat();
    });
}

/** The same in a new row that leads to a row of A: what the triggers then do, they may do there. */
export function fireLinkedSql(subject: Subject, actor: Actor, model: Model): string[] {
  if (actor.relation !== 'none' || actor.isAnonymous || subject.kind !== 'table') return [];
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  return subject.rows.states
    .filter(({ isFired, columns = [] }) => isFired === true && columns.length > 0)
    .flatMap(({ values, columns = [] }) =>
      crossLinks(subject, model)
        .filter(({ column }) => granted.has(column) && !columns.includes(column))
        .flatMap(({ column, a }) => {
          const state = new Map([
            ...columns.map((name) => [name, values.get(name) ?? 'default'] as const),
            [column, a],
          ]);
          return insertSql(subject, actor, model, 'own', state) ?? [];
        }),
    );
}

/** The links of a new row that are changed to lead to rows of the other side. */
export function crossLinks(subject: Subject, model: Model): { column: string; a: string; b: string }[] {
  // Where a row lets its user in elsewhere, that is tried by joining.
  const withKey = !model.dependencies.isDeciding(qualifiedName(subject.table));
  return linkColumns(subject, model, withKey).filter((link) => link.a !== link.b);
}

/**
 * SQL that removes the row that is partly a stranger's, where it is what the stranger would add: in its place, it could only be refused
 * for being there. Undefined where that does not matter, or a trigger would act on it.
 */
export function withoutMixedSql(subject: Subject, model: Model): string | undefined {
  const { kind, table, into, rows, belongs } = subject;
  const { m } = rows;
  if (m === undefined || kind !== 'table') return undefined;
  if (table.triggers.some(({ enabled, events }) => enabled && events.includes('D'))) return undefined;
  const set = new Set([...belongs, ...crossLinks(subject, model)].map(({ column }) => column));
  return uniqueSets(table).some((columns) => columns.every((name) => set.has(name)))
    ? `delete from ${into} where ${condition(m.key)}`
    : undefined;
}

/** Columns that a foreign key ties to the owner columns, with their values on a side: others would only be refused by that key. */
export function companions(subject: Subject, side: 'a' | 'b'): [string, string][] {
  const owners = subject.belongs.map((one) => one.column);
  return subject.table.constraints
    .filter(({ type, columns }) => type === 'f' && columns.some((column) => owners.includes(column)))
    .flatMap(({ columns }) => columns.filter((column) => !owners.includes(column)))
    .flatMap((column): [string, string][] => {
      const value = subject.rows[side].values.get(column);
      return value === undefined ? [] : [[column, value]];
    });
}

/**
 * INSERTs of the actor's own new row, each with a value of A's that the table's triggers take. None where the actor may
 * not choose that column.
 */
export function aimedInsertSql(subject: Subject, actor: Actor, model: Model): string[] {
  if (actor.relation !== 'none' || subject.aims.length === 0) return [];
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  return subject.aims.flatMap(({ column, sql }) => {
    const fresh = subject.fresh[actor.side];
    const aimed = { ...fresh, values: new Map([...fresh.values, [column, sql]]) };
    const insert = insertSql({ ...subject, fresh: { a: aimed, b: aimed } }, actor, model, 'own');
    return granted.has(column) && insert !== undefined ? [insert] : [];
  });
}

/** The same for UPDATE of the actor's own row; through a view whose trigger writes, with a text of its own in what may be empty. */
export function aimedUpdateSql(subject: Subject, actor: Actor, model: Model): string[] {
  if (actor.relation !== 'none' || actor.isAnonymous || actor.isNobody) return [];
  const granted = grantedColumns(subject, actor.role, 'U', model);
  const names = new Set(granted.map(({ name }) => name));
  const { values } = subject.fresh[actor.side];
  const held = new Set([...subject.rows.b.key.map(([name]) => name), ...subject.belongs.map(({ column }) => column)]);
  const texts =
    subject.kind === 'view'
      ? granted.filter(
          ({ name, notNull, category }) => category === 'S' && !notNull && values.has(name) && !held.has(name),
        )
      : [];
  return subject.aims
    .filter(({ column }) => names.has(column))
    .map(({ column, sql }) => {
      const beside = texts.filter(({ name }) => name !== column);
      const set = [[column, sql], ...beside.map(({ name }) => [name, values.get(name)!])] as const;
      const list = set.map(([name, value]) => `${quoteIdentifier(name!)} = ${value}`).join(', ');
      return `update ${subject.into} set ${list} where ${condition(subject.rows.b.key)}`;
    });
}

/**
 * The columns that policies for the verb let be NULL, and that the actor may write: a condition on what they refer to, as in
 * `post_id is null or exists (…)`, asks nothing then.
 */
export function nullableAsked(subject: Subject, actor: Actor, letter: 'I' | 'U', model: Model): string[] {
  const asked = new Set<string>();
  for (const { using, check } of policiesFor(subject.table, letter, model))
    walk(model.parse(check ?? using ?? ''), (type, test) => {
      const column = type === 'NullTest' && test['nulltesttype'] === 'IS_NULL' ? columnOf(test['arg']) : undefined;
      if (column !== undefined && (column.qualifier ?? subject.table.name) === subject.table.name)
        asked.add(column.name);
    });
  const granted = new Set(grantedColumns(subject, actor.role, letter, model).map(({ name }) => name));
  const absent = subject.columns.flatMap(({ name, notNull }) =>
    asked.has(name) && !notNull && granted.has(name) ? [name] : [],
  );
  // Without anything that says whose it is, it is nobody's.
  const owners = [...subject.belongs.map(({ column }) => column), ...userColumnsOf(subject, model)];
  return owners.every((column) => absent.includes(column)) ? [] : absent;
}

/**
 * INSERT on behalf of the other side, and of its user, without what {@link nullableAsked} lets be absent; undefined where it lets
 * nothing.
 */
export function forgedAloneSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const absent = nullableAsked(subject, actor, 'I', model);
  if (absent.length === 0) return undefined;
  const user = subject.users[otherSide(subject, actor)];
  const users = userColumnsOf(subject, model).map((name): [string, string] => [name, user]);
  return insertSql(
    subject,
    actor,
    model,
    'forged',
    new Map([...users, ...absent.map((name): [string, string] => [name, 'NULL'])]),
  );
}

/**
 * INSERTs on behalf of the other side, and of its user, with the actor in the columns that policies to add a row compare with who asks,
 * though they name no user: a key of the row's own, for example. Below A's row, and below those in other states.
 */
export function forgedKeySql(subject: Subject, actor: Actor, model: Model): (string | undefined)[] {
  const compared = new Set(
    model
      .policyFacts(subject.table)
      .flatMap(({ policy, userColumns }) => (policy.permissive && 'a*'.includes(policy.command) ? userColumns : [])),
  );
  const keys = subject.columns.filter(
    (column) => compared.has(column.name) && model.meaningOf(subject.table, column) === undefined,
  );
  if (keys.length === 0 || actor.isAnonymous) return [];
  const side = otherSide(subject, actor);
  const links = linkColumns(subject, model, true).map((link): [string, string] => [link.column, link[side]]);
  const users = userColumnsOf(subject, model).map((name): [string, string] => [name, subject.users[side]]);
  const own = keys.map(({ name }): [string, string] => [name, `'${actingUser}'`]);
  const below = subject.rows.states.map(({ values, links: names = [] }) =>
    names.map((name): [string, string] => [name, values.get(name) ?? 'default']),
  );
  return [[], ...below.filter((one) => one.length > 0)].map((one) =>
    insertSql(subject, actor, model, 'forged', new Map([...links, ...one, ...users, ...own])),
  );
}

/** INSERT of those columns, with explicit values for identity columns. */
export function insertStatement(
  subject: Subject,
  columns: readonly string[],
  values: ReadonlyMap<string, string>,
): string {
  const overriding =
    subject.kind === 'table' &&
    subject.table.columns.some((column) => column.identity === 'a' && columns.includes(column.name));
  return (
    `insert into ${subject.into} (${columns.map(quoteIdentifier).join(', ')})${overriding ? ' overriding system value' : ''} ` +
    `values (${columns.map((name) => values.get(name)).join(', ')})`
  );
}

type Change = (
  subject: Subject,
  actor: Actor,
  model: Model,
  values: Map<string, string>,
) => ReadonlySet<string> | undefined;

/** The columns that each manner changes in the actor's own new row; undefined if it changes none. */
const changes: Record<Manner, Change> = {
  own: () => new Set(),
  least: (_, { relation }) => (relation === 'none' || relation === 'guest' ? undefined : new Set()),
  newcomer: (subject, actor, model, values) => {
    const { membership } = model.tenancy;
    if (subject.table !== membership?.table || actor.relation === 'none' || actor.relation === 'guest')
      return undefined;
    values.set(membership.user, subject.members.newcomer);
    return new Set([membership.user]);
  },
  forged: (subject, actor, model, values) => {
    if (subject.belongs.length === 0 || isUnderA(subject, actor)) return undefined;
    if (subject.table !== model.tenancy.organizations) return new Set(subject.belongs.map((one) => one.column));
    return setUsers(subject, actor, model, values);
  },
  as: (subject, actor, model, values) => {
    // The Storage API sets the owner of an object itself: its users choose the path alone.
    const isShared =
      subject.kind !== 'bucket' &&
      (subject.scope.owner === 'organization' || isUnderA(subject, actor)) &&
      subject.table !== model.tenancy.organizations;
    return isShared ? setUsers(subject, actor, model, values) : undefined;
  },
  cross: (subject, actor, model, values) => {
    const side = actor.side === 'a' ? 'b' : 'a';
    const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
    const all = crossLinks(subject, model);
    // What may not be written keeps its default, where something else may.
    const free = all.filter(({ column }) => granted.has(column));
    const links = free.length > 0 ? free : all;
    for (const link of links) values.set(link.column, link[side]);
    return links.length === 0 ? undefined : new Set(links.map((link) => link.column));
  },
};

/** The actor is a guest, whose new rows there are under A's row anyway. */
export function isUnderA({ scope }: Subject, { relation }: Actor): boolean {
  return relation === 'guest' && (scope.owner !== 'user' || scope.parent !== undefined);
}

/** Replaces the user in every user column: with A, or with B if the actor is A. */
function setUsers(
  subject: Subject,
  actor: Actor,
  model: Model,
  values: Map<string, string>,
): ReadonlySet<string> | undefined {
  const columns = userColumnsOf(subject, model);
  for (const name of columns) values.set(name, actor.relation === 'self' ? subject.users.b : subject.users.a);
  return columns.length === 0 ? undefined : new Set(columns);
}

function isNeeded(subject: Subject, name: string): boolean {
  const column = subject.columns.find((one) => one.name === name)!;
  return (column.notNull && column.default === null) || subject.belongs.some((one) => one.column === name);
}

/** PostgREST adds RETURNING if the client requests the new row, which then must pass a SELECT policy immediately. */
export function returningSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const insert = actor.relation === 'self' ? insertSql(subject, actor, model, 'own') : undefined;
  const [column] = grantedColumns(subject, actor.role, 'S', model);
  return insert === undefined || column === undefined
    ? undefined
    : `${insert} returning ${quoteIdentifier(column.name)}`;
}
