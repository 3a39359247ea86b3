import { bodyPieces } from '../bodies.ts';
import { qualifiedName } from '../names.ts';
import { allOf, fieldsOf, literalOf, stringOf, stringsOf } from '../nodes.ts';
import type { CreateFunctionStmt, CreatePolicyStmt, CreateStmt, DefElem, FunctionParameter, GrantStmt, IndexStmt, InsertStmt, Node, RangeVar, VariableSetStmt } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { knownExtensions } from './platform.ts';
import { applyDefaultGrants, grant } from './grants.ts';
import { findTable, newName, newQualified } from './lookup.ts';
import type { Catalog, Policy, PolicyCommand, Routine, Site, Table } from './model.ts';
import { drop, rename } from './removal.ts';
import { newTable } from './start.ts';
import { alterTable, bare, describedTable, note } from './tables.ts';
import { typeText } from './types.ts';

type Effect = (catalog: Catalog, piece: Piece) => void;

const siteOf = (piece: Piece, location?: number): Site => ({ piece, offset: piece.at(location) });

function addTable(catalog: Catalog, table: Table, site: Site): void {
  note(catalog, 'table', table.name, site);
  const known = catalog.tables.get(table.name);
  if (known !== undefined) {
    // Columns that come with a new table are never looked for on their own.
    for (const column of table.columns.values()) note(catalog, 'column', `${table.name}.${column.name}`, column.site ?? site);
    if (table.kind === 'table' && known.site !== undefined) redefine(catalog, known, table, site);
    return;
  }
  catalog.tables.set(table.name, table);
  applyDefaultGrants(catalog, table);
}

function redefine(catalog: Catalog, known: Table, described: Table, site: Site): void {
  const columns = [...described.columns.values()];
  const missing = known.open ? [] : columns.filter(({ name }) => !known.columns.has(name));
  const retyped = columns.flatMap((column) => {
    const type = known.columns.get(column.name)?.type ?? column.type;
    return type === column.type ? [] : [{ column, type }];
  });
  catalog.redefinitions.push({ known, described, skips: site.piece.node['if_not_exists'] === true, missing, retyped, site });
}

function addView(catalog: Catalog, piece: Piece, relation: RangeVar, query: unknown, kind: Table['kind']): void {
  const site = siteOf(piece, relation.location);
  const view = newTable(newName(catalog, relation));
  const options = allOf<DefElem>(piece.node['options'], 'DefElem');
  const invoker = options.find(({ defname }) => defname === 'security_invoker');
  const rights = invoker !== undefined && !['off', 'false', '0', 'no'].includes(stringOf(invoker.arg).toLowerCase());
  const targets = allOf<{ name?: string; val?: Node }>(fieldsOf(query, 'SelectStmt')?.['targetList'], 'ResTarget');
  for (const { name, val } of targets) {
    const column = name ?? stringsOf(fieldsOf<{ fields: Node[] }>(val, 'ColumnRef')?.fields).at(-1) ?? '';
    if (column !== '') view.columns.set(column, { name: column, type: 'unknown', notNull: false, generated: false, site });
  }
  addTable(catalog, { ...view, kind, invoker: rights, site, open: true }, site);
}

/** A policy as CREATE POLICY describes it. */
export function policyOf(catalog: Catalog, piece: Piece): Policy {
  const { policy_name: name, table, cmd_name = 'all', permissive = false, roles, qual, with_check: check } = piece.node as unknown as CreatePolicyStmt;
  const lookup = findTable(catalog, table);
  return {
    name,
    table: 'found' in lookup ? lookup.found.name : newName(catalog, table),
    command: cmd_name as PolicyCommand,
    permissive,
    roles: rolesOf(roles),
    using: qual,
    check,
    site: siteOf(piece),
  };
}

/** Role names; empty where PUBLIC is among them. */
function rolesOf(nodes: Node[] | undefined): string[] {
  const roles = allOf<{ roletype: string; rolename?: string }>(nodes, 'RoleSpec');
  return roles.some(({ roletype }) => roletype === 'ROLESPEC_PUBLIC') ? [] : roles.map(({ rolename = '' }) => rolename);
}

/** A function or procedure as CREATE describes it. */
export function routineOf(catalog: Catalog, piece: Piece): Routine {
  const { funcname, parameters, returnType, options } = piece.node as unknown as CreateFunctionStmt;
  const elements = allOf<DefElem>(options, 'DefElem');
  const option = (name: string): Node | undefined => elements.find(({ defname }) => defname === name)?.arg;
  const inputs = allOf<FunctionParameter>(parameters, 'FunctionParameter').filter(({ mode }) => mode !== 'FUNC_PARAM_OUT' && mode !== 'FUNC_PARAM_TABLE');
  return {
    name: newQualified(catalog, funcname),
    arguments: inputs.map(({ argType }) => typeText(argType)),
    returns: returnType === undefined ? 'void' : typeText(returnType),
    language: stringOf(option('language')).toLowerCase() || 'sql',
    definer: fieldsOf<{ boolval?: boolean }>(option('security'), 'Boolean')?.boolval === true,
    searchPath: searchPathOf(elements),
    volatility: stringOf(option('volatility')) || undefined,
    body: bodyPieces(piece).pieces,
    site: siteOf(piece),
  };
}

/** The schemas that the body of a routine looks names up in, where it sets its own; undefined for other statements. */
export function ownSearchPath({ type, node }: Piece): string[] | undefined {
  const path = type === 'CreateFunctionStmt' ? searchPathOf(allOf<DefElem>(node['options'], 'DefElem')) : undefined;
  return path?.split(',').map((schema) => schema.trim()).filter((schema) => schema !== '');
}

/** The `search_path` among the options of a routine, as text; undefined where there is none. */
function searchPathOf(options: readonly DefElem[]): string | undefined {
  for (const { defname, arg } of options) {
    const set = defname === 'set' ? fieldsOf<VariableSetStmt>(arg, 'VariableSetStmt') : undefined;
    if (set?.name === 'search_path') return (set.args ?? []).map((each) => literalOf(each) ?? '').join(', ');
  }
  return undefined;
}

function addType(kind: 'enum' | 'composite' | 'domain' | 'range', nameOf: (catalog: Catalog, piece: Piece) => string): Effect {
  return (catalog, piece) => {
    const name = nameOf(catalog, piece);
    note(catalog, 'type', name, siteOf(piece));
    if (!catalog.types.has(name)) catalog.types.set(name, { name, kind, site: siteOf(piece) });
  };
}

const effects: Record<string, Effect> = {
  CreateStmt(catalog, piece) {
    const table = describedTable(catalog, piece);
    table.temporary = (piece.node as unknown as CreateStmt).relation.relpersistence === 't';
    addTable(catalog, table, table.site!);
  },
  CreateTableAsStmt(catalog, piece) {
    const { rel } = piece.node['into'] as { rel: RangeVar };
    addView(catalog, piece, rel, piece.node['query'], piece.node['objtype'] === 'OBJECT_MATVIEW' ? 'materialized view' : 'table');
  },
  ViewStmt(catalog, piece) {
    addView(catalog, piece, piece.node['view'] as RangeVar, piece.node['query'], 'view');
  },
  AlterTableStmt: alterTable,
  IndexStmt(catalog, piece) {
    const { idxname, relation, indexParams, unique = false, whereClause } = piece.node as unknown as IndexStmt;
    const lookup = findTable(catalog, relation);
    if (!('found' in lookup)) return;
    const parts = allOf<{ name?: string }>(indexParams, 'IndexElem').map(({ name }) => name);
    const expression = parts.indexOf(undefined);
    const columns = (expression === -1 ? parts : parts.slice(0, expression)) as string[];
    const name = idxname ?? `${bare(lookup.found.name)}_${parts.map((part) => part ?? 'expr').join('_')}_idx`;
    note(catalog, 'index', name, siteOf(piece));
    if (!lookup.found.indexes.has(name)) lookup.found.indexes.set(name, { name, columns, unique, partial: whereClause !== undefined, site: siteOf(piece) });
  },
  CreatePolicyStmt(catalog, piece) {
    const policy = policyOf(catalog, piece);
    note(catalog, 'policy', `${policy.name} on ${policy.table}`, policy.site);
    const table = catalog.tables.get(policy.table) ?? ghost(catalog, policy.table);
    table.policies.set(policy.name, policy);
  },
  AlterPolicyStmt(catalog, piece) {
    const { policy_name: name, table, roles, qual, with_check: check } = piece.node as unknown as CreatePolicyStmt;
    const lookup = findTable(catalog, table);
    const policy = ('found' in lookup ? lookup.found : catalog.ghosts.get(newName(catalog, table)))?.policies.get(name);
    if (policy === undefined) return;
    if (roles !== undefined) policy.roles = rolesOf(roles);
    const whole = (qual !== undefined || policy.using === undefined) && (check !== undefined || policy.check === undefined);
    if (qual !== undefined) policy.using = qual;
    if (check !== undefined) policy.check = check;
    // The places in an expression count in the statement that it stands in.
    if (whole && (qual ?? check) !== undefined) Object.assign(policy, { site: siteOf(piece), mixed: false });
    else if ((qual ?? check) !== undefined) policy.mixed = true;
  },
  CreateTrigStmt(catalog, piece) {
    const { trigname = '', relation, funcname } = piece.node as { trigname?: string; relation: unknown; funcname?: unknown };
    const lookup = findTable(catalog, relation as RangeVar);
    if ('found' in lookup) lookup.found.triggers.set(trigname, { name: trigname, routine: qualifiedName(funcname), site: siteOf(piece) });
  },
  CreateFunctionStmt(catalog, piece) {
    const routine = routineOf(catalog, piece);
    note(catalog, 'function', routine.name, routine.site!);
    const others = (catalog.routines.get(routine.name) ?? []).filter((each) => each.arguments.join() !== routine.arguments.join());
    catalog.routines.set(routine.name, [...others, routine]);
  },
  AlterFunctionStmt(catalog, piece) {
    const { func, actions } = piece.node as { func?: { objname?: unknown }; actions?: unknown };
    const elements = allOf<DefElem>(actions, 'DefElem');
    for (const routine of catalog.routines.get(newQualified(catalog, func?.objname)) ?? []) {
      routine.searchPath = searchPathOf(elements) ?? routine.searchPath;
      const security = elements.find(({ defname }) => defname === 'security');
      if (security !== undefined) routine.definer = fieldsOf<{ boolval?: boolean }>(security.arg, 'Boolean')?.boolval === true;
    }
  },
  CreateEnumStmt: addType('enum', (catalog, { node }) => newQualified(catalog, node['typeName'])),
  CreateRangeStmt: addType('range', (catalog, { node }) => newQualified(catalog, node['typeName'])),
  CreateDomainStmt: addType('domain', (catalog, { node }) => newQualified(catalog, node['domainname'])),
  CompositeTypeStmt: addType('composite', (catalog, { node }) => newName(catalog, node['typevar'] as RangeVar)),
  CreateSchemaStmt(catalog, piece) {
    const { schemaname = '' } = piece.node as { schemaname?: string };
    note(catalog, 'schema', schemaname, siteOf(piece));
    if (!catalog.schemas.has(schemaname)) catalog.schemas.set(schemaname, siteOf(piece));
  },
  CreateExtensionStmt(catalog, piece) {
    const { extname } = piece.node as { extname: string };
    if (!catalog.extensions.has(extname)) catalog.extensions.set(extname, siteOf(piece));
    const schema = allOf<DefElem>(piece.node['options'], 'DefElem').find(({ defname }) => defname === 'schema')?.arg;
    const into = stringOf(schema) || 'public';
    const known = knownExtensions[extname];
    if (known === undefined) catalog.unknownExtension = true;
    for (const each of known?.schemas ?? []) catalog.schemas.set(each, siteOf(piece));
    for (const each of known?.types ?? []) catalog.types.set(`${into}.${each}`, { name: `${into}.${each}`, kind: 'domain' });
    for (const each of known?.functions ?? []) {
      catalog.routines.set(`${into}.${each}`, [{ name: `${into}.${each}`, arguments: [], returns: 'unknown', language: 'c', definer: false, body: [] }]);
    }
  },
  CreateSeqStmt(catalog, piece) {
    const name = newName(catalog, piece.node['sequence'] as RangeVar);
    note(catalog, 'sequence', name, siteOf(piece));
    catalog.sequences.set(name, siteOf(piece));
  },
  GrantStmt(catalog, { node }) {
    grant(catalog, node as unknown as GrantStmt);
  },
  AlterDefaultPrivilegesStmt(catalog, { node }) {
    const schemas = allOf<DefElem>(node['options'], 'DefElem').find(({ defname }) => defname === 'schemas')?.arg;
    grant(catalog, node['action'] as GrantStmt, schemas === undefined ? ['public'] : stringsOf(schemas));
  },
  VariableSetStmt(catalog, { node }) {
    const { name, args, kind } = node as unknown as VariableSetStmt;
    if (name !== 'search_path') return;
    catalog.searchPath = kind === 'VAR_SET_VALUE' ? (args ?? []).map((each) => literalOf(each) ?? '').filter((each) => each !== '' && each !== '$user') : ['public', 'extensions'];
  },
  InsertStmt(catalog, piece) {
    const { relation, cols, selectStmt } = piece.node as unknown as InsertStmt;
    if (relation.schemaname !== 'storage' || relation.relname !== 'buckets') return;
    const id = allOf<{ name: string }>(cols, 'ResTarget').findIndex(({ name }) => name === 'id');
    for (const { items } of allOf<{ items: Node[] }>(fieldsOf(selectStmt, 'SelectStmt')?.['valuesLists'], 'List')) {
      const name = literalOf(items[Math.max(0, id)]);
      if (name !== undefined) catalog.buckets.set(name, siteOf(piece));
    }
  },
  DropStmt: drop,
  RenameStmt: rename,
};

/** A stand-in for a table that is not there, so that its policies can be looked at all the same. */
function ghost(catalog: Catalog, name: string): Table {
  const table = catalog.ghosts.get(name) ?? { ...newTable(name), open: true };
  catalog.ghosts.set(name, table);
  return table;
}

/** Applies what a statement does to the catalog. Statements without a known effect leave it as it is. */
export function apply(catalog: Catalog, piece: Piece): void {
  effects[piece.type]?.(catalog, piece);
}
