import { allOf, fieldsOf, stringsOf } from '../nodes.ts';
import type { Node, RangeVar } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { findTable, newName, newQualified } from './lookup.ts';
import type { Catalog, Site, Table } from './model.ts';
import { heirsOf, note } from './tables.ts';
import { typeText } from './types.ts';

function tableNamed(catalog: Catalog, names: readonly string[]): Table | undefined {
  const [relname = '', schemaname] = names.toReversed();
  const lookup = findTable(catalog, schemaname === undefined ? { relname } : { relname, schemaname });
  return 'found' in lookup ? lookup.found : undefined;
}

type Removal = (catalog: Catalog, object: Node, gone: (kind: string, name: string) => void, cascade: boolean) => void;

/** A table goes with its partitions; with CASCADE, with the tables that inherit from it, too. */
const dropTable: Removal = (catalog, object, gone, cascade) => {
  const table = tableNamed(catalog, stringsOf(object));
  if (table === undefined) return;
  const heirs = heirsOf(catalog, table.name).filter(({ partitionOf }) => cascade || partitionOf !== undefined);
  for (const { name } of [table, ...heirs]) {
    catalog.tables.delete(name);
    gone('table', name);
  }
};

/** Drops the overload with these arguments, or all if the statement names no arguments. */
const dropRoutine: Removal = (catalog, object, gone) => {
  const dropped = fieldsOf(object, 'ObjectWithArgs');
  const name = newQualified(catalog, dropped?.objname);
  const types = allOf(dropped?.objargs, 'TypeName').map(typeText).join();
  const overloads = catalog.routines.get(name) ?? [];
  const left =
    dropped?.args_unspecified === true || overloads.length < 2
      ? []
      : overloads.filter(({ arguments: given }) => given.join() !== types);
  if (left.length > 0) catalog.routines.set(name, left);
  else if (catalog.routines.delete(name)) gone('function', name);
};

const dropType: Removal = (catalog, object, gone) => {
  const name = newQualified(catalog, fieldsOf(object, 'TypeName')?.names);
  if (catalog.types.delete(name)) gone('type', name);
};

const removals: Record<string, Removal> = {
  OBJECT_TABLE: dropTable,
  OBJECT_VIEW: dropTable,
  OBJECT_MATVIEW: dropTable,
  OBJECT_FUNCTION: dropRoutine,
  OBJECT_PROCEDURE: dropRoutine,
  OBJECT_ROUTINE: dropRoutine,
  OBJECT_TYPE: dropType,
  OBJECT_DOMAIN: dropType,
  OBJECT_SCHEMA(catalog, object, gone) {
    const [name = ''] = [fieldsOf(object, 'String')?.sval];
    if (name !== 'public' && catalog.schemas.delete(name)) gone('schema', name);
    for (const [kind, all] of [
      ['table', catalog.tables],
      ['function', catalog.routines],
      ['type', catalog.types],
    ] as const) {
      for (const each of all.keys()) if (each.startsWith(`${name}.`) && all.delete(each)) gone(kind, each);
    }
  },
  OBJECT_POLICY(catalog, object) {
    const names = stringsOf(object);
    tableNamed(catalog, names.slice(0, -1))?.policies.delete(names.at(-1)!);
  },
  OBJECT_TRIGGER(catalog, object) {
    const names = stringsOf(object);
    tableNamed(catalog, names.slice(0, -1))?.triggers.delete(names.at(-1)!);
  },
  OBJECT_INDEX(catalog, object) {
    const name = stringsOf(object).at(-1)!;
    for (const table of catalog.tables.values()) table.indexes.delete(name);
  },
};

/** Applies a DROP. */
export function drop(catalog: Catalog, piece: Piece<'DropStmt'>): void {
  const { objects, removeType, behavior } = piece.node;
  const gone = (kind: string, name: string): void =>
    void catalog.dropped.set(`${kind} ${name}`, { piece, offset: piece.at() });
  for (const object of objects) {
    const kind = removeType === 'OBJECT_TABLE' ? 'table' : removeType === 'OBJECT_SCHEMA' ? 'schema' : undefined;
    const key =
      kind === 'schema' ? `schema ${fieldsOf(object, 'String')?.sval}` : `table ${newQualified(catalog, object)}`;
    if (kind !== undefined) catalog.drops.set(key, [...(catalog.drops.get(key) ?? []), { piece, offset: piece.at() }]);
    removals[removeType]?.(catalog, object, gone, behavior === 'DROP_CASCADE');
  }
}

/** Gives a table another full name. */
function rekey(catalog: Catalog, table: Table, name: string, site: Site): void {
  catalog.tables.delete(table.name);
  catalog.dropped.set(`table ${table.name}`, site);
  table.name = name;
  for (const policy of table.policies.values()) policy.table = name;
  note(catalog, 'table', name, site);
  catalog.tables.set(name, table);
}

/** Applies ALTER TABLE … SET SCHEMA. */
export function setSchema(catalog: Catalog, piece: Piece<'AlterObjectSchemaStmt'>): void {
  const { objectType, relation, newschema = '' } = piece.node;
  const lookup = objectType === 'OBJECT_TABLE' && relation !== undefined ? findTable(catalog, relation) : undefined;
  if (lookup === undefined || !('found' in lookup)) return;
  const site = { piece, offset: piece.at() };
  lookup.found.renamed = site;
  rekey(catalog, lookup.found, `${newschema}.${lookup.found.name.split('.')[1]}`, site);
}

/** Relations, which any ALTER of a relation renames, whatever it calls them. */
const relationKinds = new Set<string>([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_INDEX',
  'OBJECT_SEQUENCE',
]);

/** Applies ALTER … RENAME. */
export function rename(catalog: Catalog, piece: Piece<'RenameStmt'>): void {
  const { renameType, relation, subname = '', newname } = piece.node;
  const site = { piece, offset: piece.at() };
  if (renameType === 'OBJECT_TYPE' || renameType === 'OBJECT_DOMAIN') renameOwnType(catalog, piece, site);
  if (relation === undefined) return;
  const lookup = findTable(catalog, relation);
  const table = 'found' in lookup ? lookup.found : undefined;
  if (table === undefined) {
    if (relationKinds.has(renameType)) renameOther(catalog, relation, newname, site);
    return;
  }
  if (renameType === 'OBJECT_TABLE' || renameType === 'OBJECT_COLUMN') table.renamed = site;
  if (relationKinds.has(renameType)) {
    const old = table.name;
    rekey(catalog, table, `${old.split('.')[0]}.${newname}`, site);
    for (const heir of catalog.tables.values())
      heir.parents = heir.parents.map((parent) => (parent === old ? table.name : parent));
  } else if (renameType === 'OBJECT_COLUMN') {
    for (const each of [table, ...heirsOf(catalog, table.name)]) renameColumn(catalog, each, subname, newname, site);
  } else if (renameType === 'OBJECT_POLICY') {
    const policy = table.policies.get(subname);
    table.policies.delete(subname);
    if (policy !== undefined) table.policies.set(newname, { ...policy, name: newname });
  } else if (renameType === 'OBJECT_TABCONSTRAINT' && table.constraints.delete(subname)) {
    table.constraints.add(newname);
  }
}

function renameColumn(catalog: Catalog, table: Table, from: string, to: string, site: Site): void {
  const column = table.columns.get(from);
  if (column === undefined) return;
  table.columns.delete(from);
  table.columns.set(to, { ...column, name: to });
  note(catalog, 'column', `${table.name}.${to}`, site);
  const renamed = (columns: readonly string[]): string[] => columns.map((each) => (each === from ? to : each));
  for (const key of table.foreignKeys) key.columns = renamed(key.columns);
  for (const index of table.indexes.values()) index.columns = renamed(index.columns);
  table.primaryKey = renamed(table.primaryKey);
  table.unique = table.unique.map(renamed);
}

/** Renames an index or a sequence, also one that PostgreSQL made for a column or constraint. */
function renameOther(catalog: Catalog, relation: RangeVar, name: string, site: Site): void {
  for (const { indexes } of catalog.tables.values()) {
    const index = indexes.get(relation.relname);
    if (index === undefined) continue;
    indexes.delete(relation.relname);
    indexes.set(name, { ...index, name });
    return;
  }
  for (const schema of relation.schemaname === undefined ? catalog.searchPath : [relation.schemaname])
    catalog.sequences.delete(`${schema}.${relation.relname}`);
  catalog.sequences.set(newName(catalog, { ...relation, relname: name }), site);
}

function renameOwnType(catalog: Catalog, piece: Piece<'RenameStmt'>, site: Site): void {
  const old = newQualified(catalog, fieldsOf(piece.node.object, 'List')?.items);
  const type = catalog.types.get(old);
  if (type === undefined) return;
  const name = `${old.split('.')[0]}.${piece.node.newname}`;
  catalog.types.delete(old);
  note(catalog, 'type', name, site);
  catalog.types.set(name, { ...type, name, site });
}
