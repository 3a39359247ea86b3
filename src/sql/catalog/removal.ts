import { fieldsOf, stringsOf } from '../nodes.ts';
import type { Node } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { findTable, newQualified } from './lookup.ts';
import type { Catalog, Site, Table } from './model.ts';
import { note } from './tables.ts';

function tableNamed(catalog: Catalog, names: readonly string[]): Table | undefined {
  const [relname = '', schemaname] = names.toReversed();
  const lookup = findTable(catalog, schemaname === undefined ? { relname } : { relname, schemaname });
  return 'found' in lookup ? lookup.found : undefined;
}

type Removal = (catalog: Catalog, object: Node, gone: (kind: string, name: string) => void) => void;

function dropTable(catalog: Catalog, object: Node, gone: (kind: string, name: string) => void): void {
  const table = tableNamed(catalog, stringsOf(object));
  if (table === undefined) return;
  catalog.tables.delete(table.name);
  gone('table', table.name);
}

function dropRoutine(catalog: Catalog, object: Node, gone: (kind: string, name: string) => void): void {
  const { objname } = fieldsOf(object, 'ObjectWithArgs') ?? { objname: [] };
  const name = newQualified(catalog, objname);
  if (catalog.routines.delete(name)) gone('function', name);
}

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
  const { objects, removeType } = piece.node;
  const gone = (kind: string, name: string): void =>
    void catalog.dropped.set(`${kind} ${name}`, { piece, offset: piece.at() });
  for (const object of objects) {
    const kind = removeType === 'OBJECT_TABLE' ? 'table' : removeType === 'OBJECT_SCHEMA' ? 'schema' : undefined;
    const key =
      kind === 'schema' ? `schema ${fieldsOf(object, 'String')?.sval}` : `table ${newQualified(catalog, object)}`;
    if (kind !== undefined) catalog.drops.set(key, [...(catalog.drops.get(key) ?? []), { piece, offset: piece.at() }]);
    removals[removeType]?.(catalog, object, gone);
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

/** Applies ALTER … RENAME. */
export function rename(catalog: Catalog, piece: Piece<'RenameStmt'>): void {
  const { renameType, relation, subname = '', newname } = piece.node;
  const site = { piece, offset: piece.at() };
  const lookup = relation === undefined ? undefined : findTable(catalog, relation);
  const table = lookup !== undefined && 'found' in lookup ? lookup.found : undefined;
  if (table === undefined) return;
  if (renameType === 'OBJECT_TABLE' || renameType === 'OBJECT_COLUMN') table.renamed = site;
  if (renameType === 'OBJECT_TABLE' || renameType === 'OBJECT_VIEW') {
    rekey(catalog, table, `${table.name.split('.')[0]}.${newname}`, site);
  } else if (renameType === 'OBJECT_COLUMN') {
    const column = table.columns.get(subname);
    if (column === undefined) return;
    table.columns.delete(subname);
    table.columns.set(newname, { ...column, name: newname });
    note(catalog, 'column', `${table.name}.${newname}`, site);
    const renamed = (columns: readonly string[]): string[] =>
      columns.map((each) => (each === subname ? newname : each));
    for (const key of table.foreignKeys) key.columns = renamed(key.columns);
    for (const index of table.indexes.values()) index.columns = renamed(index.columns);
    table.primaryKey = renamed(table.primaryKey);
    table.unique = table.unique.map(renamed);
  } else if (renameType === 'OBJECT_POLICY') {
    const policy = table.policies.get(subname);
    table.policies.delete(subname);
    if (policy !== undefined) table.policies.set(newname, { ...policy, name: newname });
  }
}
