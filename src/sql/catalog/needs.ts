import { relationName } from '../names.ts';
import { allOf, fieldsOf, stringOf, stringsOf, walk } from '../nodes.ts';
import type { Constraint, Fields, Node, NodeType, RangeVar } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { missingColumns } from './columns.ts';
import { findRoutines, findTable, findType, isOtherRelation } from './lookup.ts';
import type { Lookup } from './lookup.ts';
import type { Catalog, Need, NeedKind, Report, Table } from './model.ts';
import { describedTable } from './tables.ts';

/** Kinds of objects that statements name like a relation although they are not tables. */
const otherObjects = new Set([
  'OBJECT_INDEX',
  'OBJECT_SEQUENCE',
  'OBJECT_TYPE',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_ATTRIBUTE',
]);

/** The relation that a statement creates or accepts as missing, so that it does not need it. Compared by identity. */
function ownRelation({ type, node }: Piece): RangeVar | undefined {
  if (type === 'CreateStmt') return node.relation;
  if (type === 'CreateForeignTableStmt') return node.base.relation;
  if (type === 'ViewStmt') return node.view;
  if (type === 'CreateTableAsStmt') return node.into.rel;
  if (type === 'ExplainStmt') return fieldsOf(node.query, 'CreateTableAsStmt')?.into.rel;
  if (type === 'SelectStmt') return node.intoClause?.rel as RangeVar | undefined;
  if (type === 'AlterTableStmt' && (otherObjects.has(node.objtype ?? '') || node.missing_ok === true))
    return node.relation;
  if (type === 'RenameStmt' && (otherObjects.has(node.renameType) || node.missing_ok === true)) return node.relation;
  if (type === 'AlterObjectSchemaStmt' && (otherObjects.has(node.objectType ?? '') || node.missing_ok === true))
    return node.relation;
  return undefined;
}

/** What a statement names anywhere in its tree. */
interface Names {
  /** Common table expressions, which it defines itself. */
  local: ReadonlySet<string>;
  used: readonly (
    | readonly ['RangeVar', RangeVar]
    | readonly ['FuncCall', Fields<'FuncCall'>]
    | readonly ['TypeName', Fields<'TypeName'>]
  )[];
}

/** By the fields of a statement, because a repair reads the same trees many times. */
const known = new WeakMap<object, Names>();

function namesOf(node: object): Names {
  const names = known.get(node) ?? readNames(node);
  known.set(node, names);
  return names;
}

function readNames(node: object): Names {
  const local = new Set<string>();
  const used: Names['used'][number][] = [];
  walk(node, (type, fields) => {
    if (type === 'CommonTableExpr') local.add(fields.ctename ?? '');
  });
  walk(node, (type, fields) => {
    if (type === 'RangeVar') used.push([type, fields]);
    else if (type === 'FuncCall') used.push([type, fields]);
    else if (type === 'TypeName') used.push([type, fields]);
    else if (type === 'DefElem')
      return fields.arg === undefined || !('TypeName' in fields.arg) || typeOptions.has(fields.defname);
    return type !== 'ObjectWithArgs';
  });
  return { local, used };
}

function missing(kind: NeedKind, lookup: Lookup<unknown>, location: number | undefined, report: Report): void {
  if ('missing' in lookup) report(lookup.schema === true ? 'schema' : kind, lookup.missing, location);
}

function isInC({ options }: Fields<'CreateFunctionStmt'>): boolean {
  const language = allOf(options, 'DefElem').find(({ defname }) => defname === 'language');
  return ['c', 'internal'].includes(stringOf(language?.arg).toLowerCase());
}

/** Options whose value is a type. Any other word that an option has is read as one, too. */
const typeOptions = new Set([
  'subtype',
  'basetype',
  'stype',
  'stype1',
  'mstype',
  'leftarg',
  'rightarg',
  'like',
  'element',
]);

/** Statements whose relations are other things than tables, or created by statements of their own. */
const withoutTables = new Set<NodeType>(['ConstraintsSetStmt', 'CreateSchemaStmt']);

/** Tables, functions, types and schemas that a statement names anywhere in its tree. */
function named(catalog: Catalog, piece: Piece, report: Report): void {
  if (withoutTables.has(piece.type) || (piece.type === 'DropStmt' && piece.node.missing_ok === true)) return;
  const own = ownRelation(piece);
  const { local, used } = namesOf(piece.node);
  // A foreign key may reference the table that the statement creates.
  const made = piece.type === 'CreateStmt' ? relationName(piece.node.relation) : undefined;
  const inSequence = piece.type === 'GrantStmt' && piece.node.objtype !== 'OBJECT_TABLE';
  // A function in C that returns an unknown type creates it, to be defined later.
  const shell = piece.type === 'CreateFunctionStmt' && isInC(piece.node) ? piece.node.returnType : undefined;
  for (const [type, fields] of used) {
    if (type === 'RangeVar') {
      if (
        fields === own ||
        inSequence ||
        relationName(fields) === made ||
        (fields.schemaname === undefined && local.has(fields.relname))
      )
        continue;
      const lookup = findTable(catalog, fields);
      if (!('missing' in lookup) || lookup.schema === true || !isOtherRelation(catalog, fields))
        missing('table', lookup, fields.location, report);
    } else if (type === 'FuncCall') {
      missing('function', findRoutines(catalog, fields.funcname), fields.location, report);
    } else if (fields.names !== undefined && fields !== shell) {
      missing('type', findType(catalog, fields), fields.location, report);
    }
  }
}

function columnIn(table: Table, column: string, location: number | undefined, report: Report): void {
  if (!table.open && !table.columns.has(column)) report('column', `${table.name}.${column}`, location);
}

function constraintColumns(catalog: Catalog, table: Table, constraint: Constraint, report: Report): void {
  for (const key of [...stringsOf(constraint.keys), ...stringsOf(constraint.fk_attrs)])
    columnIn(table, key, constraint.location, report);
  if (constraint.pktable === undefined) return;
  const lookup = findTable(catalog, constraint.pktable);
  const target = 'found' in lookup ? lookup.found : relationName(constraint.pktable) === table.name ? table : undefined;
  if (target !== undefined)
    for (const key of stringsOf(constraint.pk_attrs)) columnIn(target, key, constraint.pktable.location, report);
}

/** Columns that a statement names outside of expressions. */
const columnChecks: { [Type in NodeType]?: (catalog: Catalog, piece: Piece<Type>, report: Report) => void } = {
  CreateStmt(catalog, piece, report) {
    const table = describedTable(catalog, piece);
    const elements = piece.node.tableElts;
    for (const constraint of allOf(elements, 'Constraint')) constraintColumns(catalog, table, constraint, report);
    for (const { constraints } of allOf(elements, 'ColumnDef')) {
      for (const constraint of allOf(constraints, 'Constraint')) constraintColumns(catalog, table, constraint, report);
    }
  },
  AlterTableStmt(catalog, piece, report) {
    const lookup = findTable(catalog, piece.node.relation);
    if (!('found' in lookup)) return;
    const table = { ...lookup.found, columns: new Map(lookup.found.columns) };
    for (const { subtype, name = '', def, missing_ok: missingOk } of allOf(piece.node.cmds, 'AlterTableCmd')) {
      const constraint = fieldsOf(def, 'Constraint');
      const added = fieldsOf(def, 'ColumnDef');
      if (subtype === 'AT_AddColumn' && added !== undefined) {
        table.columns.set(added.colname, { name: added.colname, type: '', notNull: false, generated: false });
        for (const each of allOf(added.constraints, 'Constraint')) constraintColumns(catalog, table, each, report);
      } else if (subtype === 'AT_AddConstraint' && constraint !== undefined)
        constraintColumns(catalog, table, constraint, report);
      else if (
        /^AT_(?:DropColumn|AlterColumnType|SetNotNull|DropNotNull|ColumnDefault)$/.test(subtype) &&
        missingOk !== true
      )
        columnIn(table, name, undefined, report);
    }
  },
  IndexStmt(catalog, piece, report) {
    const { relation, indexParams } = piece.node;
    const lookup = findTable(catalog, relation);
    if (!('found' in lookup)) return;
    for (const { name } of allOf(indexParams, 'IndexElem'))
      if (name !== undefined) columnIn(lookup.found, name, relation.location, report);
  },
  InsertStmt(catalog, piece, report) {
    const { relation, cols } = piece.node;
    const lookup = findTable(catalog, relation);
    if (!('found' in lookup)) return;
    for (const { name, location } of allOf(cols, 'ResTarget')) columnIn(lookup.found, name ?? '', location, report);
  },
  CommentStmt(catalog, { node }, report) {
    const names = stringsOf(node.object);
    const parts = node.objtype === 'OBJECT_COLUMN' ? names.slice(0, -1) : node.objtype === 'OBJECT_TABLE' ? names : [];
    if (parts.length > 0) tableOnly(catalog, parts, report);
  },
  DropStmt(catalog, { node }, report) {
    const { objects, removeType, missing_ok: missingOk } = node;
    if (missingOk === true) return;
    for (const object of objects) {
      const names = stringsOf(object);
      if (removeType === 'OBJECT_TABLE' || removeType === 'OBJECT_VIEW') tableOnly(catalog, names, report);
      if (removeType === 'OBJECT_POLICY' || removeType === 'OBJECT_TRIGGER')
        tableOnly(catalog, names.slice(0, -1), report);
    }
  },
};

function tableOnly(catalog: Catalog, names: readonly string[], report: Report): void {
  const [relname = '', schemaname] = names.toReversed();
  const relation = schemaname === undefined ? { relname } : { relname, schemaname };
  if (!isOtherRelation(catalog, relation)) missing('table', findTable(catalog, relation), undefined, report);
}

/** The name of the function or type that a statement creates or is about. */
function ownName({ type, node }: Piece): readonly Node[] | undefined {
  if (type === 'CreateFunctionStmt' || type === 'CreateEventTrigStmt') return node.funcname;
  return type === 'CreateEnumStmt' || type === 'AlterEnumStmt' ? node.typeName : undefined;
}

/** The schema that a statement creates something in. */
function targetSchema(catalog: Catalog, piece: Piece, report: Report): void {
  const relation = ownRelation(piece);
  const parts = stringsOf(ownName(piece));
  const schema = relation?.schemaname ?? (parts.length > 1 ? parts.at(-2) : undefined);
  if (schema !== undefined && !catalog.schemas.has(schema)) report('schema', schema, relation?.location);
}

/** Everything that a statement uses and that does not exist at this point of the run. */
export function needsOf(catalog: Catalog, piece: Piece): Need[] {
  const needs: Need[] = [];
  const report: Report = (kind, name, location) => {
    const site = { piece, offset: location === undefined ? piece.at() : piece.at(location) };
    if (!needs.some((need) => need.kind === kind && need.name === name))
      needs.push({ kind, name, site, late: piece.inside === 'routine' });
  };
  targetSchema(catalog, piece, report);
  named(catalog, piece, report);
  if (piece.inside !== 'routine') {
    const check = columnChecks[piece.type] as ((catalog: Catalog, piece: Piece, report: Report) => void) | undefined;
    check?.(catalog, piece, report);
    missingColumns(catalog, piece, report);
  }
  return needs;
}
