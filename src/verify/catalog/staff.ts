/** Where the muse keeps who may do more than others: tables of staff, and flags in the rows of users. */
import { type ColumnRow, isPlatformSchema, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import type { Node } from '../../sql/nodes.ts';
import { givenColumn } from './given-columns.ts';
import { calledBodies } from './called-bodies.ts';
import { allowedTexts } from './compared-values.ts';
import { rankOf } from './role-names.ts';
import { isFree } from './claims.ts';
import { effectsOf } from './effects.ts';
import { madeColumns } from './made-columns.ts';
import { matchesIn } from './matched-columns.ts';
import type { Model } from './model.ts';
import { policiesFor, scopeOf } from './scope.ts';
import { isOfPersons } from './persons.ts';
import { isTable, primaryKey } from './tenancy.ts';

export interface Staff {
  /** Tables, as `schema.name`, in which having a row gives a user elevated permissions. Strangers get no row there. */
  tables: ReadonlySet<string>;
  /**
   * Tables, as `schema.name`, that may be of staff or of all users: what is in a row decides. Strangers get a row, unless that alone
   * turns out to open rows of others.
   */
  doubted: ReadonlySet<string>;
  /** Tables, as `schema.name`, in which a row takes permissions from a user: bans. None of the actors has one. */
  bans: ReadonlySet<string>;
  /** By `schema.name`: columns of a user's row that give elevated permissions, with the SQL of the value that does. */
  flags: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Tables, as `schema.name`, whose rows give a user a role by the key of a row in a table of roles. */
  ladders: ReadonlyMap<string, RoleKey>;
  /** The same for rows that share another row with a user. These do not make anyone a member of the staff. */
  shareFlags: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** A key of a table of roles. */
export interface RoleKey {
  column: string;
  /** The table of roles, its key, and the columns that say what a role is, each with the values that are asked for, the most often first. */
  table: RelationRow;
  key: string;
  asked: ReadonlyMap<string, readonly string[]>;
}

const known = new WeakMap<Model, Staff>();

/**
 * Finds them among the tables that policies of other tables, or the functions called by those, read. Cached per model.
 */
export function findStaff(model: Model): Staff {
  const staff = known.get(model) ?? readStaff(model);
  known.set(model, staff);
  return staff;
}

/** Says whether policies of the table let the muse's own staff do more, by a row, a flag or a claim. */
export function isForStaff(table: RelationRow, model: Model): boolean {
  if (hasStaffClaim(table, model)) return true;
  const { tables, flags, ladders } = findStaff(model);
  // The objects of a bucket are a table of their own, with the policies that are about it.
  const own = table.policies.flatMap(({ using, check }) => [using, check]);
  const trees = own.flatMap((sql) => (sql === null ? [] : [model.parse(sql)]));
  const isBucket = table.schema === 'storage' && model.tables.get(qualifiedName(table)) !== table;
  return [...tables, ...flags.keys(), ...ladders.keys()].some((name) =>
    isBucket
      ? [...trees, ...bodiesCalled(trees, model)].some((tree) => names(tree, model.tables.get(name)!))
      : model.dependencies.askers(name).includes(table),
  );
}

/** A signed claim that only the product's own staff is given opens rows of the table, whosever they are. */
function hasStaffClaim(table: RelationRow, model: Model): boolean {
  return model.claims.all.some(
    (claim) =>
      claim.isSigned &&
      claim.columns.length === 0 &&
      claim.constants.some((one) => !isFree(claim, one) && one.alone.some((place) => place.table === table)),
  );
}

function readStaff(model: Model): Staff {
  const tables = new Set<string>();
  const [bans, doubted] = [new Set<string>(), new Set<string>()];
  const ladders = new Map<string, RoleKey>();
  const [flags, shareFlags] = [
    new Map<string, ReadonlyMap<string, string>>(),
    new Map<string, ReadonlyMap<string, string>>(),
  ];
  for (const table of [...model.tables.values()].filter((row) => isTable(row) && !isPlatformSchema(row.schema))) {
    const name = qualifiedName(table);
    const asking = model.dependencies.askers(name).filter((asker) => asker !== table && !leadsTo(asker, table, model));
    const isShare = sharesParent(table, model);
    if (asking.length === 0 && !isShare && isOnceForUsers(table, model) && isAskedByCallers(name, model)) {
      if (model.staffTables.has(name)) tables.add(name);
      else if (!isProfile(table, model, isOneOfUsers) && !isMadeForAll(table, model)) doubted.add(name);
      continue;
    }
    if (asking.length === 0 || !(isShare || isOfUsersAlone(table, model))) continue;
    const all = asking.flatMap((asker) => treesOf(asker, model));
    const ladder = roleKeyOf(table, all, model);
    if (ladder !== undefined) {
      ladders.set(name, ladder);
      if (model.staffTables.has(name)) tables.add(name);
      else if (!isMadeForAll(table, model)) doubted.add(name);
      continue;
    }
    const trees = all.filter((tree) => names(tree, table));
    const found = flagsOf(table, trees, all, model);
    // Where a policy asks what is in it, a row counts for that alone.
    const isMatched = matchesIn(model).some(({ of }) => of === table);
    const mayBeOfStaff =
      !isShare &&
      !isMatched &&
      !isProfile(table, model) &&
      !isMadeForAll(table, model) &&
      !isAskedByPairs(table, trees, model);
    // Rows of others refer to it, which may be because of what its users do there.
    const isReferred = referencesTo(table, model).length > 0;
    if (model.staffTables.has(name)) tables.add(name);
    else if (found.size > 0) {
      (isShare ? shareFlags : flags).set(name, found);
      if (mayBeOfStaff) doubted.add(name);
    } else if (mayBeOfStaff && (isReferred || isDecidedByUsers(table, all, model))) doubted.add(name);
    else if (mayBeOfStaff) {
      const negated = all.flatMap(negatedIn).filter(({ part }) => isNegated(part, table, model));
      if (negated.length === 0) tables.add(name);
      else if (negated.every(({ isAlternative }) => !isAlternative)) bans.add(name);
    }
  }
  return { tables, doubted, bans, flags, ladders, shareFlags };
}

/** Its rows describe a user and nothing else, each user by one of them. */
function isOnceForUsers(table: RelationRow, model: Model): boolean {
  const isUser = (name: string): boolean =>
    table.columns.some((column) => column.name === name && model.meaningOf(table, column) === 'user');
  const isOnce = table.constraints.some(
    ({ type, columns }) => (type === 'p' || type === 'u') && columns.length === 1 && isUser(columns[0]!),
  );
  return isOnce && isOfUsersAlone(table, model);
}

/**
 * Whatever asks for the table asks for one that joins its rows to others by a key of each, as consents do doctors to patients: a row here
 * opens nothing without one there.
 */
function isAskedByPairs(table: RelationRow, trees: readonly unknown[], model: Model): boolean {
  const joining = referencesTo(table, model).flatMap(([other]) =>
    other.constraints.some(({ type, target }) => type === 'f' && target !== qualifiedName(table)) ? [other] : [],
  );
  return trees.length > 0 && trees.every((tree) => joining.some((other) => names(tree, other)));
}

/** Functions with their owner's rights, which users call, name the table and do not write it: they may ask who of the staff calls. */
function isAskedByCallers(name: string, { catalog, dependencies, userRole }: Model): boolean {
  return catalog.functions.some(
    (routine) =>
      routine.definer &&
      routine.execute.includes(userRole) &&
      dependencies.namedBy(routine).has(name) &&
      !dependencies.writtenBy(routine).has(name),
  );
}

/** The key by which rows of the table give a user a role, if what reads them asks what the role is. */
function roleKeyOf(table: RelationRow, trees: readonly unknown[], model: Model): RoleKey | undefined {
  if (table === model.tenancy.membership?.table) return undefined;
  const reading = trees.filter((tree) => names(tree, table));
  for (const { type, columns, target, targetColumns } of table.constraints) {
    const roles = model.tables.get(target ?? '');
    const [column, key] = [columns[0], targetColumns?.[0]];
    if (type !== 'f' || columns.length !== 1 || roles === undefined || column === undefined || key === undefined)
      continue;
    const isOwned =
      roles === model.tenancy.organizations ||
      model.tenancy.userTables.has(target ?? '') ||
      roles.columns.some((one) => model.meaningOf(roles, one) !== undefined);
    const both = isOwned ? [] : reading.filter((tree) => names(tree, roles));
    const asked = valuesAsked(roles, both, [], model);
    if (asked.size > 0) return { column, table: roles, key, asked };
  }
  return undefined;
}

/** Rows of the asker belong to rows of the table, directly, or to a table of no users by others between them. */
function leadsTo(asker: RelationRow, table: RelationRow, model: Model): boolean {
  const name = qualifiedName(table);
  const isDirect = model.tenancy.userTables.has(name);
  const above = new Set([asker]);
  for (const one of above) {
    for (const { type, target, columns } of one.constraints) {
      if (type !== 'f' || target === null) continue;
      if (target === name && isDirect && one === asker && !isOwnedBy(asker, columns, model)) continue;
      if (target === name) return true;
      const parent = model.tables.get(target);
      if (parent !== undefined && !isDirect && !model.tenancy.userTables.has(target)) above.add(parent);
    }
  }
  return false;
}

/** Every user has a row there: it is the table of users, or of people who stand for them, or rows of other tables belong to those in it. */
function isProfile(
  table: RelationRow,
  model: Model,
  tells: (other: RelationRow, table: RelationRow, model: Model) => boolean = () => true,
): boolean {
  return (
    table === model.tenancy.users ||
    isOfPersons(table, model.tenancy) ||
    /^profiles?$/.test(table.name) ||
    referencesTo(table, model).some(
      ([other, columns]) => isOwnedBy(other, columns, model) && tells(other, table, model),
    )
  );
}

/** Its rows name no users of another table: otherwise the one may be staff that helps the other, whose column comes first. */
function isOneOfUsers(other: RelationRow, table: RelationRow, { tenancy }: Model): boolean {
  const name = qualifiedName(table);
  return !other.constraints.some(
    ({ type, target }) => type === 'f' && target !== null && target !== name && tenancy.userTables.has(target),
  );
}

/** The foreign keys of other tables that lead to it. */
function referencesTo(table: RelationRow, model: Model): [other: RelationRow, columns: readonly string[]][] {
  const name = qualifiedName(table);
  return [...model.tables.values()].flatMap((other) =>
    other.constraints
      .filter(({ type, target }) => type === 'f' && target === name)
      .map(({ columns }): [RelationRow, readonly string[]] => [other, columns]),
  );
}

/** The columns say whose a row is. Others name who else deals with it: a ticket is the customer's, and not the agent's to whom it is assigned. */
function isOwnedBy(table: RelationRow, columns: readonly string[], model: Model): boolean {
  const { owner, columns: owners } = scopeOf(table, model);
  return owner === undefined || columns.some((column) => owners.includes(column));
}

/** A trigger makes a row there for every new user. */
function isMadeForAll(table: RelationRow, { tenancy, dependencies }: Model): boolean {
  const name = qualifiedName(table);
  return [...tenancy.userTables].some((users) =>
    dependencies.sideEffects(users).some((effect) => effect.table === name),
  );
}

/**
 * Policies ask for more of the row than that it is there, and users may write that, themselves or by a function: a stranger may
 * well have a row.
 * A column that has to be null is so in any row.
 */
function isDecidedByUsers(table: RelationRow, trees: readonly unknown[], model: Model): boolean {
  const { named, whole, joined } = model.dependencies.decidingColumns(qualifiedName(table));
  const asked = new Set([...named.keys(), ...joined.map((join) => join.column)]);
  const key = primaryKey(table);
  const tested = new Set<string>();
  walk(trees, (type, test) => {
    const column = type === 'NullTest' && test['nulltesttype'] === 'IS_NULL' ? columnOf(test['arg']) : undefined;
    if (column !== undefined) tested.add(column.name);
  });
  const isAsked = (column: ColumnRow): boolean =>
    !(key.length === 1 && key[0] === column.name) &&
    !tested.has(column.name) &&
    model.meaningOf(table, column) === undefined &&
    (asked.has(column.name) || whole !== undefined);
  const made = madeColumns(table, model);
  const isWritten = (column: ColumnRow): boolean =>
    column.generated ||
    made.has(column.name) ||
    table.grants[model.userRole]?.includes('U') === true ||
    table.columnGrants[model.userRole]?.U?.includes(column.name) === true;
  const isOpen = !table.rls || policiesFor(table, 'U', model).length > 0;
  const isByFunction = model.catalog.functions.some(
    (routine) =>
      routine.kind !== 't' &&
      routine.execute.includes(model.userRole) &&
      model.dependencies.isReadable(routine) &&
      model.dependencies.writtenBy(routine).has(qualifiedName(table)),
  );
  return table.columns.some((column) => isAsked(column) && (isByFunction || (isOpen && isWritten(column))));
}

/** Its rows describe a user and nothing else: no organization, nothing shared. */
function isOfUsersAlone(table: RelationRow, model: Model): boolean {
  const meanings = table.columns.map((column) => model.meaningOf(table, column));
  const leadsOn = table.constraints.some(
    (key) =>
      key.type === 'f' &&
      key.target !== null &&
      !model.tenancy.userTables.has(key.target) &&
      model.tables
        .get(key.target)
        ?.columns.some((column) => model.meaningOf(model.tables.get(key.target!)!, column) !== undefined) === true,
  );
  return (
    table !== model.tenancy.membership?.table &&
    meanings.includes('user') &&
    !meanings.includes('organization') &&
    !leadsOn
  );
}

/**
 * Its rows join a user to a row of another table, and nothing references them, so they matter only to the policies that
 * read them.
 */
function sharesParent(table: RelationRow, model: Model): boolean {
  const name = qualifiedName(table);
  const joins = table.constraints.some(
    (key) => key.type === 'f' && key.target !== name && !model.tenancy.userTables.has(key.target ?? ''),
  );
  return (
    joins &&
    table !== model.tenancy.membership?.table &&
    table.columns.some((column) => model.meaningOf(table, column) === 'user') &&
    ![...model.tables.values()].some((other) =>
      other.constraints.some((key) => key.type === 'f' && key.target === name),
    )
  );
}

/** The expressions of a table's policies, and the bodies of the functions that those call. */
function treesOf(asker: RelationRow, model: Model): unknown[] {
  const own = asker.policies
    .flatMap(({ using, check }) => [using, check])
    .filter((sql) => sql !== null)
    .map((sql) => model.parse(sql));
  return [...own, ...calledBodies(own, model)];
}

/** The bodies of the functions that the expressions call, directly or indirectly. */
export function bodiesCalled(expressions: readonly unknown[], model: Model): unknown[] {
  const called = model.sources.called(effectsOf({ trees: expressions as Node[] }));
  const reached = new Set(
    called.filter(({ schema }) => !isPlatformSchema(schema)).flatMap((routine) => [...model.sources.reached(routine)]),
  );
  return [...reached].flatMap((routine) => model.sources.body(routine).trees);
}

/** Says whether a tree reads from the table. */
export function names(tree: unknown, table: RelationRow): boolean {
  let found = false;
  walk(tree, (type, range) => {
    found ||=
      type === 'RangeVar' && range['relname'] === table.name && (range['schemaname'] ?? table.schema) === table.schema;
  });
  return found;
}

/** The negated parts of a condition; one beside OR gives access by itself. */
export function negatedIn(tree: unknown): { part: unknown; isAlternative: boolean }[] {
  const found: { part: unknown; isAlternative: boolean }[] = [];
  const alternatives = new Set<unknown>();
  walk(tree, (type, bool) => {
    if (type !== 'BoolExpr') return;
    const args = bool['args'] as unknown[];
    if (bool['boolop'] === 'OR_EXPR') for (const arg of args) alternatives.add(fields(arg, 'BoolExpr'));
    if (bool['boolop'] === 'NOT_EXPR') found.push({ part: args, isAlternative: alternatives.has(bool) });
  });
  return found;
}

/** Its absence is asked for: `NOT EXISTS (SELECT … FROM bans …)`, or NOT of a function that looks there. */
function isNegated(part: unknown, table: RelationRow, model: Model): boolean {
  return [part, ...bodiesCalled([part], model)].some((one) => names(one, table));
}

/**
 * The columns, other than its keys, that are compared with a constant or are boolean conditions, each with the value that most of those let
 * through: the most privileged of equally many.
 */
function flagsOf(
  table: RelationRow,
  trees: readonly unknown[],
  all: readonly unknown[],
  model: Model,
): Map<string, string> {
  return new Map([...valuesAsked(table, trees, all, model)].map(([name, values]) => [name, values[0]!]));
}

/** The same, with all the values. */
function valuesAsked(
  table: RelationRow,
  trees: readonly unknown[],
  all: readonly unknown[],
  model: Model,
): Map<string, readonly string[]> {
  const keys = new Set([
    ...primaryKey(table),
    ...table.columns.filter((column) => model.meaningOf(table, column) !== undefined).map(({ name }) => name),
  ]);
  const found = new Map<string, Map<string, number>>();
  const note = (name: string | undefined, values: readonly string[]): void => {
    const column = table.columns.find((one) => one.name === name);
    if (column === undefined || keys.has(column.name) || column.generated) return;
    const counts = found.get(column.name) ?? new Map<string, number>();
    for (const sql of new Set(values)) counts.set(sql, (counts.get(sql) ?? 0) + 1);
    if (counts.size > 0) found.set(column.name, counts);
  };
  const flag = (node: unknown, sql: string): void => {
    if (table.columns.find(({ name }) => name === columnOf(node)?.name)?.base === 'boolean')
      note(columnOf(node)?.name, [sql]);
  };
  const compare = (node: Record<string, unknown>, name: string | undefined): void => {
    const operator = nameParts(node['name']).at(-1);
    if (name === undefined || (operator !== '=' && operator !== '<>')) return;
    const items = (fields(node['rexpr'], 'List')?.['items'] ??
      fields(node['rexpr'], 'A_ArrayExpr')?.['elements'] ?? [node['rexpr']]) as unknown[];
    const constants = items.map((item) => constantOf(item)).filter((constant) => constant !== undefined);
    const column = table.columns.find((one) => one.name === name);
    const allowed = operator === '=' || constants.length === 0 ? [] : allowedTexts(table, column, model.parse);
    const values = operator === '=' ? constants : allowed.filter((value) => !constants.includes(value));
    note(name, values.map(quoteLiteral));
  };
  walk(trees, (type, node) => {
    if (type === 'BoolExpr')
      for (const arg of node['args'] as unknown[]) flag(arg, String(node['boolop'] !== 'NOT_EXPR'));
    if (type === 'BooleanTest')
      flag(node['arg'], String(['IS_TRUE', 'IS_NOT_FALSE'].includes(String(node['booltesttype']))));
    if (type === 'ResTarget') flag(node['val'], 'true');
    if (type === 'SelectStmt') flag(node['whereClause'], 'true');
    if (type === 'A_Expr') compare(node, columnOf(node['lexpr'])?.name);
  });
  // What a helper gives is compared where the table is not named.
  walk(all, (type, node) => {
    if (type === 'A_Expr' && columnOf(node['lexpr']) === undefined)
      compare(node, givenColumn(node['lexpr'], table, model));
  });
  const best = ([sql, count]: [string, number], [other, more]: [string, number]): number =>
    more - count || rankOf(sql) - rankOf(other);
  return new Map([...found].map(([name, counts]) => [name, [...counts].sort(best).map(([sql]) => sql)]));
}
