import { relationName } from '../names.ts';
import { allOf, fieldsOf, stringsOf, walk } from '../nodes.ts';
import type { AlterTableCmd, Constraint, CreateStmt, DropStmt, IndexStmt, InsertStmt, Node, RangeVar, TypeName } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { missingColumns } from './columns.ts';
import { findRoutines, findTable, findType } from './lookup.ts';
import type { Lookup } from './lookup.ts';
import type { Catalog, Need, NeedKind, Report, Table } from './model.ts';
import { describedTable } from './tables.ts';

/** Statements on something that is no table, though they hold it as a relation. */
const otherObjects = new Set(['OBJECT_INDEX', 'OBJECT_SEQUENCE', 'OBJECT_TYPE', 'OBJECT_FOREIGN_TABLE', 'OBJECT_ATTRIBUTE']);

/** The relation that a statement makes, or may find missing: it is not needed. Compared by identity. */
function ownRelation({ type, node }: Piece): unknown {
  if (type === 'CreateStmt') return node['relation'];
  if (type === 'ViewStmt') return node['view'];
  if (type === 'CreateTableAsStmt') return (node['into'] as { rel: unknown }).rel;
  if (otherObjects.has(String(node['objtype'] ?? node['renameType'])) || node['missing_ok'] === true) return node['relation'];
  return undefined;
}

/** Names that are defined inside the statement: common table expressions. */
function localNames(node: Node): Set<string> {
  const names = new Set<string>();
  walk(node, (type, fields) => {
    if (type === 'CommonTableExpr') names.add(fields['ctename'] as string);
  });
  return names;
}

function missing(kind: NeedKind, lookup: Lookup<unknown>, location: number | undefined, report: Report): void {
  if ('missing' in lookup) report(lookup.schema === true ? 'schema' : kind, lookup.missing, location);
}

/** Tables, functions, types and schemas that a statement names anywhere in its tree. */
function named(catalog: Catalog, piece: Piece, report: Report): void {
  const own = ownRelation(piece);
  const local = localNames(piece.node);
  // A foreign key may point at the very table that the statement makes.
  const made = piece.type === 'CreateStmt' ? relationName(own as RangeVar) : undefined;
  const inSequence = piece.type === 'GrantStmt' && piece.node['objtype'] !== 'OBJECT_TABLE';
  walk(piece.node, (type, fields) => {
    if (type === 'RangeVar') {
      const relation = fields as unknown as RangeVar;
      if (fields === own || inSequence || relationName(relation) === made || (relation.schemaname === undefined && local.has(relation.relname))) return;
      missing('table', findTable(catalog, relation), relation.location, report);
    } else if (type === 'FuncCall') {
      missing('function', findRoutines(catalog, fields['funcname']), fields['location'] as number, report);
    } else if (type === 'TypeName') {
      const name = fields as unknown as TypeName;
      if (name.names !== undefined) missing('type', findType(catalog, name), name.location, report);
    } else if (type === 'ObjectWithArgs') {
      return false;
    }
    return undefined;
  });
}

function columnIn(table: Table, column: string, location: number | undefined, report: Report): void {
  if (!table.open && !table.columns.has(column)) report('column', `${table.name}.${column}`, location);
}

function constraintColumns(catalog: Catalog, table: Table, constraint: Constraint, report: Report): void {
  for (const key of [...stringsOf(constraint.keys), ...stringsOf(constraint.fk_attrs)]) columnIn(table, key, constraint.location, report);
  if (constraint.pktable === undefined) return;
  const lookup = findTable(catalog, constraint.pktable);
  const target = 'found' in lookup ? lookup.found : relationName(constraint.pktable) === table.name ? table : undefined;
  if (target !== undefined) for (const key of stringsOf(constraint.pk_attrs)) columnIn(target, key, constraint.pktable.location, report);
}

type Check = (catalog: Catalog, piece: Piece, report: Report) => void;

/** Columns that a statement names by other means than an expression. */
const columnChecks: Record<string, Check> = {
  CreateStmt(catalog, piece, report) {
    const table = describedTable(catalog, piece);
    const elements = (piece.node as unknown as CreateStmt).tableElts;
    for (const constraint of allOf<Constraint>(elements, 'Constraint')) constraintColumns(catalog, table, constraint, report);
    for (const { constraints } of allOf<{ constraints?: Node[] }>(elements, 'ColumnDef')) {
      for (const constraint of allOf<Constraint>(constraints, 'Constraint')) constraintColumns(catalog, table, constraint, report);
    }
  },
  AlterTableStmt(catalog, piece, report) {
    const lookup = findTable(catalog, piece.node['relation'] as RangeVar);
    if (!('found' in lookup)) return;
    const table = { ...lookup.found, columns: new Map(lookup.found.columns) };
    for (const { subtype, name = '', def, missing_ok: missingOk } of allOf<AlterTableCmd>(piece.node['cmds'], 'AlterTableCmd')) {
      const constraint = fieldsOf<Constraint>(def, 'Constraint');
      const added = fieldsOf<{ colname: string; constraints?: Node[] }>(def, 'ColumnDef');
      if (subtype === 'AT_AddColumn' && added !== undefined) {
        table.columns.set(added.colname, { name: added.colname, type: '', notNull: false, generated: false });
        for (const each of allOf<Constraint>(added.constraints, 'Constraint')) constraintColumns(catalog, table, each, report);
      } else if (subtype === 'AT_AddConstraint' && constraint !== undefined) constraintColumns(catalog, table, constraint, report);
      else if (/^AT_(?:DropColumn|AlterColumnType|SetNotNull|DropNotNull|ColumnDefault)$/.test(subtype) && missingOk !== true) columnIn(table, name, undefined, report);
    }
  },
  IndexStmt(catalog, piece, report) {
    const { relation, indexParams } = piece.node as unknown as IndexStmt;
    const lookup = findTable(catalog, relation);
    if (!('found' in lookup)) return;
    for (const { name } of allOf<{ name?: string }>(indexParams, 'IndexElem')) if (name !== undefined) columnIn(lookup.found, name, relation.location, report);
  },
  InsertStmt(catalog, piece, report) {
    const { relation, cols } = piece.node as unknown as InsertStmt;
    const lookup = findTable(catalog, relation);
    if (!('found' in lookup)) return;
    for (const { name, location } of allOf<{ name: string; location?: number }>(cols, 'ResTarget')) columnIn(lookup.found, name, location, report);
  },
  CommentStmt(catalog, { node }, report) {
    const names = stringsOf(node['object']);
    const parts = node['objtype'] === 'OBJECT_COLUMN' ? names.slice(0, -1) : node['objtype'] === 'OBJECT_TABLE' ? names : [];
    if (parts.length > 0) tableOnly(catalog, parts, report);
  },
  DropStmt(catalog, { node }, report) {
    const { objects, removeType, missing_ok: missingOk } = node as unknown as DropStmt;
    if (missingOk === true) return;
    for (const object of objects) {
      const names = stringsOf(object);
      if (removeType === 'OBJECT_TABLE' || removeType === 'OBJECT_VIEW') tableOnly(catalog, names, report);
      if (removeType === 'OBJECT_POLICY' || removeType === 'OBJECT_TRIGGER') tableOnly(catalog, names.slice(0, -1), report);
    }
  },
};

function tableOnly(catalog: Catalog, names: readonly string[], report: Report): void {
  const [relname = '', schemaname] = names.toReversed();
  missing('table', findTable(catalog, schemaname === undefined ? { relname } : { relname, schemaname }), undefined, report);
}

/** The schema that a statement makes something in. */
function targetSchema(catalog: Catalog, piece: Piece, report: Report): void {
  const relation = (ownRelation(piece) ?? {}) as { schemaname?: string; location?: number };
  const parts = stringsOf(piece.node['funcname'] ?? (piece.type.endsWith('EnumStmt') ? piece.node['typeName'] : undefined));
  const schema = piece.type === 'CreateTrigStmt' ? undefined : relation.schemaname ?? (parts.length > 1 ? parts.at(-2) : undefined);
  if (schema !== undefined && !catalog.schemas.has(schema)) report('schema', schema, relation.location);
}

/** Everything that a statement uses and that is not there at this point of the run. */
export function needsOf(catalog: Catalog, piece: Piece): Need[] {
  const needs: Need[] = [];
  const report: Report = (kind, name, location) => {
    const site = { piece, offset: location === undefined ? piece.at() : piece.at(location) };
    if (!needs.some((need) => need.kind === kind && need.name === name)) needs.push({ kind, name, site, late: piece.inside === 'routine' });
  };
  targetSchema(catalog, piece, report);
  named(catalog, piece, report);
  if (piece.inside !== 'routine') {
    columnChecks[piece.type]?.(catalog, piece, report);
    missingColumns(catalog, piece, report);
  }
  return needs;
}
