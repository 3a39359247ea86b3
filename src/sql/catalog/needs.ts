import { relationName } from '../names.ts';
import { allOf, fieldsOf, stringOf, stringsOf, walk } from '../nodes.ts';
import type { Constraint, Fields, Node, NodeType, RangeVar } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { missingColumns } from './columns.ts';
import { findRelation, findRoutines, findTable, findType } from './lookup.ts';
import { mentionInCall, mentionInCast, missing, missingMention, missingObjects } from './named-objects.ts';
import type { Mention } from './named-objects.ts';
import type { Catalog, Need, Report, Table } from './model.ts';
import { describedTable } from './tables.ts';

/** Kinds of objects that statements name like a relation although they are not tables. */
const otherObjects = new Set(['OBJECT_INDEX', 'OBJECT_SEQUENCE', 'OBJECT_TYPE', 'OBJECT_ATTRIBUTE']);

/** The relation that a statement creates or accepts as missing, so that it does not need it. Compared by identity. */
function ownRelation({ type, node }: Piece): RangeVar | undefined {
  if (type === 'CreateStmt') return node.relation;
  if (type === 'CreateForeignTableStmt') return node.base.relation;
  if (type === 'ViewStmt') return node.view;
  if (type === 'CreateTableAsStmt') return node.into.rel;
  if (type === 'ExplainStmt')
    return (
      fieldsOf(node.query, 'CreateTableAsStmt')?.into.rel ??
      (fieldsOf(node.query, 'SelectStmt')?.intoClause?.rel as RangeVar | undefined)
    );
  if (type === 'SelectStmt') return node.intoClause?.rel as RangeVar | undefined;
  if (type === 'AlterTableStmt' && (otherObjects.has(node.objtype ?? '') || node.missing_ok === true))
    return node.relation;
  if (type === 'RenameStmt' && (otherObjects.has(node.renameType) || node.missing_ok === true)) return node.relation;
  if (type === 'AlterObjectSchemaStmt' && (otherObjects.has(node.objectType ?? '') || node.missing_ok === true))
    return node.relation;
  return undefined;
}

/** What a statement names anywhere in its tree, without the common table expressions that are visible there. */
type Names = readonly (
  | readonly ['RangeVar', RangeVar]
  | readonly ['FuncCall', Fields<'FuncCall'>]
  | readonly ['TypeName', Fields<'TypeName'>]
  | readonly ['Mention', Mention]
)[];

/** By the fields of a statement, because a repair reads the same trees many times. */
const known = new WeakMap<object, Names>();

function namesOf({ type, node }: Piece): Names {
  const names = known.get(node) ?? readNames(type, node);
  known.set(node, names);
  return names;
}

/** The calls of functions and procedures in a statement. */
export const callsIn = (piece: Piece): Fields<'FuncCall'>[] =>
  namesOf(piece).flatMap(([type, fields]) => (type === 'FuncCall' ? [fields] : []));

function readNames(type: NodeType, node: object): Names {
  const used: Names[number][] = [];
  const mentions = new Set<unknown>();
  const read = (value: unknown, visible: ReadonlySet<string>): void =>
    walk(value, (kind, fields) => {
      const scoped = queryParts(kind, fields, visible);
      if (scoped !== undefined) {
        for (const part of scoped) read(part.value, part.visible);
        return false;
      }
      if (kind === 'RangeVar') {
        if (fields.schemaname !== undefined || !visible.has(fields.relname)) used.push([kind, fields]);
      } else if (kind === 'FuncCall') {
        used.push([kind, fields]);
        const mention = mentionInCall(fields);
        if (mention !== undefined) used.push(['Mention', mention]);
        const cast = mention === undefined ? undefined : fieldsOf(fields.args?.[0], 'TypeCast');
        if (cast !== undefined) mentions.add(cast);
      } else if (kind === 'TypeCast' && !mentions.has(fields)) {
        const mention = mentionInCast(fields);
        if (mention !== undefined) used.push(['Mention', mention]);
      } else if (kind === 'TypeName') used.push([kind, fields]);
      else if (kind === 'DefElem')
        return fields.arg === undefined || !('TypeName' in fields.arg) || typeOptions.has(fields.defname);
      return kind !== 'ObjectWithArgs';
    });
  read([{ [type]: node }], new Set());
  return used;
}

/** A part of a query, with the common table expressions that it sees. */
interface QueryPart {
  value: unknown;
  visible: ReadonlySet<string>;
}

/**
 * A query in the parts that see different common table expressions: each expression sees those before it, with RECURSIVE
 * all, and what is written to is none of them. Undefined for what has none, and for other nodes.
 */
function queryParts(kind: string, fields: object, visible: ReadonlySet<string>): QueryPart[] | undefined {
  const query = fields as Partial<Fields<'SelectStmt'>> & { relation?: unknown };
  const { withClause, larg, rarg, relation, ...rest } = query;
  const isQuery = kind === 'SelectStmt' || ofData.has(kind);
  if (!isQuery || (withClause === undefined && larg === undefined && visible.size === 0)) return undefined;
  const expressions = allOf(withClause?.ctes, 'CommonTableExpr');
  const names = expressions.map(({ ctename = '' }) => ctename);
  const parts: QueryPart[] = [];
  let seen = withClause?.recursive === true ? new Set([...visible, ...names]) : visible;
  for (const expression of expressions) {
    parts.push({ value: expression, visible: seen });
    seen = new Set([...seen, expression.ctename ?? '']);
  }
  for (const side of [larg, rarg]) if (side !== undefined) parts.push({ value: [{ SelectStmt: side }], visible: seen });
  if (relation !== undefined) parts.push({ value: { relation }, visible: new Set() });
  return [...parts, { value: rest, visible: seen }];
}

/** Statements whose `relation` is what they write to. */
const ofData: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

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
  'as',
]);

/** Statements whose relations are other things than tables, or created by statements of their own. */
const withoutTables = new Set<NodeType>(['ConstraintsSetStmt', 'CreateSchemaStmt']);

/** Tables, functions, types and schemas that a statement names anywhere in its tree. */
function named(catalog: Catalog, piece: Piece, report: Report): void {
  if (withoutTables.has(piece.type) || (piece.type === 'DropStmt' && piece.node.missing_ok === true)) return;
  const own = ownRelation(piece);
  // A foreign key may reference the table that the statement creates.
  const made = piece.type === 'CreateStmt' ? relationName(piece.node.relation) : undefined;
  // A partition key may convert to the row type of the table.
  const ownRow = piece.type === 'CreateStmt' ? piece.node.relation.relname : undefined;
  const inSequence = piece.type === 'GrantStmt' && piece.node.objtype !== 'OBJECT_TABLE';
  // A function in C that returns an unknown type creates it, to be defined later.
  const shell = piece.type === 'CreateFunctionStmt' && isInC(piece.node) ? piece.node.returnType : undefined;
  for (const [type, fields] of namesOf(piece)) {
    if (type === 'RangeVar') {
      if (fields === own || inSequence || relationName(fields) === made) continue;
      missing('table', findRelation(catalog, fields), fields.location, report);
    } else if (type === 'Mention') {
      missingMention(catalog, fields, report);
    } else if (type === 'FuncCall') {
      if (!isColumnCall(catalog, fields))
        missing('function', findRoutines(catalog, fields.funcname), fields.location, report);
    } else if (fields.names !== undefined && fields !== shell && stringsOf(fields.names).at(-1) !== ownRow) {
      missing('type', findType(catalog, fields), fields.location, report);
    }
  }
}

/** Whether `name(row)` can be another way to write `row.name`. */
function isColumnCall(catalog: Catalog, { funcname, args }: Fields<'FuncCall'>): boolean {
  const [name = '', more] = stringsOf(funcname);
  const isRow = args?.length === 1 && fieldsOf(args[0], 'ColumnRef')?.fields?.length === 1;
  return more === undefined && isRow && [...catalog.tables.values()].some(({ columns }) => columns.has(name));
}

function columnIn(table: Table, column: string, location: number | undefined, report: Report): void {
  if (!table.open && !table.columns.has(column)) report('column', `${table.name}.${column}`, location);
}

function constraintColumns(catalog: Catalog, table: Table, constraint: Constraint, report: Report): void {
  const keys = [constraint.keys, constraint.including, constraint.fk_attrs, constraint.fk_del_set_cols];
  for (const key of keys.flatMap(stringsOf)) columnIn(table, key, constraint.location, report);
  if (constraint.pktable === undefined) return;
  const lookup = findTable(catalog, constraint.pktable);
  const target = 'found' in lookup ? lookup.found : relationName(constraint.pktable) === table.name ? table : undefined;
  if (target !== undefined)
    for (const key of stringsOf(constraint.pk_attrs)) columnIn(target, key, constraint.pktable.location, report);
}

/** Commands of ALTER TABLE whose name is that of a column. */
const ofColumns: ReadonlySet<string> = new Set([
  'AT_DropColumn',
  'AT_AlterColumnType',
  'AT_SetNotNull',
  'AT_DropNotNull',
  'AT_ColumnDefault',
  'AT_SetExpression',
  'AT_DropExpression',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_AddIdentity',
  'AT_SetIdentity',
  'AT_DropIdentity',
]);

/** Columns that a statement names outside of expressions. */
const columnChecks: { [Type in NodeType]?: (catalog: Catalog, piece: Piece<Type>, report: Report) => void } = {
  CreateStmt(catalog, piece, report) {
    const table = describedTable(catalog, piece);
    const elements = piece.node.tableElts;
    for (const constraint of allOf(elements, 'Constraint')) constraintColumns(catalog, table, constraint, report);
    for (const { constraints } of allOf(elements, 'ColumnDef')) {
      for (const constraint of allOf(constraints, 'Constraint')) constraintColumns(catalog, table, constraint, report);
    }
    for (const { name, location } of allOf(piece.node.partspec?.partParams, 'PartitionElem'))
      if (name !== undefined) columnIn(table, name, location, report);
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
      else if (missingOk !== true && ofColumns.has(subtype) && name !== '') columnIn(table, name, undefined, report);
    }
  },
  IndexStmt(catalog, piece, report) {
    const { relation, indexParams } = piece.node;
    const lookup = findTable(catalog, relation);
    if (!('found' in lookup)) return;
    for (const { name } of allOf(indexParams, 'IndexElem'))
      if (name !== undefined) columnIn(lookup.found, name, relation.location, report);
  },
  RenameStmt(catalog, { node: { renameType, relation, subname = '', missing_ok: missingOk } }, report) {
    if (renameType !== 'OBJECT_COLUMN' || relation === undefined || missingOk === true) return;
    const lookup = findTable(catalog, relation);
    if ('found' in lookup) columnIn(lookup.found, subname, relation.location, report);
  },
  CommentStmt(catalog, { node: { objtype, object } }, report) {
    if (objtype !== 'OBJECT_COLUMN') return;
    const [column = '', relname = '', schemaname] = stringsOf(object).toReversed();
    const lookup = findTable(catalog, schemaname === undefined ? { relname } : { relname, schemaname });
    if ('found' in lookup) columnIn(lookup.found, column, undefined, report);
  },
  CreateTrigStmt(catalog, { node: { relation, columns } }, report) {
    const lookup = findTable(catalog, relation);
    if ('found' in lookup)
      for (const column of stringsOf(columns)) columnIn(lookup.found, column, relation.location, report);
  },
  InsertStmt(catalog, piece, report) {
    const { relation, cols } = piece.node;
    const lookup = findTable(catalog, relation);
    if (!('found' in lookup)) return;
    for (const { name, location } of allOf(cols, 'ResTarget')) columnIn(lookup.found, name ?? '', location, report);
  },
};

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
  missingObjects(catalog, piece, report);
  if (piece.inside !== 'routine') {
    const check = columnChecks[piece.type] as ((catalog: Catalog, piece: Piece, report: Report) => void) | undefined;
    check?.(catalog, piece, report);
    missingColumns(catalog, piece, report);
  }
  return needs;
}
