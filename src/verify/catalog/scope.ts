import {
  type ColumnRow,
  type ConstraintRow,
  type PolicyRow,
  qualifiedName,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import { isDeclared } from '../../rules/engine/live/expectations.ts';
import { columnOf, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { holdingTables, isHeldByKey } from './held-keys.ts';
import type { Model } from './model.ts';
import { isJoinedToUsers, personsOf } from './persons.ts';
import { polymorphicKeys } from './polymorphic.ts';
import { isTable, primaryKey } from './tenancy.ts';
import { userList } from './user-lists.ts';

/** Who owns the rows of a table, which determines who should be able to do what with them. */
export interface Scope {
  kind: 'owner' | 'organization' | 'public-read' | 'service-only' | 'unowned';
  /** Its text in reports and JSON: `owner user_id`, `organization via deals`. */
  text: string;
  /** Columns that determine a row's owner: changing them reassigns it. Empty if rows have no owner. */
  columns: string[];
  /** How those columns lead to an owner: directly, or through the rows that they reference. */
  owner: 'user' | 'organization' | undefined;
  /** The table of the parent rows, as `schema.name`, if the rows have no owner column of their own. */
  parent: string | undefined;
  /** The policies let other members of the owner's organization read or write, so they are allowed to. */
  coMembersRead: boolean;
  coMembersWrite: boolean;
  /** Users belong to the rows by a table that joins them and that the policies read, as to the rooms of a chat. */
  isJoined: boolean;
  /** Only those whom it joins read them. */
  isReadByJoined: boolean;
}

interface Ownership {
  owner: 'user' | 'organization';
  columns: string[];
  parent?: string;
}

const known = new WeakMap<Model, Map<RelationRow, Scope>>();

/** Determines the scope of a table from its declarations, columns, policies and foreign keys. Cached per model. */
export function scopeOf(table: RelationRow, model: Model): Scope {
  const scopes = known.get(model) ?? new Map<RelationRow, Scope>();
  known.set(model, scopes);
  const scope = scopes.get(table) ?? findScope(table, model);
  scopes.set(table, scope);
  return scope;
}

function findScope(table: RelationRow, model: Model): Scope {
  const name = qualifiedName(table);
  const shared = model.declarations.find(
    (declaration) => declaration.table === name && declaration.scope === 'shared-with',
  );
  const readers = ownershipOf(table, model, new Set());
  const ownership = readers ?? ownershipOfWriters(table, model);
  const coMembers = (commands: string): boolean =>
    model
      .policyFacts(table)
      .some(({ policy, membership }) => membership && policy.permissive && commands.includes(policy.command));
  // By a polymorphic key, the parent of a row may be another one's row, or the organization's.
  const mayBeShared = polymorphicKeys(table, model).some(({ targets }) =>
    targets.some((target) => ownershipOf(target.table, model, new Set([name]))?.owner === 'organization'),
  );
  const base = {
    columns: ownership?.columns ?? [],
    owner: ownership?.owner,
    parent: ownership?.parent,
    coMembersRead:
      coMembers('r*') ||
      mayBeShared ||
      isReadWithParent(table, model, new Set()) ||
      (shared !== undefined && meaningOf(table, shared.column, model) === 'organization'),
    coMembersWrite: coMembers('awd*') || mayBeShared,
    isJoined: readers === undefined && isJoined(table, model),
    isReadByJoined: readers === undefined && (isReadByJoined(table, model) || isHeldByKey(table, model, isOwned)),
  };
  if (isDeclared(model.declarations, name, 'service-only'))
    return { ...base, kind: 'service-only', text: 'service-only' };
  if (isPublic(table, model)) {
    return {
      ...base,
      kind: 'public-read',
      text: ownership === undefined ? 'public-read' : `public-read, ${describe(ownership)}`,
    };
  }
  if (ownership === undefined) return { ...base, kind: 'unowned', text: 'unowned' };
  if (readers === undefined) return { ...base, kind: 'unowned', text: `unowned, written by ${describe(ownership)}` };
  return { ...base, kind: ownership.owner === 'user' ? 'owner' : 'organization', text: describe(ownership) };
}

/**
 * Says whether everyone may read all rows: it is declared of the table, or beside a policy that lets all rows through. Of a list of what
 * users belong to, as plans, such a policy says enough; what belongs to its rows is as private as before.
 */
export function isPublic(table: RelationRow, model: Model): boolean {
  const isOpenList =
    table === model.tenancy.organizations &&
    model.tenancy.isList &&
    policiesFor(table, 'S', model).some(({ using }) => using === 'true');
  return isOpenList || publicPolicies(table, model).some((using) => using === undefined || using === 'true');
}

/** The conditions of policies beside which it is declared that everyone may read what they let through. */
export function publicConditions(table: RelationRow, model: Model): string[] {
  return publicPolicies(table, model).filter((using) => using !== undefined);
}

/** What is declared to be read by everyone: `undefined` for the whole table, else the condition of a policy. */
function publicPolicies(table: RelationRow, { declarations }: Model): (string | undefined)[] {
  return declarations
    .filter(({ table: name, scope }) => name === qualifiedName(table) && scope === 'public-read')
    .flatMap(({ policy: name }): (string | undefined)[] => {
      if (name === undefined) return [undefined];
      const policy = table.policies.find((one) => one.name === name && (one.command === 'r' || one.command === '*'));
      return policy?.using == null ? [] : [policy.using];
    });
}

/** Who sees the row that it belongs to sees it as well, and a co-member sees that one. */
function isReadWithParent(table: RelationRow, model: Model, seen: ReadonlySet<RelationRow>): boolean {
  if (seen.has(table)) return false;
  const further = new Set([...seen, table]);
  const isSeen = (parent: RelationRow): boolean =>
    model
      .policyFacts(parent)
      .some(({ policy, membership }) => membership && policy.permissive && 'r*'.includes(policy.command)) ||
    isReadWithParent(parent, model, further);
  return policiesFor(table, 'S', model).some(({ using }) => {
    const asked = columnsIn(using, table, model);
    return table.constraints.some(({ type, target, columns }) => {
      const parent = model.tables.get(target ?? '');
      return (
        type === 'f' &&
        parent !== undefined &&
        columns.every((column) => asked.has(column)) &&
        namesOneOf(using, [parent], model) &&
        isSeen(parent)
      );
    });
  });
}

/** Users are joined to the row, or to the row that it belongs to, and its policies ask for that; or one of the two lists them. */
function isJoined(table: RelationRow, model: Model): boolean {
  return (
    joiningTables(table, model).length > 0 ||
    holdingTables(table, model, isOwned).length > 0 ||
    listingTables(table, model).length > 0
  );
}

/** The table itself, or those to which its rows belong and for which its policies ask, where a row lists the users whom it lets in. */
function listingTables(table: RelationRow, model: Model): RelationRow[] {
  return [qualifiedName(table), ...parentsOf(table, model)].flatMap((name) => {
    const listing = model.tables.get(name);
    const isAsked = listing === table || model.dependencies.askers(name).includes(table);
    return listing !== undefined && isAsked && userList(listing, model) !== undefined ? [listing] : [];
  });
}

function joiningTables(table: RelationRow, model: Model): RelationRow[] {
  const names = new Set([qualifiedName(table), ...parentsOf(table, model)]);
  return [...model.tables.values()].filter(
    (joining) =>
      joining !== table &&
      joining.constraints.some((key) => key.type === 'f' && names.has(key.target ?? '')) &&
      joining.columns.some(
        (column) =>
          model.meaningOf(joining, column) === 'user' ||
          personsOf(joining, column.name, model.tenancy.persons) !== undefined,
      ) &&
      model.dependencies.askers(qualifiedName(joining)).includes(table),
  );
}

/** Its rows are someone's, or users are joined to them, not by the other table. */
const isOwned = (table: RelationRow, beside: RelationRow, model: Model): boolean =>
  ownershipOf(table, model, new Set([qualifiedName(beside)])) !== undefined ||
  joiningTables(table, model).some((joining) => joining !== beside);

/** The foreign keys of the table to what users are joined to, where only those read its rows. */
export function joinedKeys(table: RelationRow, model: Model): ConstraintRow[] {
  const { isReadByJoined: isAsked } = scopeOf(table, model);
  const joining = isAsked ? joiningTables(table, model) : [];
  const targets = new Set([
    ...joining.flatMap(({ constraints }) => constraints.flatMap(({ type, target }) => (type === 'f' ? [target] : []))),
    ...(isAsked ? listingTables(table, model).map(qualifiedName) : []),
  ]);
  return table.constraints.filter(
    ({ type, target, columns }) =>
      type === 'f' &&
      targets.has(target) &&
      !columns.some((column) => ['user', 'email'].includes(meaningOf(table, column, model) ?? '')),
  );
}

/** What the rows of the table must belong to, all of them or those that users write. */
function parentsOf(table: RelationRow, model: Model): string[] {
  const asked = writersAsk(table, model);
  const isRequired = (name: string): boolean =>
    table.columns.some((column) => column.name === name && column.notNull) ||
    (asked.length > 0 && asked.every((names) => names.has(name)));
  return table.constraints.flatMap(({ type, target, columns }) =>
    type === 'f' && target !== null && columns.every(isRequired) ? [target] : [],
  );
}

/**
 * Every policy by which the rows are read asks for the table that joins users to them, or one does for the list of those whom the row
 * lets in: who is not joined must not read them.
 */
function isReadByJoined(table: RelationRow, model: Model): boolean {
  const joining = joiningTables(table, model);
  const listing = listingTables(table, model);
  const list = userList(table, model)?.column.name ?? '';
  const reading = policiesFor(table, 'S', model);
  return (
    (joining.length > 0 && reading.length > 0 && reading.every(({ using }) => namesOneOf(using, joining, model))) ||
    (listing.length > 0 &&
      reading.some(({ using }) => columnsIn(using, table, model).has(list) || namesOneOf(using, listing, model)))
  );
}

/** Says whether an expression, or a helper that it calls, names one of the tables. */
export function namesOneOf(sql: string | null, tables: readonly RelationRow[], model: Model): boolean {
  let isNamed = false;
  walk(sql === null ? undefined : model.parse(sql), (type, node) => {
    if (type === 'RangeVar') isNamed ||= tables.some(({ name }) => name === node['relname']);
    if (type !== 'FuncCall') return;
    const name = nameParts(node['funcname']).at(-1);
    const helpers = model.catalog.functions.filter((routine) => routine.name === name);
    isNamed ||= helpers.some((helper) => {
      const named = model.dependencies.namedBy(helper);
      return tables.some((one) => named.has(qualifiedName(one)));
    });
  });
  return isNamed;
}

function describe(ownership: Ownership): string {
  const word = ownership.owner === 'user' ? 'owner' : 'organization';
  return ownership.parent === undefined ? `${word} ${ownership.columns.join(', ')}` : `${word} via ${ownership.parent}`;
}

function meaningOf(table: RelationRow, name: string | undefined, model: Model): string | undefined {
  const column = table.columns.find((column) => column.name === name);
  return column === undefined ? undefined : model.meaningOf(table, column);
}

function ownershipOf(table: RelationRow, model: Model, seen: ReadonlySet<string>): Ownership | undefined {
  const meanings = new Map(table.columns.map((column) => [column.name, model.meaningOf(table, column)]));
  const users = ['user', 'email'].flatMap((kind) =>
    [...meanings].filter(([, meaning]) => meaning === kind).map(([name]) => name),
  );
  const organizations = [...meanings].filter(([, meaning]) => meaning === 'organization').map(([name]) => name);
  const [key] = primaryKey(table);
  if (table === model.tenancy.organizations && key !== undefined) return { owner: 'organization', columns: [key] };
  if (key !== undefined && model.tenancy.userTables.has(qualifiedName(table))) return { owner: 'user', columns: [key] };
  const shared = model.declarations.find((one) => one.scope === 'shared-with' && one.table === qualifiedName(table));
  if (shared?.column !== undefined && organizations.includes(shared.column))
    return { owner: 'organization', columns: [shared.column] };
  const asked =
    organizations.length === 0 && users.length > 0 && !seen.has(qualifiedName(table))
      ? parentAsked(table, users, model)
      : undefined;
  const byParent = asked === undefined ? undefined : ownershipBy(asked, table, model, seen);
  if (byParent !== undefined) return byParent;
  const owners = ownerColumns(table, users, model);
  if (organizations.length > 0 && !isPersonal(table, owners, model))
    return { owner: 'organization', columns: [organizations[0]!] };
  if (owners.length > 0) return { owner: 'user', columns: [owners[0]!] };
  const joined = model.tenancy.persons.find((one) => one.table === table && isJoinedToUsers(one));
  if (joined !== undefined)
    return { owner: 'user', columns: [joined.key], parent: qualifiedName(joined.through.table) };
  return ownershipByParent(table, model, seen);
}

const usualOwners = ['user_id', 'owner_id', 'owner', 'profile_id', 'author_id', 'created_by', 'creator_id'];

/** User columns: first the one that most policies compare with the current user, then by their usual names. */
function ownerColumns(table: RelationRow, users: string[], model: Model): string[] {
  const facts = model.policyFacts(table);
  // A policy for all four verbs counts for each of them: who only reads a row does not own it.
  const votes = (name: string): number =>
    facts
      .filter((policy) => policy.userColumns.includes(name))
      .reduce((sum, { policy }) => sum + (policy.command === '*' ? 4 : 1), 0);
  const rank = (name: string): number =>
    (usualOwners.indexOf(name) + usualOwners.length + 1) % (usualOwners.length + 1);
  return [...users].sort((a, b) => votes(b) - votes(a) || rank(a) - rank(b));
}

/** A table with both columns belongs to users if its policies read the user and never the organization. */
function isPersonal(table: RelationRow, owners: string[], model: Model): boolean {
  const facts = model.policyFacts(table).filter(({ policy }) => policy.permissive);
  return (
    owners.length > 0 &&
    facts.length > 0 &&
    facts.every((one) => !one.membership) &&
    facts.some((one) => one.userColumns.includes(owners[0]!))
  );
}

function ownershipByParent(table: RelationRow, model: Model, seen: ReadonlySet<string>): Ownership | undefined {
  const name = qualifiedName(table);
  if (seen.has(name)) return undefined;
  const isRequired = (column: string): boolean =>
    table.columns.some((one: ColumnRow) => one.name === column && one.notNull);
  // Of two parents, as of a patient and a doctor who is let in, the row belongs to the one for whom who writes it is asked.
  const asked = writersAsk(table, model);
  const rank = ({ columns }: ConstraintRow): number =>
    (columns.every(isRequired) ? asked.length + 1 : 0) +
    asked.filter((names) => columns.every((column) => names.has(column))).length;
  const keys = table.constraints
    .filter((key) => key.type === 'f' && key.target !== name)
    .sort((a, b) => rank(b) - rank(a));
  for (const key of keys) {
    const ownership = ownershipBy(key, table, model, seen);
    if (ownership !== undefined) return ownership;
  }
  for (const { id, targets } of polymorphicKeys(table, model)) {
    const ownership = ownershipBy(
      { columns: [id.name], target: qualifiedName(targets[0]!.table) },
      table,
      model,
      new Set([...seen, name]),
    );
    if (ownership !== undefined) return ownership;
  }
  return undefined;
}

/** For each condition of the policies to write: the columns of the row that it names. */
function writersAsk(table: RelationRow, model: Model): ReadonlySet<string>[] {
  const writing = model.policyFacts(table).filter(({ policy }) => policy.permissive && policy.command !== 'r');
  return writing.flatMap(({ policy }) =>
    [
      policy.command === 'a' ? null : policy.using,
      policy.command === 'd' ? null : (policy.check ?? policy.using),
    ].flatMap((sql) => (sql === null ? [] : [columnsIn(sql, table, model)])),
  );
}

/**
 * Who may write rows that belong to what everyone reads, as the products of a shop: whose that is, where all policies to write ask for it.
 * Of who reads them it says nothing.
 */
function ownershipOfWriters(table: RelationRow, model: Model): Ownership | undefined {
  const asked = writersAsk(table, model);
  if (!table.rls || asked.length === 0) return undefined;
  return table.constraints
    .filter(
      ({ type, target, columns }) =>
        type === 'f' &&
        target !== qualifiedName(table) &&
        asked.every((names) => columns.some((name) => names.has(name))),
    )
    .flatMap((key) => {
      const parent = model.tables.get(key.target ?? '');
      const isOpen = parent !== undefined && isTable(parent) && isPublic(parent, model);
      const of = isOpen ? ownershipOf(parent, model, new Set([qualifiedName(table)])) : undefined;
      return of === undefined ? [] : [{ owner: of.owner, columns: key.columns, parent: key.target! }];
    })[0];
}

/** The scope of a row through the row that a foreign key references. */
function ownershipBy(
  key: Pick<ConstraintRow, 'columns' | 'target'>,
  table: RelationRow,
  model: Model,
  seen: ReadonlySet<string>,
): Ownership | undefined {
  const parent = model.tables.get(key.target ?? '');
  if (parent === undefined || !isTable(parent)) return undefined;
  // That everyone may see who people are says nothing of what is theirs.
  const isOfPerson = model.tenancy.persons.some((one) => one.table === parent && !one.isShared);
  const isOfAll = !isOfPerson && isPublic(parent, model);
  if (isOfAll || isDeclared(model.declarations, key.target ?? '', 'service-only')) return undefined;
  const ownership = ownershipOf(parent, model, new Set([...seen, qualifiedName(table)]));
  return ownership === undefined ? undefined : { owner: ownership.owner, columns: key.columns, parent: key.target! };
}

/**
 * The foreign key to the parent that every INSERT policy asks about, or every UPDATE policy where there is none, or that all policies ask
 * about where there is neither, while none asks who the user of the row is: the parent owns the row then, and the user is a guest. A row
 * that nobody but its user reads, and that lets nobody in anywhere, is the user's all the same.
 */
function parentAsked(table: RelationRow, users: readonly string[], model: Model): ConstraintRow | undefined {
  const policies = model.policyFacts(table).filter(({ policy }) => policy.permissive);
  const inserting = policies.filter(({ policy }) => 'a*'.includes(policy.command));
  if (inserting.some(({ userColumns }) => userColumns.length > 0)) return undefined;
  const changing = inserting.length > 0 ? [] : policies.filter(({ policy }) => policy.command === 'w');
  const isOfChanging = changing.length > 0 && changing.every(({ userColumns }) => userColumns.length === 0);
  const asked = isOfChanging
    ? changing.flatMap(({ policy: { using, check } }) =>
        [using, check ?? using].map((sql) => columnsIn(sql, table, model)),
      )
    : inserting.length > 0
      ? inserting.map(({ policy }) => columnsIn(policy.check ?? policy.using, table, model))
      : // What only the server adds, and may leave without a user: what an update writes there says who did that.
        policies.map(({ policy }) => columnsIn(policy.using, table, model));
  const isOptional = (name: string): boolean => table.columns.some((column) => column.name === name && !column.notNull);
  const isUserAsked = users.some((name) => !isOptional(name) || asked.some((columns) => columns.has(name)));
  if (asked.length === 0 || (inserting.length === 0 && !isOfChanging && isUserAsked)) return undefined;
  const parent = table.constraints.find(
    (key) =>
      key.type === 'f' &&
      key.target !== qualifiedName(table) &&
      !model.tenancy.userTables.has(key.target ?? '') &&
      asked.every((columns) => key.columns.some((column) => columns.has(column))),
  );
  const reading = policies.filter(({ policy }) => 'r*'.includes(policy.command));
  const isUsersAlone =
    reading.length > 0 &&
    reading.every(({ policy, userColumns }) => {
      const columns = columnsIn(policy.using, table, model);
      return userColumns.length > 0 && parent?.columns.every((column) => !columns.has(column)) === true;
    }) &&
    asked.every((columns) => users.every((column) => !columns.has(column))) &&
    !model.dependencies.isDeciding(qualifiedName(table));
  return isUsersAlone ? undefined : parent;
}

/** Its rows are someone's: to who owns them, or to those whom a table joins to them and who alone read them. */
export function isSomeones({ owner, isReadByJoined }: Scope): boolean {
  return owner !== undefined || isReadByJoined;
}

/** The table's own columns that an expression names. */
export function columnsIn(sql: string | null, table: RelationRow, model: Model): Set<string> {
  return columnsOfTree(sql === null ? undefined : model.parse(sql), table);
}

/** The same of an expression that is parsed. */
export function columnsOfTree(tree: unknown, table: RelationRow): Set<string> {
  const found = new Set<string>();
  walk(tree, (type, node) => {
    const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node }) : undefined;
    if (column !== undefined && (column.qualifier === undefined || column.qualifier === table.name))
      found.add(column.name);
  });
  return found;
}

/** Policies of signed-in users for a verb: S, I, U, D. */
export function policiesFor(table: RelationRow, letter: string, model: Model): PolicyRow[] {
  const command = { S: 'r', I: 'a', U: 'w', D: 'd' }[letter] ?? '';
  return table.policies.filter(
    (policy) =>
      policy.permissive &&
      (policy.command === '*' || policy.command === command) &&
      policy.roles.some((role) => role === 'public' || role === model.userRole),
  );
}
