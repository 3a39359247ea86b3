/** Writes to an actor's own rows in a table that other policies read. What they open is checked afterwards. */
import { quoteIdentifier, quoteLiteral } from '../../shared/quote.ts';
import { columnOf, constantOf, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { type ColumnRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { isChosen } from '../catalog/matched-columns.ts';
import { isWhoAsks, type Model } from '../catalog/model.ts';
import { largeNumber, smallNumber } from '../catalog/deciding-columns.ts';
import { isAskedByCalls, isTakenByCalls } from '../catalog/new-row-calls.ts';
import { columnsIn, isPublic, policiesFor } from '../catalog/scope.ts';
import { claimTexts, tokenSources } from '../catalog/token-sources.ts';
import { primaryKey } from '../catalog/tenancy.ts';
import { hintsOf } from '../fixtures/candidates.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import { actingEmail, actingOrganization, actingUser } from '../fixtures/belongings.ts';
import type { Actor } from './actors.ts';
import type { Statement } from './verb-row.ts';
import { insertStatement } from './insert-sql.ts';
import { mentionsOf } from './mentions.ts';
import { condition, grantedColumns, type Subject } from './subject.ts';

/**
 * Maximum number of values to try for one column of free text, and of those that a CHECK lets into another one beside the ones that it is
 * compared with, which are all tried: no comparison tells such from another. A condition that none of the values meets is named.
 */
const mostValues = 10;

/** The same where it is not known that it is compared with them. */
const mostNearby = 4;

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

const privilegedRoles = ['superadmin', 'super_admin', 'owner', 'admin', 'administrator', 'moderator', 'manager'];

/** The key columns of such a table: references to users, and to an organization or another parent. */
interface Keys {
  users: string[];
  /** Columns with the address of who the row is for. One in a key of several columns has no meaning by itself. */
  addresses: string[];
  /** Those of organizations. */
  tenants: string[];
  /** The value of A's row. */
  parents: [name: string, ofA: string][];
}

function keysOf(subject: Subject, model: Model): Keys {
  const { b } = subject.rows;
  const keys: Keys = { users: [], addresses: [], tenants: [], parents: [] };
  // A second tenant with A's key is a duplicate, no matter who adds it: what is tried is one of the actor's own.
  const [tenant] = subject.isTenants ? primaryKey(subject.table) : [];
  for (const column of subject.columns) {
    if (column.name === tenant) continue;
    const meaning = model.meaningOf(subject.table, column);
    const isLink = subject.table.constraints.some((key) => key.type === 'f' && key.columns.includes(column.name));
    const ofA = valueOfA(subject, column.name);
    const isAddress = column.category === 'S' && model.claims.comparedWith(subject.table, column.name) === 'email';
    if (meaning === 'user') keys.users.push(column.name);
    else if (meaning === 'email' || isAddress) keys.addresses.push(column.name);
    else if (
      (meaning !== undefined || isLink) &&
      ofA !== undefined &&
      ofA !== 'NULL' &&
      ofA !== b.values.get(column.name)
    ) {
      keys.parents.push([column.name, ofA]);
      if (meaning === 'organization') keys.tenants.push(column.name);
    }
  }
  return keys;
}

/** What A's row has there; where rows may be below others of the same table, the key of A's row itself. */
function valueOfA({ table, rows }: Subject, name: string): string | undefined {
  const value = rows.a.values.get(name);
  const above = table.constraints.find(
    ({ type, target, columns }) => type === 'f' && target === qualifiedName(table) && columns.join() === name,
  );
  const key = above?.targetColumns?.[0];
  return key === undefined || (value !== undefined && value !== 'NULL') ? value : rows.a.values.get(key);
}

/**
 * Values that may open something, by column: those that readers of the table compare it with, and those that the column
 * itself allows.
 */
function decidingValues(subject: Subject, model: Model, keys: Keys): [string, string][] {
  const [id, ...more] = primaryKey(subject.table);
  // A key of several columns may well have what decides: the role of a user.
  const special = new Set([
    ...keys.users,
    ...keys.parents.map(([name]) => name),
    ...(id === undefined || more.length > 0 ? [] : [id]),
  ]);
  const { named, whole, ranked } = model.dependencies.decidingColumns(qualifiedName(subject.table));
  const claims = claimTexts(subject.table, qualifiedName(subject.table), model);
  const isWhole = isAsked(subject, model) || isAskedByTriggers(qualifiedName(subject.table), model);
  const ofLookups = subject.lookups
    .filter(({ column }) => isWhole && named.has(column) && !keys.users.includes(column))
    .map(({ column, value }): [string, string] => [column, value]);
  const free = subject.columns
    .filter(({ name, generated }) => !special.has(name) && !generated)
    .flatMap((column) => {
      const nearby = /^jsonb?$/.test(column.base) ? undefined : whole?.slice(0, mostNearby);
      const claimed = claims.get(column.name);
      const known = named.get(column.name) ?? (claimed === undefined ? nearby : []);
      const compared = claimed === undefined ? known : [...new Set([...(known ?? []), ...claimed])];
      const values = compared === undefined || !isWhole ? [] : valuesFor(column, compared, subject, model);
      const joined = subject.joined.flatMap(([name, value]) => (name === column.name ? [value] : []));
      const numbers = ranked.has(column.name) && isWhole ? [largeNumber, smallNumber].map(quoteLiteral) : [];
      return [...new Set([...values, ...numbers, ...joined])].map((value): [string, string] => [column.name, value]);
    });
  const known = new Set(free.map((one) => one.join(' ')));
  return [...free, ...ofLookups.filter((one) => !known.has(one.join(' ')))];
}

/** Values of several columns that one reader of the table asks for. */
function valuesTogether(
  subject: Subject,
  model: Model,
  isFree: (one: readonly [string, string]) => boolean,
): [string, string][][] {
  const { together } = model.dependencies.decidingColumns(qualifiedName(subject.table));
  return together
    .flatMap(({ first, joined: besides }) => {
      const asked = subject.columns.flatMap((column): [string, string][] => {
        const text = first.get(column.name);
        const [value] = text === undefined ? [] : valuesFor(column, [text], subject, model);
        return value === undefined || !isFree([column.name, value]) ? [] : [[column.name, value]];
      });
      // Beside what is compared with a constant, what has to be as in a row of A's.
      const joined = new Map(subject.joined.filter((one) => besides.has(one[0]) && isFree(one)).toReversed());
      return joined.size === 0 ? [asked] : [asked, [...asked, ...joined]];
    })
    .filter((values) => values.length > 1);
}

/** A time that has not come yet. */
export const laterTime = "now() + interval '1 year'";

/** SQL of the values that a column gets of those that it is compared with, as far as they fit its type and CHECKs. */
export function valuesFor(column: ColumnRow, compared: readonly string[], subject: Subject, model: Model): string[] {
  if (column.base === 'boolean') return ['true', 'false'];
  if (/^(timestamp|date$)/.test(column.base)) return ['now()', laterTime, ...(column.notNull ? [] : ['NULL'])];
  // Whatever lies in a range lies in the one without bounds.
  if (/^(int4|int8|num|ts|tstz|date)range$/.test(column.base)) return ["'(,)'"];
  if (/^(smallint|integer|bigint|numeric|real|double precision)/.test(column.base)) {
    const numbers = compared.filter((text) => text !== '' && Number.isFinite(Number(text))).map(Number);
    return [...new Set(numbers.flatMap((number) => [number, number + 1, number - 1]))].map((number) =>
      quoteLiteral(String(number)),
    );
  }
  if (/^jsonb?$/.test(column.base)) return compared.map(quoteLiteral);
  if (column.base === 'uuid') return compared.filter((text) => uuid.test(text)).map(quoteLiteral);
  if (/^(?:text|character varying)\[\]$/.test(column.base)) {
    const texts = [...new Set(compared)].map(quoteLiteral);
    return texts.length === 0 ? [] : [`array[${texts.join(', ')}]`, ...texts.map((text) => `array[${text}]`)];
  }
  if (column.category !== 'S' && column.category !== 'E') return [];
  const checks = subject.table.constraints.filter((check) => check.type === 'c' && check.columns.includes(column.name));
  const choices = column.labels ?? hintsOf(checks.map((check) => model.parse(check.expression ?? ''))).texts;
  const isFree = choices.length === 0;
  const roles = privilegedRoles.filter((role) => (isFree ? /role/.test(column.name) : choices.includes(role)));
  const known = new Set(isFree ? compared.slice(0, mostValues) : compared.filter((text) => choices.includes(text)));
  const others = [...choices, ...roles].slice(0, Math.max(0, mostValues - known.size));
  return [...new Set([...known, ...others])].map(quoteLiteral);
}

/**
 * Returns whether the actor's writes of that kind may open something: other policies read the table, and its own
 * policies, or their absence, allow the attempt.
 */
function mayDecide(subject: Subject, actor: Actor, letter: 'I' | 'U', model: Model): boolean {
  return (
    !actor.isAnonymous &&
    actor.relation !== 'self' &&
    subject.kind !== 'bucket' &&
    (isAsked(subject, model) ||
      (actor.relation === 'none' &&
        (isJoinedByTexts(subject, model) ||
          isAskedByTriggers(qualifiedName(subject.table), model) ||
          (letter === 'I' && (isTakenByCalls(subject.table, model) || isPassedOn(subject, model)))))) &&
    grantedColumns(subject, actor.role, letter, model).length > 0 &&
    (!subject.table.rls || subject.kind === 'view' || policiesFor(subject.table, letter, model).length > 0)
  );
}

/**
 * Policies of other tables, views, or functions that users call, ask the table, or one into which its triggers copy; or claims that they
 * ask for are made of it.
 */
function isAsked({ table }: Subject, model: Model): boolean {
  const name = qualifiedName(table);
  const { tables, readers } = tokenSources(model);
  return (
    [name, ...model.dependencies.copied(name).map((one) => one.table)].some(
      (one) => model.dependencies.isDeciding(one) || isAskedByCalls(one, model),
    ) ||
    (readers.size > 0 && tables.has(name))
  );
}

const toldBy = new WeakMap<Model, ReadonlySet<string>>();

/** Triggers of another table, whose rows are not for everybody, read it and write into a third one. */
function isAskedByTriggers(name: string, model: Model): boolean {
  const known = toldBy.get(model) ?? findAskedByTriggers(model);
  toldBy.set(model, known);
  return known.has(name);
}

function findAskedByTriggers(model: Model): Set<string> {
  const found = new Set<string>();
  for (const table of [...model.tables.values()].filter((one) => one.triggers.length > 0 && !isPublic(one, model))) {
    const routines = table.triggers.flatMap((trigger) =>
      trigger.enabled && /[IU]/.test(trigger.events) ? (model.sources.byOid(trigger.function) ?? []) : [],
    );
    for (const routine of routines) {
      const written = model.dependencies.writtenBy(routine);
      if (!model.dependencies.isReadable(routine) || written.size === 0) continue;
      for (const name of model.dependencies.namedBy(routine))
        if (!written.has(name) && name !== qualifiedName(table)) found.add(name);
    }
  }
  return found;
}

/** A trigger of a new row writes what policies of other tables, or views, ask: it lets in whom a comment mentions. */
function isPassedOn({ kind, table, rows }: Subject, { dependencies }: Model): boolean {
  const name = qualifiedName(table);
  return (
    kind === 'table' &&
    dependencies
      .sideEffects(name, { events: 'I' })
      .some((effect) => effect.table !== name && dependencies.isDeciding(effect.table)) &&
    rows.a.key.length > 0
  );
}

/** Functions and triggers compare a text with that of another table: what a user writes there may decide. */
function isJoinedByTexts({ joined, table }: Subject, model: Model): boolean {
  return joined.some(([name]) => isChosen(table, name, model));
}

/**
 * INSERTs of a row with the actor and A's organization or parents: as is, and with each value that may open something.
 * If a row has several users, the actor is each of them in turn and A the others.
 */
export function joinSql(subject: Subject, actor: Actor, model: Model): Statement[] {
  if (!mayDecide(subject, actor, 'I', model)) return [];
  const keys = keysOf(subject, model);
  const mine = keys.users.map((name): [string, string] => [name, `'${actingUser}'`]);
  const addresses = keys.addresses.map((name): [string, string] => [name, actingEmail]);
  const others =
    keys.users.length < 2
      ? []
      : keys.users.map((me) =>
          keys.users.map((name): [string, string] => [name, name === me ? `'${actingUser}'` : subject.users.a]),
        );
  const values = decidingValues(subject, model, keys);
  const isFree = ([name]: readonly [string, string]): boolean =>
    !keys.users.includes(name) && !keys.parents.some(([parent]) => parent === name);
  // A row with only a user in it is the actor's own row, which INSERT already tries.
  const isWhole = isAsked(subject, model) || isTakenByCalls(subject.table, model);
  const isPassed = !isWhole && isPassedOn(subject, model);
  const plain = (isWhole || isPassed) && (keys.parents.length > 0 || keys.users.length > 1) ? [[]] : [];
  const ofTriggers = [...firedValues(subject), ...mentionsOf(subject, model).map((one) => [one])];
  const fired = isPassed && keys.parents.length > 0 ? ofTriggers.filter((one) => one.every(isFree)) : [];
  const further = [
    ...plain,
    ...fired,
    ...values.map((one) => [one]),
    ...(isWhole ? valuesTogether(subject, model, isFree) : []),
  ];
  return [mine, ...others].flatMap((users) =>
    parentsOf(subject, keys, actor).flatMap((parents) =>
      further.map((sets) => ({
        sql: insertOf(subject, actor, model, new Map([...users, ...addresses, ...parents, ...sets])),
        variant: { sets, of: JSON.stringify([users, parents]) },
      })),
    ),
  );
}

/** What triggers of the table ask for in a row of it. */
function firedValues({ rows }: Subject): [string, string][][] {
  return rows.states
    .filter(({ isFired, columns = [] }) => isFired === true && columns.length > 0)
    .map(({ values, columns = [] }) => columns.map((name): [string, string] => [name, values.get(name) ?? 'default']));
}

/** The keys of A's rows; in a row of two organizations, or of two other rows, also with the actor's own in place of each in turn. */
function parentsOf(
  { table, rows }: Subject,
  { parents, tenants }: Keys,
  { isNobody, side }: Actor,
): (readonly [string, string])[][] {
  const ofTwo = tenants.length < 2 || isNobody || side === 'a' ? [] : tenants;
  const alone = new Set(
    table.constraints.flatMap(({ type, columns }) => (type === 'f' && columns.length === 1 ? columns : [])),
  );
  const others = parents.map(([name]) => name).filter((name) => alone.has(name) && !tenants.includes(name));
  const owned = others.length < 2 || isNobody || side === 'a' ? [] : others;
  return [
    parents,
    ...ofTwo.map((own) =>
      parents.map(([name, ofA]) => [name, name === own ? `'${actingOrganization}'` : ofA] as const),
    ),
    ...owned.map((own) =>
      parents.map(([name, ofA]) => [name, name === own ? (rows.b.values.get(name) ?? ofA) : ofA] as const),
    ),
  ];
}

/** INSERT of the actor's new row, with those values in it as far as it may choose them. */
export function insertOf(subject: Subject, actor: Actor, model: Model, changed: ReadonlyMap<string, string>): string {
  const values = new Map([...subject.fresh[actor.side].values, ...changed]);
  const granted = new Set(grantedColumns(subject, actor.role, 'I', model).map((column) => column.name));
  // Who may not choose the user of a row gets the default: who asks.
  const isLeft = ({ name, default: sql }: ColumnRow): boolean =>
    values.get(name) === `'${actingUser}'` && sql !== null && isWhoAsks(model.parse(sql), model);
  const columns = subject.columns
    .filter((column) => granted.has(column.name) || (changed.has(column.name) && !isLeft(column)))
    .flatMap(({ name }) => (values.has(name) ? [name] : []));
  return insertStatement(subject, columns, values);
}

/** DELETE of the actor's generated row, if there is only one row per user, so that its new row can be inserted. */
export function ownRowSql(subject: Subject, model: Model): string | undefined {
  const { users } = keysOf(subject, model);
  const name = qualifiedName(subject.table);
  const isOnePerUser = uniqueSets(subject.table).some(
    ([column = '', ...more]) => more.length === 0 && users.includes(column),
  );
  const isReferred = [...model.tables.values()].some((table) => table.constraints.some((key) => key.target === name));
  return isOnePerUser && !isReferred && subject.kind === 'table'
    ? `delete from ${subject.into} where ${ownCondition(users)}`
    : undefined;
}

function ownCondition(users: readonly string[]): string {
  return users.map((name) => `${quoteIdentifier(name)} = '${actingUser}'`).join(' or ');
}

/** Not everything may be in that column of a new row: its privilege or a policy holds it back, and a later change may not. */
function isHeldBack(name: string, subject: Subject, actor: Actor, model: Model): boolean {
  const inserting = policiesFor(subject.table, 'I', model);
  return (
    inserting.length > 0 &&
    (!grantedColumns(subject, actor.role, 'I', model).some((column) => column.name === name) ||
      inserting.every(({ check, using }) => columnsIn(check ?? using, subject.table, model).has(name)))
  );
}

/** Columns that may be empty, and whose new value a trigger compares with the old one by `=` or `<>`. */
function looselyGuarded({ table, kind }: Subject, model: Model): ReadonlySet<string> {
  const found = new Set<string>();
  const optional = new Set(table.columns.flatMap(({ name, notNull }) => (notNull ? [] : [name])));
  for (const trigger of kind === 'table' ? table.triggers : []) {
    const routine = trigger.enabled && trigger.events.includes('U') ? model.sources.byOid(trigger.function) : undefined;
    walk(routine === undefined ? undefined : model.sources.body(routine).trees, (type, node) => {
      if (type !== 'A_Expr' || node['kind'] !== 'AEXPR_OP') return;
      if (!/^(=|<>)$/.test(nameParts(node['name']).at(-1) ?? '')) return;
      const [left, right] = [columnOf(node['lexpr']), columnOf(node['rexpr'])];
      const isOfBoth = [left?.qualifier, right?.qualifier].toSorted().join() === 'new,old';
      if (left !== undefined && isOfBoth && left.name === right?.name && optional.has(left.name)) found.add(left.name);
    });
  }
  return found;
}

/**
 * UPDATEs of the actor's own rows: each value that may open something, and A's organization, parents or user instead of
 * its own.
 */
export function adjustSql(subject: Subject, actor: Actor, model: Model): Statement[] {
  if (!mayDecide(subject, actor, 'U', model)) return [];
  const { membership } = model.tenancy;
  const keys = keysOf(subject, model);
  if (keys.users.length === 0 && actor.side === 'a') return [];
  const where = keys.users.length > 0 ? ownCondition(keys.users) : condition(subject.rows.b.key);
  const update = (sets: readonly [string, string][]): Statement => ({
    sql: `update ${subject.into} set ${sets.map(([name, value]) => `${quoteIdentifier(name)} = ${value}`).join(', ')} where ${where}`,
    variant: { sets, of: where },
  });
  const granted = new Set(grantedColumns(subject, actor.role, 'U', model).map((column) => column.name));
  const isGranted = ([name]: readonly [string, string]): boolean => granted.has(name);
  const held = new Map([
    ...(actor.side === 'b' && !actor.isNobody ? subject.rows.b.values : []),
    ...(subject.table === membership?.table && membership.role !== undefined && actor.memberRole !== undefined
      ? [[membership.role, quoteLiteral(membership.values?.get(actor.memberRole) ?? actor.memberRole)] as const]
      : []),
  ]);
  const plain = (sql: string): string => constantOf(model.parse(sql)) ?? sql;
  // What the actor's row has already changes nothing, unless it could not be in a new row from the start.
  const usual = (name: string): string =>
    subject.fresh[actor.side].values.get(name) ??
    subject.columns.find((column) => column.name === name)?.default ??
    'NULL';
  const isHeld = ([name, value]: readonly [string, string]): boolean =>
    held.has(name) &&
    plain(held.get(name)!) === plain(value) &&
    !(plain(usual(name)) !== plain(value) && isHeldBack(name, subject, actor, model));
  const values = decidingValues(subject, model, keys).filter((one) => isGranted(one) && !isHeld(one));
  const parents = keys.parents.filter(isGranted);
  const friends =
    keys.users.length < 2 ? [] : keys.users.map((name): [string, string] => [name, subject.users.a]).filter(isGranted);
  if (!isAsked(subject, model)) return values.map((one) => update([one]));
  // What is compared with nothing is neither equal to it nor different: a guard that compares so lets the second change pass.
  const loose = looselyGuarded(subject, model);
  const unset = [...new Set([...values, ...parents].map(([name]) => name))].filter((name) => loose.has(name));
  return [
    ...unset.map((name): [string, string][] => [[name, 'NULL']]),
    ...values.map((one) => [one]),
    ...valuesTogether(subject, model, (one) => isGranted(one) && !isHeld(one)),
    ...parents.map((one) => [one]),
    ...(parents.length > 1 ? [parents] : []),
    ...friends.map((one) => [one]),
  ].map(update);
}
