import { allOf, fieldsOf, stringsOf, walk } from '../nodes.ts';
import type { Node } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { findTable, newQualified } from './lookup.ts';
import type { Catalog, Table } from './model.ts';
import { heirsOf, ownedBy } from './tables.ts';
import { typeText } from './types.ts';

function tableNamed(catalog: Catalog, names: readonly string[]): Table | undefined {
  const [relname = '', schemaname] = names.toReversed();
  const lookup = findTable(catalog, schemaname === undefined ? { relname } : { relname, schemaname });
  return 'found' in lookup ? lookup.found : undefined;
}

/** The schema, if it is written, and the name of a thing. */
function partsOf(object: Node): [schema: string | undefined, name: string | undefined] {
  const [name, schema] = stringsOf(object).toReversed();
  return [schema, name];
}

type Removal = (catalog: Catalog, object: Node, gone: (kind: string, name: string) => void, cascade: boolean) => void;

/** The views that read one of these tables, and those that read these views. */
function viewsOf(catalog: Catalog, tables: readonly Table[]): Table[] {
  const reads = (view: Table): boolean => {
    let found = false;
    walk(view.kind.endsWith('view') ? view.site?.piece.node : undefined, (type, fields) => {
      const lookup = type === 'RangeVar' && !found ? findTable(catalog, fields) : undefined;
      found ||= lookup !== undefined && 'found' in lookup && lookup.found !== view && tables.includes(lookup.found);
    });
    return found;
  };
  const views = [...catalog.tables.values()].filter((table) => !tables.includes(table) && reads(table));
  return views.length === 0 ? [] : [...views, ...viewsOf(catalog, [...tables, ...views])];
}

/** A table goes with its partitions; with CASCADE, with the tables that inherit from it and the views that read it, too. */
const dropTable: Removal = (catalog, object, gone, cascade) => {
  const table = tableNamed(catalog, stringsOf(object));
  if (table === undefined) return;
  const heirs = heirsOf(catalog, table.name).filter(({ partitionOf }) => cascade || partitionOf !== undefined);
  const all = [table, ...heirs];
  for (const each of cascade ? [...all, ...viewsOf(catalog, all)] : all) {
    catalog.tables.delete(each.name);
    gone('table', each.name);
    for (const sequence of ownedBy(catalog, each)) {
      catalog.sequences.delete(sequence);
      catalog.sequenceOwners.delete(sequence);
      gone('sequence', sequence);
    }
  }
};

/** Types as far as one text of them differs from another only where the types differ: without schema and length. */
const plainTypes = (types: readonly string[]): string =>
  types.map((type) => type.replaceAll(/\([^)]*\)/g, '').replace(/^.*\./, '')).join();

/**
 * Drops the overload with these arguments, or all if the statement names no arguments. Where there is only one, it is
 * dropped unless its arguments are others: then the statement drops nothing.
 */
const dropRoutine: Removal = (catalog, object, gone) => {
  const dropped = fieldsOf(object, 'ObjectWithArgs');
  const name = newQualified(catalog, dropped?.objname);
  const types = plainTypes(allOf(dropped?.objargs, 'TypeName').map(typeText));
  const overloads = catalog.routines.get(name) ?? [];
  const left =
    dropped?.args_unspecified === true || overloads.every(({ language }) => language === 'c' || language === 'internal')
      ? []
      : overloads.filter(({ arguments: given }) => plainTypes(given) !== types);
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
  OBJECT_FOREIGN_TABLE: dropTable,
  OBJECT_AGGREGATE: dropRoutine,
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
      ['sequence', catalog.sequences],
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
    const [schema, name = ''] = partsOf(object);
    for (const each of schema === undefined ? ['pg_temp', ...catalog.searchPath] : [schema])
      for (const table of catalog.tables.values())
        if (table.name.startsWith(`${each}.`) && table.indexes.delete(name)) return;
  },
  OBJECT_SEQUENCE(catalog, object, gone) {
    const [schema, name = ''] = partsOf(object);
    for (const each of schema === undefined ? ['pg_temp', ...catalog.searchPath] : [schema]) {
      if (catalog.sequences.delete(`${each}.${name}`)) {
        catalog.sequenceOwners.delete(`${each}.${name}`);
        gone('sequence', `${each}.${name}`);
        return;
      }
    }
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
