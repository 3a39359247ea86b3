import { bodyPieces } from '../bodies.ts';
import { qualifiedName } from '../names.ts';
import { allOf, fieldsOf, literalOf, open, stringOf, stringsOf, walk } from '../nodes.ts';
import type { DefElem, Fields, Node, NodeType, RangeVar } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { chosenIndexName } from './chosen-names.ts';
import { knownExtensions } from './platform.ts';
import { applyDefaultGrants, grant } from './grants.ts';
import { findTable, isTemporary, newName, newQualified } from './lookup.ts';
import type { Catalog, Policy, PolicyCommand, Routine, Site, Table, TypeEntry } from './model.ts';
import { drop } from './removal.ts';
import { rename, setSchema } from './renaming.ts';
import { newTable, tableOf } from './start.ts';
import { alterTable, bare, describedTable, note, own } from './tables.ts';
import { typeText } from './types.ts';

const siteOf = (piece: Piece, location?: number): Site => ({ piece, offset: piece.at(location) });

function addTable(catalog: Catalog, table: Table, site: Site): void {
  note(catalog, 'table', table.name, site);
  const known = catalog.tables.get(table.name);
  if (known !== undefined) {
    // Columns of a new table are recorded with the table.
    for (const column of table.columns.values())
      note(catalog, 'column', `${table.name}.${column.name}`, column.site ?? site);
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
  catalog.redefinitions.push({
    known,
    described,
    skips: 'if_not_exists' in site.piece.node && site.piece.node.if_not_exists === true,
    missing,
    retyped,
    site,
  });
}

/** Whether the value of an option says no. */
const isOff = (value: Node | undefined): boolean =>
  ['off', 'false', '0', 'no'].includes(stringOf(value).toLowerCase()) ||
  (value !== undefined && 'Integer' in value && (value.Integer.ival ?? 0) === 0);

function addView(
  catalog: Catalog,
  piece: Piece<'ViewStmt' | 'CreateTableAsStmt' | 'SelectStmt'>,
  relation: RangeVar,
  kind: Table['kind'],
): void {
  const site = siteOf(piece, relation.location);
  const view = newTable(newName(catalog, relation));
  const options = allOf(piece.type === 'ViewStmt' ? piece.node.options : undefined, 'DefElem');
  const invoker = options.find(({ defname }) => defname === 'security_invoker');
  const rights = invoker !== undefined && !isOff(invoker.arg);
  const query = piece.type === 'SelectStmt' ? piece.node : fieldsOf(piece.node.query, 'SelectStmt');
  const targets = allOf(query?.targetList, 'ResTarget');
  for (const { name, val } of targets) {
    const column = name ?? stringsOf(fieldsOf(val, 'ColumnRef')?.fields).at(-1) ?? '';
    if (column !== '')
      view.columns.set(column, { name: column, type: 'unknown', notNull: false, generated: false, site });
  }
  const into =
    piece.type === 'ViewStmt' ? undefined : piece.type === 'SelectStmt' ? piece.node.intoClause : piece.node.into;
  const untilCommit = into?.onCommit === 'ONCOMMIT_DROP';
  const table = { ...view, kind, temporary: isTemporary(relation), untilCommit, invoker: rights, site, open: true };
  addTable(catalog, table, site);
}

/** A policy as CREATE POLICY describes it. */
export function policyOf(catalog: Catalog, piece: Piece<'CreatePolicyStmt'>): Policy {
  const { policy_name: name, table, cmd_name = 'all', permissive = false, roles, qual, with_check: check } = piece.node;
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

/** Role names; empty if PUBLIC is among them. */
function rolesOf(nodes: Node[] | undefined): string[] {
  const roles = allOf(nodes, 'RoleSpec');
  return roles.some(({ roletype }) => roletype === 'ROLESPEC_PUBLIC') ? [] : roles.map(({ rolename = '' }) => rolename);
}

/** A function or procedure as CREATE describes it. */
export function routineOf(catalog: Catalog, piece: Piece<'CreateFunctionStmt'>): Routine {
  const { funcname, parameters, returnType, options } = piece.node;
  const elements = allOf(options, 'DefElem');
  const option = (name: string): Node | undefined => elements.find(({ defname }) => defname === name)?.arg;
  const inputs = allOf(parameters, 'FunctionParameter').filter(
    ({ mode }) => mode !== 'FUNC_PARAM_OUT' && mode !== 'FUNC_PARAM_TABLE',
  );
  return {
    name: newQualified(catalog, funcname),
    arguments: inputs.map(({ argType }) => typeText(argType)),
    returns: returnType === undefined ? 'void' : typeText(returnType),
    language: stringOf(option('language')).toLowerCase() || 'sql',
    definer: fieldsOf(option('security'), 'Boolean')?.boolval === true,
    searchPath: searchPathOf(elements),
    volatility: stringOf(option('volatility')) || undefined,
    body: bodyPieces(piece).pieces,
    site: siteOf(piece),
  };
}

/** The schema that a CREATE SCHEMA creates: without a name, the owner's. */
function schemaOf({ schemaname, authrole, schemaElts }: Fields<'CreateSchemaStmt'>): string {
  if (schemaname !== undefined || authrole?.rolename !== undefined) return schemaname ?? authrole?.rolename ?? '';
  // The current role's: what is created with it can name no other.
  let written = '';
  walk(schemaElts, (type, fields) => {
    if (written === '' && type === 'RangeVar') written = fields.schemaname ?? '';
  });
  return written;
}

/**
 * The schemas along which the statements in a statement resolve names: those that a routine sets for its body, or first
 * the schema that is created with its contents. Undefined for other statements.
 */
export function ownSearchPath(catalog: Catalog, { type, node }: Piece): string[] | undefined {
  if (type === 'CreateSchemaStmt') return [schemaOf(node), ...catalog.searchPath];
  const path = type === 'CreateFunctionStmt' ? searchPathOf(allOf(node.options, 'DefElem')) : undefined;
  return path
    ?.split(',')
    .map((schema) => schema.trim())
    .filter((schema) => schema !== '');
}

/** The `search_path` among the options of a routine, as text; undefined if there is none. */
function searchPathOf(options: readonly DefElem[]): string | undefined {
  for (const { defname, arg } of options) {
    const set = defname === 'set' ? fieldsOf(arg, 'VariableSetStmt') : undefined;
    if (set?.name === 'search_path') return (set.args ?? []).map((each) => literalOf(each) ?? '').join(', ');
  }
  return undefined;
}

function addType(catalog: Catalog, piece: Piece, kind: TypeEntry['kind'], name: string): void {
  note(catalog, 'type', name, siteOf(piece));
  if (!catalog.types.has(name)) catalog.types.set(name, { name, kind, site: siteOf(piece) });
}

/** A routine of which only the name is known. */
function addOpaqueRoutine(catalog: Catalog, piece: Piece, name: string): void {
  note(catalog, 'function', name, siteOf(piece));
  if (!catalog.routines.has(name))
    catalog.routines.set(name, [
      { name, arguments: [], returns: 'unknown', language: 'internal', definer: false, body: [], site: siteOf(piece) },
    ]);
}

/** The parts of a name that an option holds. */
const namesOf = (option: Node): Node[] => fieldsOf(option, 'TypeName')?.names ?? [option];

/**
 * The name that PostgreSQL gives the multirange type of a range type.
 * https://www.postgresql.org/docs/17/sql-createtype.html
 */
function multirangeOf(name: string): string {
  const [schema = '', range = ''] = name.split('.');
  return `${schema}.${range.includes('range') ? range.replace('range', 'multirange') : `${range}_multirange`}`;
}

/** The columns that parts of an index name, besides those that it is on. */
function columnsUsed(parts: unknown, on: readonly string[]): string[] {
  const used = new Set<string>();
  walk(parts, (type, fields) => {
    if (type === 'ColumnRef') used.add(stringsOf((fields as Fields<'ColumnRef'>).fields).at(-1) ?? '');
    if (type === 'IndexElem') used.add((fields as Fields<'IndexElem'>).name ?? '');
  });
  for (const each of ['', ...on]) used.delete(each);
  return [...used];
}

const effects: { [Type in NodeType]?: (catalog: Catalog, piece: Piece<Type>) => void } = {
  CreateStmt(catalog, piece) {
    const table = describedTable(catalog, piece);
    table.temporary = isTemporary(piece.node.relation);
    table.untilCommit = piece.node.oncommit === 'ONCOMMIT_DROP';
    addTable(catalog, table, table.site!);
  },
  CreateTableAsStmt(catalog, piece) {
    addView(
      catalog,
      piece,
      piece.node.into.rel,
      piece.node.objtype === 'OBJECT_MATVIEW' ? 'materialized view' : 'table',
    );
  },
  SelectStmt(catalog, piece) {
    const rel = piece.node.intoClause?.rel as RangeVar | undefined;
    // In a body, INTO without TEMP or TABLE assigns a variable.
    if (rel !== undefined && (piece.inside === undefined || isTemporary(rel))) addView(catalog, piece, rel, 'table');
  },
  ViewStmt(catalog, piece) {
    addView(catalog, piece, piece.node.view, 'view');
  },
  ExplainStmt(catalog, piece) {
    const { query, options } = piece.node;
    const analyze = allOf(options, 'DefElem').find(({ defname }) => defname === 'analyze');
    // Without ANALYZE, and with a word after it that says no, nothing runs.
    if (query === undefined || analyze === undefined || isOff(analyze.arg)) return;
    const [type, node] = open(query);
    // A query of EXPLAIN is no statement of a body, where INTO would name a variable.
    const { inside: _, ...place } = piece;
    apply(catalog, { ...place, type, node } as Piece);
  },
  ImportForeignSchemaStmt(catalog, { node }) {
    catalog.imported.add(node.local_schema ?? '');
  },
  AlterTableStmt: alterTable,
  IndexStmt(catalog, piece) {
    const { idxname, relation, indexParams, indexIncludingParams, unique = false, whereClause } = piece.node;
    const lookup = findTable(catalog, relation);
    if (!('found' in lookup) && idxname !== undefined) catalog.broken.add(idxname);
    if (!('found' in lookup)) return;
    const parts = allOf(indexParams, 'IndexElem').map(({ name }) => name);
    const expression = parts.indexOf(undefined);
    const columns = (expression === -1 ? parts : parts.slice(0, expression)) as string[];
    const name = idxname ?? chosenIndexName(bare(lookup.found.name), indexParams, indexIncludingParams);
    note(catalog, 'index', name, siteOf(piece));
    if (!lookup.found.indexes.has(name))
      lookup.found.indexes.set(name, {
        name,
        columns,
        unique,
        partial: whereClause !== undefined,
        uses: columnsUsed([indexParams, indexIncludingParams, whereClause], columns),
        site: siteOf(piece),
      });
  },
  CreatePolicyStmt(catalog, piece) {
    const policy = policyOf(catalog, piece);
    note(catalog, 'policy', `${policy.name} on ${policy.table}`, policy.site);
    const table = catalog.tables.get(policy.table) ?? ghost(catalog, policy.table);
    table.policies.set(policy.name, policy);
  },
  AlterPolicyStmt(catalog, piece) {
    const { policy_name: name, table, roles, qual, with_check: check } = piece.node;
    const lookup = findTable(catalog, table);
    const policy = ('found' in lookup ? lookup.found : catalog.ghosts.get(newName(catalog, table)))?.policies.get(name);
    if (policy === undefined) return;
    if (roles !== undefined) policy.roles = rolesOf(roles);
    const whole =
      (qual !== undefined || policy.using === undefined) && (check !== undefined || policy.check === undefined);
    if (qual !== undefined) policy.using = qual;
    if (check !== undefined) policy.check = check;
    // Locations in an expression are relative to the statement that it was written in.
    if (whole && (qual ?? check) !== undefined) Object.assign(policy, { site: siteOf(piece), mixed: false });
    else if ((qual ?? check) !== undefined) policy.mixed = true;
  },
  CreateTrigStmt(catalog, piece) {
    const { trigname, relation, funcname, transitionRels } = piece.node;
    for (const { name } of allOf(transitionRels, 'TriggerTransition')) catalog.madeByRoutines.add(name ?? '');
    const lookup = findTable(catalog, relation);
    if ('found' in lookup)
      lookup.found.triggers.set(trigname, { name: trigname, routine: qualifiedName(funcname), site: siteOf(piece) });
  },
  CreateFunctionStmt(catalog, piece) {
    const routine = routineOf(catalog, piece);
    note(catalog, 'function', routine.name, routine.site!);
    const others = (catalog.routines.get(routine.name) ?? []).filter(
      (each) => each.arguments.join() !== routine.arguments.join(),
    );
    catalog.routines.set(routine.name, [...others, routine]);
  },
  AlterFunctionStmt(catalog, piece) {
    const { func, actions } = piece.node;
    const elements = allOf(actions, 'DefElem');
    for (const routine of catalog.routines.get(newQualified(catalog, func?.objname)) ?? []) {
      routine.searchPath = searchPathOf(elements) ?? routine.searchPath;
      const security = elements.find(({ defname }) => defname === 'security');
      if (security !== undefined) routine.definer = fieldsOf(security.arg, 'Boolean')?.boolval === true;
    }
  },
  CreateEnumStmt(catalog, piece) {
    addType(catalog, piece, 'enum', newQualified(catalog, piece.node.typeName));
  },
  CreateRangeStmt(catalog, piece) {
    const name = newQualified(catalog, piece.node.typeName);
    const options = allOf(piece.node.params, 'DefElem');
    const multirange = options.find(({ defname }) => defname === 'multirange_type_name')?.arg;
    const names = [name, multirange === undefined ? multirangeOf(name) : newQualified(catalog, namesOf(multirange))];
    for (const each of names) {
      addType(catalog, piece, 'range', each);
      // The constructor.
      addOpaqueRoutine(catalog, piece, each);
    }
  },
  DefineStmt(catalog, piece) {
    const { kind, defnames } = piece.node;
    if (kind === 'OBJECT_TYPE') addType(catalog, piece, 'base', newQualified(catalog, defnames));
    else if (kind === 'OBJECT_AGGREGATE') addOpaqueRoutine(catalog, piece, newQualified(catalog, defnames));
  },
  CreateForeignTableStmt(catalog, piece) {
    const table = describedTable(catalog, { ...piece, type: 'CreateStmt', node: piece.node.base });
    addTable(catalog, { ...table, kind: 'foreign table' }, table.site!);
  },
  CreateDomainStmt(catalog, piece) {
    addType(catalog, piece, 'domain', newQualified(catalog, piece.node.domainname));
  },
  CompositeTypeStmt(catalog, piece) {
    addType(catalog, piece, 'composite', newName(catalog, piece.node.typevar));
  },
  CreateSchemaStmt(catalog, piece) {
    const schemaname = schemaOf(piece.node);
    note(catalog, 'schema', schemaname, siteOf(piece));
    if (!catalog.schemas.has(schemaname)) catalog.schemas.set(schemaname, siteOf(piece));
  },
  CreateExtensionStmt(catalog, piece) {
    const { extname } = piece.node;
    if (!catalog.extensions.has(extname)) catalog.extensions.set(extname, siteOf(piece));
    const schema = allOf(piece.node.options, 'DefElem').find(({ defname }) => defname === 'schema')?.arg;
    const into = stringOf(schema) || 'public';
    const known = knownExtensions[extname];
    if (known === undefined) catalog.unknownExtension = true;
    for (const each of known?.schemas ?? []) {
      note(catalog, 'schema', each, siteOf(piece));
      catalog.schemas.set(each, siteOf(piece));
    }
    for (const [name, table] of Object.entries(known?.tables ?? {})) {
      note(catalog, 'table', `${into}.${name}`, siteOf(piece));
      catalog.tables.set(`${into}.${name}`, tableOf(`${into}.${name}`, table));
    }
    for (const each of known?.types ?? []) {
      note(catalog, 'type', `${into}.${each}`, siteOf(piece));
      catalog.types.set(`${into}.${each}`, { name: `${into}.${each}`, kind: 'domain' });
    }
    for (const each of known?.functions ?? []) {
      note(catalog, 'function', `${into}.${each}`, siteOf(piece));
      catalog.routines.set(`${into}.${each}`, [
        { name: `${into}.${each}`, arguments: [], returns: 'unknown', language: 'c', definer: false, body: [] },
      ]);
    }
  },
  CreateSeqStmt(catalog, piece) {
    const name = newName(catalog, piece.node.sequence);
    note(catalog, 'sequence', name, siteOf(piece));
    catalog.sequences.set(name, siteOf(piece));
    own(catalog, name, piece.node.options);
  },
  AlterSeqStmt(catalog, piece) {
    const { relname = '', schemaname } = (piece.node.sequence ?? {}) as RangeVar;
    const schemas = schemaname === undefined ? ['pg_temp', ...catalog.searchPath] : [schemaname];
    const name = schemas.map((schema) => `${schema}.${relname}`).find((each) => catalog.sequences.has(each));
    if (name !== undefined) own(catalog, name, piece.node.options);
  },
  GrantStmt(catalog, piece) {
    grant(catalog, piece.node, siteOf(piece));
  },
  AlterDefaultPrivilegesStmt(catalog, piece) {
    const { node } = piece;
    const schemas = allOf(node.options, 'DefElem').find(({ defname }) => defname === 'schemas')?.arg;
    if (node.action !== undefined)
      grant(
        catalog,
        node.action as Fields<'GrantStmt'>,
        siteOf(piece),
        schemas === undefined ? ['public'] : stringsOf(schemas),
      );
  },
  VariableSetStmt(catalog, { node }) {
    const { name, args, kind } = node;
    if (name !== 'search_path') return;
    catalog.searchPath =
      kind === 'VAR_SET_VALUE'
        ? (args ?? []).map((each) => literalOf(each) ?? '').filter((each) => each !== '' && each !== '$user')
        : ['public', 'extensions'];
  },
  InsertStmt(catalog, piece) {
    const { relation, cols, selectStmt } = piece.node;
    if (relation.schemaname !== 'storage' || relation.relname !== 'buckets') return;
    const id = allOf(cols, 'ResTarget').findIndex(({ name }) => name === 'id');
    for (const { items = [] } of allOf(fieldsOf(selectStmt, 'SelectStmt')?.valuesLists, 'List')) {
      const name = literalOf(items[Math.max(0, id)]);
      if (name !== undefined) catalog.buckets.set(name, siteOf(piece));
    }
  },
  TransactionStmt(catalog, piece) {
    if (piece.node.kind !== 'TRANS_STMT_COMMIT') return;
    for (const { name, untilCommit } of catalog.tables.values()) {
      if (untilCommit !== true) continue;
      catalog.tables.delete(name);
      catalog.dropped.set(`table ${name}`, siteOf(piece));
    }
  },
  DropStmt: drop,
  RenameStmt: rename,
  AlterObjectSchemaStmt: setSchema,
};

/** An empty entry for a table that does not exist, so that its policies are checked anyway. */
function ghost(catalog: Catalog, name: string): Table {
  const table = catalog.ghosts.get(name) ?? { ...newTable(name), open: true };
  catalog.ghosts.set(name, table);
  return table;
}

/** Applies what a statement does to the catalog. Other statements change nothing. */
export function apply(catalog: Catalog, piece: Piece): void {
  const effect = effects[piece.type] as ((catalog: Catalog, piece: Piece) => void) | undefined;
  effect?.(catalog, piece);
}
