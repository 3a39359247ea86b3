import { relationName } from '../names.ts';
import { stringsOf } from '../nodes.ts';
import type { RangeVar, TypeName } from '../nodes.ts';
import { platformSchemas } from './platform.ts';
import { builtinFunctions, builtinIndexes, builtinRelations, builtinTypes, extensionFunctions } from './builtins.ts';
import type { Catalog, Routine, Table } from './model.ts';
import { baseType, isSerial } from './types.ts';

/** Schemas of the platform whose contents change with its releases: unknown names there are not reported as missing. */
const platform = new Set([
  'pg_catalog',
  'information_schema',
  'pg_toast',
  'pg_temp',
  'storage',
  'realtime',
  'vault',
  'extensions',
  'graphql',
  'graphql_public',
  'pgbouncer',
  'cron',
  'net',
  'pgmq',
  'supabase_migrations',
  'supabase_functions',
]);

/** The result of looking up a name: found, not to be judged, or missing under this full name. */
export type Lookup<T> = { found: T } | { foreign: true } | { missing: string; schema?: boolean };

/** The schema of temporary tables, which is searched before the search path. */
export const temporarySchema = 'pg_temp';

const foreign = { foreign: true } as const;

function schemaMissing(catalog: Catalog, schema: string): boolean {
  return !catalog.schemas.has(schema);
}

/** What is looked up in a schema that no file creates: an extension whose contents are not known may have made it. */
const withoutSchema = (catalog: Catalog, schema: string): { foreign: true } | { missing: string; schema: true } =>
  catalog.unknownExtension ? foreign : { missing: schema, schema: true };

/** Says whether a new table or view is temporary: by a word, or by the schema. */
export function isTemporary(name: { schemaname?: string; relpersistence?: string } | undefined): boolean {
  return name?.relpersistence === 't' || name?.schemaname === temporarySchema;
}

/** The first schema of the search path that things can be made in: PostgreSQL refuses its own, which the path of a function names. */
const creationSchema = ({ searchPath }: Catalog): string =>
  searchPath.find((schema) => schema !== 'pg_catalog' && schema !== 'information_schema') ?? 'public';

/** The full name that a new thing gets; a temporary one is in the schema of its session. */
export function newName(
  catalog: Catalog,
  name: { schemaname?: string; relname: string; relpersistence?: string },
): string {
  if (isTemporary(name)) return `${temporarySchema}.${name.relname}`;
  return `${name.schemaname ?? creationSchema(catalog)}.${name.relname}`;
}

/** The full name of a list of String nodes, for a new thing. */
export function newQualified(catalog: Catalog, parts: unknown): string {
  const names = stringsOf(parts);
  return names.length > 1 ? names.slice(-2).join('.') : `${creationSchema(catalog)}.${names[0] ?? ''}`;
}

/** Looks up a table or view as PostgreSQL does, along the search path. */
export function findTable(catalog: Catalog, relation: RangeVar): Lookup<Table> {
  if (relation.schemaname !== undefined) {
    const found = catalog.tables.get(relationName(relation));
    if (found !== undefined) return { found };
    if (schemaMissing(catalog, relation.schemaname)) return withoutSchema(catalog, relation.schemaname);
    const unknown = platform.has(relation.schemaname) || catalog.imported.has(relation.schemaname);
    return unknown ? foreign : { missing: relationName(relation) };
  }
  for (const schema of [temporarySchema, 'pg_catalog', ...catalog.searchPath]) {
    const found = catalog.tables.get(`${schema}.${relation.relname}`);
    if (found !== undefined) return { found };
  }
  if (builtinRelations.has(relation.relname) || catalog.searchPath.some((schema) => catalog.imported.has(schema)))
    return foreign;
  return { missing: newName(catalog, relation) };
}

/**
 * Returns whether a name is that of a sequence, a composite type, an index or a constraint, also of one that PostgreSQL
 * named: statements may name those where they name a table.
 */
export function isOtherRelation(catalog: Catalog, relation: RangeVar): boolean {
  const { relname, schemaname } = relation;
  const schemas = schemaname === undefined ? [temporarySchema, ...catalog.searchPath] : [schemaname];
  return (
    (schemaname === undefined && builtinIndexes.has(relname)) ||
    schemas.some((schema) => {
      const name = `${schema}.${relname}`;
      return catalog.sequences.has(name) || catalog.types.get(name)?.kind === 'composite';
    }) ||
    hasPart(catalog, schemas, relname)
  );
}

function hasPart(catalog: Catalog, schemas: readonly string[], name: string): boolean {
  // One that PostgreSQL chose may end in a number.
  const plain = name.replace(/\d+$/, '');
  const names = plain === name ? [name] : [name, plain];
  for (const table of catalog.tables.values()) {
    const dot = table.name.indexOf('.');
    if (schemas.includes(table.name.slice(0, dot)) && isPartOf(table, table.name.slice(dot + 1), names)) return true;
  }
  return false;
}

/** Whether one of the names is that of an index, a constraint or a sequence of the table. */
function isPartOf({ indexes, constraints, ownNames, copied }: Table, table: string, names: readonly string[]): boolean {
  return (
    names.some((each) => indexes.has(each) || constraints.has(each) || ownNames.has(each)) ||
    (copied === true && names[0]!.startsWith(`${table}_`))
  );
}

/** Looks up what can be named like a relation: a table or view, an index, a sequence, a composite type. */
export function findRelation(catalog: Catalog, relation: RangeVar): Lookup<unknown> {
  const lookup = findTable(catalog, relation);
  return 'missing' in lookup && lookup.schema !== true && isOtherRelation(catalog, relation) ? foreign : lookup;
}

/** Looks up a function by name, without resolving overloads. */
export function findRoutines(catalog: Catalog, parts: unknown): Lookup<Routine[]> {
  const names = stringsOf(parts);
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? names.at(-2) : undefined;
  if (schema !== undefined) {
    const found = catalog.routines.get(`${schema}.${name}`);
    if (found !== undefined) return { found };
    if (schemaMissing(catalog, schema)) return withoutSchema(catalog, schema);
    if (schema === 'pg_catalog' || (platform.has(schema) && schema !== 'extensions')) return foreign;
    if (schema === 'extensions' && (extensionFunctions.has(name) || catalog.unknownExtension)) return foreign;
    return { missing: `${schema}.${name}` };
  }
  for (const each of catalog.searchPath) {
    const found = catalog.routines.get(`${each}.${name}`);
    if (found !== undefined) return { found };
  }
  // The name of a type, called like a function, casts to it.
  if (builtinFunctions.has(name) || builtinTypes.has(name) || catalog.unknownExtension) return foreign;
  if (catalog.searchPath.some((each) => catalog.types.has(`${each}.${name}`))) return foreign;
  if (catalog.searchPath.includes('extensions') && extensionFunctions.has(name)) return foreign;
  return { missing: `${creationSchema(catalog)}.${name}` };
}

/** Looks up a type: built in, created, or the row type of a table. */
export function findType(catalog: Catalog, type: TypeName): Lookup<unknown> {
  const { schema, name } = baseType(type);
  if (type.pct_type === true || isSerial(type)) return foreign;
  if (schema !== undefined) {
    const full = `${schema}.${name}`;
    if (catalog.types.has(full) || catalog.tables.has(full)) return foreign;
    if (schemaMissing(catalog, schema)) return withoutSchema(catalog, schema);
    return platform.has(schema) || schema === 'auth' ? foreign : { missing: full };
  }
  const plain = name.replace(/^_/, '');
  if (builtinTypes.has(plain) || catalog.unknownExtension) return foreign;
  const path = [temporarySchema, ...catalog.searchPath];
  if (path.some((each) => catalog.types.has(`${each}.${plain}`) || catalog.tables.has(`${each}.${plain}`)))
    return foreign;
  return { missing: `${creationSchema(catalog)}.${name}` };
}

/** Returns whether the schema belongs to the platform, whose tables are not checked. */
export function isPlatformSchema(schema: string): boolean {
  return schema !== 'public' && platformSchemas.includes(schema);
}
