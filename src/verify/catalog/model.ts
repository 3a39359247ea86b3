import type { Isolation } from '../../shared/muse-file.ts';
import {
  type Catalog,
  type ColumnRow,
  isPlatformSchema,
  type PolicyRow,
  qualifiedName,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import { isForUsers } from '../../rules/engine/live/policies.ts';
import { type Claims, isUserPath, readClaims } from './claims.ts';
import { type Dependencies, dependenciesOf } from './dependencies.ts';
import { withDomainLabels } from './domain-labels.ts';
import { routineOfJob } from './jobs.ts';
import { withRules } from './rules.ts';
import { namedIn, type Sources, sourcesOf } from './effects.ts';
import type { Declaration } from '../../rules/engine/live/expectations.ts';
import {
  columnOf,
  fields,
  type Node,
  nameParts,
  type ParseExpression,
  walk,
} from '../../rules/engine/live/expression.ts';
import { asksForUser, isUserCall } from './claim-conditions.ts';
import { givenColumn } from './given-columns.ts';
import { withImplied } from './implied-keys.ts';
import { comparesWithOwn } from './own-row-columns.ts';
import { polymorphicMeaning } from './polymorphic.ts';
import { valuedRole } from './valued-roles.ts';
import { findTenancy, isOrganizationColumn, isUserColumn, primaryKey, type Tenancy } from './tenancy.ts';

/** The meaning of a column: a user's ID, an organization's ID, or the email address of the row's owner. */
export type Meaning = 'user' | 'organization' | 'email';

/** What a policy reads, as far as it shows who owns a row. */
export interface PolicyFacts {
  policy: PolicyRow;
  /** Its own columns that are compared with the current user. */
  userColumns: string[];
  /** It reads organizations or memberships. */
  membership: boolean;
}

/** The database model that the proof uses. */
export interface Model {
  catalog: Catalog;
  tenancy: Tenancy;
  declarations: readonly Declaration[];
  parse: ParseExpression;
  sources: Sources;
  dependencies: Dependencies;
  /** What policies read from the request. */
  claims: Claims;
  /** By `schema.name`. */
  tables: ReadonlyMap<string, RelationRow>;
  /** The database role of signed-in users. */
  userRole: string;
  /** Tables, as `schema.name`, that turned out to be of the muse's own staff: strangers have no row there. */
  staffTables: ReadonlySet<string>;
  /** Tables, as `schema.name`, whose keys for requests turned out to be read by strangers. */
  toldKeys: ReadonlySet<string>;
  meaningOf(table: RelationRow, column: ColumnRow): Meaning | undefined;
  policyFacts(table: RelationRow): PolicyFacts[];
}

/** What an earlier proof has shown. */
export type Found = Partial<Pick<Model, 'staffTables' | 'toldKeys'>>;

/** Builds the model from the catalog, the declarations and the policies. */
export function buildModel(
  read: Catalog,
  declarations: readonly Declaration[],
  parse: ParseExpression,
  isolation: Isolation,
  userRole: string,
  { staffTables = new Set(), toldKeys = new Set() }: Found = {},
): Model {
  const own = withDomainLabels(read.functions, parse);
  const given = withRules({ ...read, functions: [...own, ...(read.jobs ?? []).map(routineOfJob)] });
  const sources = sourcesOf(given);
  const catalog = withImplied(given, parse, sources);
  const tables = new Map(catalog.relations.map((row) => [qualifiedName(row), row]));
  const facts = new Map<RelationRow, PolicyFacts[]>();
  const meanings = new Map<ColumnRow, Meaning | undefined>();
  const model: Model = {
    catalog,
    declarations,
    tenancy: {
      users: undefined,
      userTables: new Set(),
      persons: [],
      organizations: undefined,
      isList: false,
      membership: undefined,
    },
    parse,
    sources,
    tables,
    userRole,
    staffTables,
    toldKeys,
    dependencies: dependenciesOf(catalog, parse, sources),
    claims: readClaims(catalog, parse, sources, new Set(declarations.flatMap(({ claim }) => claim ?? []))),
    policyFacts(table) {
      const known =
        facts.get(table) ??
        table.policies
          .filter((policy) => isForUsers(policy, catalog))
          .map((policy) => readPolicy(policy, table, model));
      facts.set(table, known);
      return known;
    },
    meaningOf(table, column) {
      if (!meanings.has(column)) meanings.set(column, findMeaning(table, column));
      return meanings.get(column);
    },
  };
  const findMeaning: Model['meaningOf'] = (table, column) => {
    const { tenancy } = model;
    const key = primaryKey(table);
    if (key.length === 1 && key[0] === column.name) {
      if (tenancy.userTables.has(qualifiedName(table))) return 'user';
      if (table === tenancy.organizations) return 'organization';
    }
    const meant = polymorphicMeaning(table, column, model);
    if (meant !== null) return meant;
    if (isOrganizationColumn(table, column, tenancy.organizations)) return 'organization';
    if (isUserColumn(table, column, tenancy.userTables)) return 'user';
    const isShared = declarations.some(
      (one) => one.scope === 'shared-with' && one.table === qualifiedName(table) && one.column === column.name,
    );
    if (isShared && tenancy.organizations !== undefined) return 'organization';
    if (table.constraints.some((k) => k.type === 'f' && k.columns.includes(column.name))) return undefined;
    // A key that a claim is compared with says whose the row is, unless it is the tenant itself.
    if (key.length === 1 && key[0] === column.name) return meaningByClaim(table, column, model);
    // A list of users names guests, of whom there may be none.
    if (column.base.endsWith('[]')) return undefined;
    if (model.policyFacts(table).some((policy) => policy.userColumns.includes(column.name))) return 'user';
    return meaningByClaim(table, column, model);
  };
  const ownRows = { ...model, isWhoAsks: (node: unknown) => isWhoAsks(node, model) };
  model.tenancy = findTenancy(catalog, isolation, {
    isOwnKey: (table, column) =>
      table.policies.some((policy) => readPolicy(policy, table, model).userColumns.includes(column)),
    isTenantKey: (table, column) => model.claims.comparedWith(table, column) === 'tenant',
    isOfProfile: (table, column, profiles, own) =>
      table.policies.some(({ using, check }) =>
        [using, check].some(
          (sql) => sql !== null && comparesWithOwn(model.parse(sql), table, column, profiles, own, ownRows),
        ),
      ),
    valuedRole: (table, keys) => valuedRole(table, keys, model.dependencies, parse),
    isAskedBy: (table, asker) => model.dependencies.askers(qualifiedName(table)).includes(asker),
    isAskedFor: (table, column) => model.dependencies.decidingColumns(qualifiedName(table)).named.has(column),
    isAsked: (table) => model.dependencies.askers(qualifiedName(table)).some((asker) => asker !== table),
  });
  // What was asked on the way was asked without the tenancy.
  meanings.clear();
  return model;
}

function readPolicy(policy: PolicyRow, table: RelationRow, model: Model): PolicyFacts {
  const own = new Set(table.columns.map((column) => column.name));
  const userColumns = new Set<string>();
  let membership = false;
  for (const sql of [policy.using, policy.check]) {
    walk(sql === null ? undefined : model.parse(sql), (type, node) => {
      if (type === 'A_Expr' && nameParts(node['name']).at(-1) === '=') {
        for (const [side, other] of [
          [node['lexpr'], node['rexpr']],
          [node['rexpr'], node['lexpr']],
        ]) {
          const column = columnOf(side);
          // PostgreSQL prints columns of other tables with the table's name.
          const isOwn =
            column !== undefined &&
            own.has(column.name) &&
            (column.qualifier === undefined || column.qualifier === table.name);
          if (isOwn && isWhoAsks(other, model)) userColumns.add(column.name);
          // Who has the same in a row of its own, as the squad of a player, has it in common.
          else if (isOwn) membership ||= givesOther(callIn(other, model), model);
        }
      }
      membership ||= isMembership(type, node, table, model);
    });
  }
  return { policy, userColumns: [...userColumns], membership };
}

/** The meaning of a column according to the claim that policies compare it with. */
function meaningByClaim(table: RelationRow, column: ColumnRow, model: Model): Meaning | undefined {
  const claim = model.claims.comparedWith(table, column.name, primaryKey(table).includes(column.name));
  if (claim === 'email') return column.category === 'S' ? 'email' : undefined;
  const { organizations } = model.tenancy;
  const base = organizations?.columns.find(({ name }) => name === primaryKey(organizations)[0])?.base ?? 'uuid';
  const isFree =
    column.labels === null &&
    !table.constraints.some((check) => check.type === 'c' && check.columns.includes(column.name));
  return claim === 'tenant' && isFree && (column.base === base || column.base === 'text') ? 'organization' : undefined;
}

/** An expression that returns the current user's ID: `auth.uid()`, a claim, a setting, a helper that returns one. */
export function isWhoAsks(node: unknown, model: Model): boolean {
  const paths = model.claims.pathsIn(node);
  if (paths.length > 0) return paths.some(isUserPath);
  let found = false;
  walk(node, (type, call) => {
    if (type === 'SubLink' && fields(call['subselect'], 'SelectStmt')?.['fromClause'] !== undefined) return false;
    if (type !== 'FuncCall') return undefined;
    const parts = nameParts(call['funcname']);
    const name = parts.at(-1);
    // What is looked up for who asks is something else.
    if (givesOther({ FuncCall: call }, model)) return false;
    if (isUserCall(call)) found = true;
    const helper = model.catalog.functions.find((routine) => routine.name === name && routine.arguments.length === 0);
    if (
      helper !== undefined &&
      /^(uuid|text)$/.test(helper.returns) &&
      !helper.returnsSet &&
      !/org|tenant|team/.test(helper.name)
    ) {
      found ||= model.sources.reached(helper).some((one) => asksForUser(model.sources.body(one).trees));
    }
    return undefined;
  });
  return found;
}

/** The helper gives what a column holds that leads to something else than a user, as the company in the user's profile. */
function givesOther(node: unknown, model: Model): boolean {
  const name = nameParts(fields(node, 'FuncCall')?.['funcname']).at(-1);
  if (!model.catalog.functions.some((routine) => routine.name === name && !isPlatformSchema(routine.schema)))
    return false;
  return model.catalog.relations.some((table) => {
    const column = givenColumn(node, table, model);
    const key = table.constraints.find(
      ({ type, columns }) => type === 'f' && columns.length === 1 && columns[0] === column,
    );
    return (
      column !== undefined &&
      key?.target != null &&
      !usersTable.test(key.target) &&
      !model.tenancy.userTables.has(key.target)
    );
  });
}

/** The call of a helper for one value, also in `(select my_squad())`; undefined for anything else. */
function callIn(node: unknown, model: Model): unknown {
  const select = fields(fields(node, 'SubLink')?.['subselect'], 'SelectStmt');
  const target = fields((select?.['targetList'] as unknown[] | undefined)?.[0], 'ResTarget')?.['val'];
  const call = select === undefined ? node : select['fromClause'] === undefined ? target : undefined;
  const name = nameParts(fields(call, 'FuncCall')?.['funcname']).at(-1);
  const isOne = model.catalog.functions.some((routine) => routine.name === name && !routine.returnsSet);
  return isOne ? call : undefined;
}

/** Tables of users by their names: which those are, is not known before the tenancy is. */
const usersTable = /\.(users?|profiles?)$/;

function isMembership(type: string, node: Node, table: RelationRow, model: Model): boolean {
  const { organizations, membership } = model.tenancy;
  const names = [membership?.table.name, organizations?.name].filter((name) => name !== undefined);
  if (type === 'RangeVar') return names.includes(String(node['relname']));
  if (type === 'ColumnRef') {
    const column = table.columns.find(({ name }) => name === columnOf({ ColumnRef: node })?.name);
    return (
      column !== undefined &&
      (isOrganizationColumn(table, column, organizations) || meaningByClaim(table, column, model) === 'organization')
    );
  }
  if (givesOwnOrganization({ [type]: node }, model)) return true;
  if (type !== 'FuncCall') return false;
  const name = nameParts(node['funcname']).at(-1);
  return model.catalog.functions.some(
    (routine) => routine.name === name && namedIn(routine, model.sources).some((one) => names.includes(one)),
  );
}

/** A query or a helper gives the organization in the user's own profile. */
function givesOwnOrganization(node: unknown, model: Model): boolean {
  const { organizations, userTables } = model.tenancy;
  if (organizations === undefined) return false;
  return [...userTables].some((name) => {
    const profiles = model.tables.get(name);
    const given = profiles === undefined ? undefined : givenColumn(node, profiles, model);
    const column = profiles?.columns.find((one) => one.name === given);
    return column !== undefined && isOrganizationColumn(profiles!, column, organizations);
  });
}
