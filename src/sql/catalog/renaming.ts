import { fieldsOf } from '../nodes.ts';
import type { RangeVar } from '../nodes.ts';
import type { Piece } from '../piece.ts';
import { findTable, isOtherRelation, newName, newQualified } from './lookup.ts';
import type { Catalog, Site, Table } from './model.ts';
import { knownExtensions } from './platform.ts';
import { heirsOf, note, ownedBy } from './tables.ts';

/** Gives a table another full name. */
function rekey(catalog: Catalog, table: Table, name: string, site: Site): void {
  catalog.tables.delete(table.name);
  catalog.dropped.set(`table ${table.name}`, site);
  table.name = name;
  for (const policy of table.policies.values()) policy.table = name;
  note(catalog, 'table', name, site);
  catalog.tables.set(name, table);
}

/** Gives a table another full name, also where others say that they inherit from it. */
function moveTable(catalog: Catalog, table: Table, name: string, site: Site): void {
  const old = table.name;
  table.renamed = site;
  rekey(catalog, table, name, site);
  for (const heir of catalog.tables.values())
    heir.parents = heir.parents.map((parent) => (parent === old ? name : parent));
}

/** Gives what a map has under a full name another one. */
function moveEntry<Entry extends { name: string } | readonly { name: string }[] | Site | undefined>(
  catalog: Catalog,
  kind: string,
  entries: Map<string, Entry>,
  [from, to]: readonly [from: string, to: string],
  site: Site,
): void {
  const entry = entries.get(from);
  if (!entries.delete(from)) return;
  for (const each of [entry].flat())
    if (each !== undefined && 'name' in (each as object)) (each as { name: string }).name = to;
  catalog.dropped.set(`${kind} ${from}`, site);
  note(catalog, kind, to, site);
  entries.set(to, entry as Entry);
  const owner = kind === 'sequence' ? catalog.sequenceOwners.get(from) : undefined;
  if (owner === undefined) return;
  catalog.sequenceOwners.delete(from);
  catalog.sequenceOwners.set(to, owner);
}

const inSchema = (name: string, schema: string): string => `${schema}${name.slice(name.indexOf('.'))}`;
const called = (name: string, last: string): string => `${name.slice(0, name.indexOf('.'))}.${last}`;

/** Gives a routine, type or extension that a statement names another full name. */
function moveObject(
  catalog: Catalog,
  { type, object }: { type: string; object: unknown },
  to: (name: string) => string,
  site: Site,
): void {
  const routine = fieldsOf(object, 'ObjectWithArgs');
  if (routine !== undefined) {
    const name = newQualified(catalog, routine.objname);
    moveEntry(catalog, 'function', catalog.routines, [name, to(name)], site);
  } else if (type === 'OBJECT_TYPE' || type === 'OBJECT_DOMAIN') {
    const name = newQualified(catalog, fieldsOf(object, 'List')?.items);
    moveEntry(catalog, 'type', catalog.types, [name, to(name)], site);
  } else if (type === 'OBJECT_EXTENSION') {
    const known = knownExtensions[fieldsOf(object, 'String')?.sval ?? ''];
    for (const each of known?.functions ?? [])
      for (const name of namesCalled(catalog.routines, each))
        moveEntry(catalog, 'function', catalog.routines, [name, to(name)], site);
    for (const each of known?.types ?? [])
      for (const name of namesCalled(catalog.types, each))
        moveEntry(catalog, 'type', catalog.types, [name, to(name)], site);
  }
}

/** The full names of that last part which no file creates: those of extensions. */
const namesCalled = (entries: ReadonlyMap<string, object>, last: string): string[] =>
  [...entries]
    .filter(([name, entry]) => name.endsWith(`.${last}`) && [entry].flat().every((each) => !('site' in each)))
    .map(([name]) => name);

/** Applies ALTER … SET SCHEMA. */
export function setSchema(catalog: Catalog, piece: Piece<'AlterObjectSchemaStmt'>): void {
  const { objectType = '', relation, object, newschema = '' } = piece.node;
  const site = { piece, offset: piece.at() };
  const to = (name: string): string => inSchema(name, newschema);
  if (relation === undefined) {
    moveObject(catalog, { type: objectType, object }, to, site);
    return;
  }
  const lookup = findTable(catalog, relation);
  if ('found' in lookup) {
    moveTable(catalog, lookup.found, to(lookup.found.name), site);
    for (const name of ownedBy(catalog, lookup.found))
      moveEntry(catalog, 'sequence', catalog.sequences, [name, to(name)], site);
  } else
    for (const name of namesOf(catalog, relation))
      if (catalog.sequences.has(name)) moveEntry(catalog, 'sequence', catalog.sequences, [name, to(name)], site);
}

/** The full names that a relation can have along the search path. */
const namesOf = (catalog: Catalog, { relname, schemaname }: RangeVar): string[] =>
  (schemaname === undefined ? catalog.searchPath : [schemaname]).map((schema) => `${schema}.${relname}`);

/** Applies ALTER SCHEMA … RENAME: all that is in it has another full name. */
function renameSchema(catalog: Catalog, from: string, to: string, site: Site): void {
  if (!catalog.schemas.delete(from)) return;
  catalog.dropped.set(`schema ${from}`, site);
  note(catalog, 'schema', to, site);
  catalog.schemas.set(to, site);
  const inside = (entries: ReadonlyMap<string, unknown>): string[] =>
    [...entries.keys()].filter((name) => name.startsWith(`${from}.`));
  for (const name of inside(catalog.tables)) moveTable(catalog, catalog.tables.get(name)!, inSchema(name, to), site);
  for (const [kind, entries] of [
    ['function', catalog.routines],
    ['type', catalog.types],
    ['sequence', catalog.sequences],
  ] as const)
    for (const name of inside(entries))
      moveEntry(catalog, kind, entries as Map<string, Site | undefined>, [name, inSchema(name, to)], site);
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
  if (renameType === 'OBJECT_SCHEMA') renameSchema(catalog, subname, newname, site);
  if (relation === undefined) {
    if (piece.node.object !== undefined && renameType !== 'OBJECT_DOMCONSTRAINT')
      moveObject(catalog, { type: renameType, object: piece.node.object }, (name) => called(name, newname), site);
    return;
  }
  const lookup = findTable(catalog, relation);
  const table = 'found' in lookup ? lookup.found : undefined;
  if (table === undefined) {
    if (relationKinds.has(renameType)) renameOther(catalog, relation, newname, site);
    // What has its name from a table that is missing is missing for the same reason.
    if ('missing' in lookup && renameType === 'OBJECT_TABLE') catalog.broken.add(called(lookup.missing, newname));
    if ('missing' in lookup && renameType === 'OBJECT_COLUMN') catalog.broken.add(`${lookup.missing}.${newname}`);
    return;
  }
  if (renameType === 'OBJECT_COLUMN') table.renamed = site;
  if (relationKinds.has(renameType)) {
    moveTable(catalog, table, called(table.name, newname), site);
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
  for (const index of table.indexes.values()) {
    index.columns = renamed(index.columns);
    index.uses = renamed(index.uses);
  }
  for (const owner of catalog.sequenceOwners.values())
    if (owner.table === table && owner.column === from) owner.column = to;
  table.primaryKey = renamed(table.primaryKey);
  table.unique = table.unique.map(renamed);
}

/** Renames an index or a sequence, also one that PostgreSQL made for a column or constraint. */
function renameOther(catalog: Catalog, relation: RangeVar, name: string, site: Site): void {
  for (const sequence of namesOf(catalog, relation)) {
    if (!catalog.sequences.has(sequence)) continue;
    moveEntry(catalog, 'sequence', catalog.sequences, [sequence, called(sequence, name)], site);
    return;
  }
  const schemas = relation.schemaname === undefined ? ['pg_temp', ...catalog.searchPath] : [relation.schemaname];
  for (const { indexes, constraints, ownNames, name: table } of catalog.tables.values()) {
    if (!schemas.includes(table.slice(0, table.indexOf('.')))) continue;
    const index = indexes.get(relation.relname);
    if (index !== undefined) indexes.set(name, { ...index, name });
    // The index of a constraint is renamed with it.
    const isConstraint = constraints.delete(relation.relname);
    if (isConstraint) constraints.add(name);
    const isOwn = ownNames.delete(relation.relname);
    if (isOwn) ownNames.add(name);
    if (indexes.delete(relation.relname) || isConstraint || isOwn) return;
  }
  // One that is not known was perhaps made by a LIKE.
  if (isOtherRelation(catalog, relation)) catalog.sequences.set(newName(catalog, { ...relation, relname: name }), site);
}
