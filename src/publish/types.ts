/**
 * types/: a database as TypeScript types, as the Supabase CLI's `gen types typescript` writes them: one type `Database` for
 * supabase-js, and short names for its parts. Reads the catalogs; no program is run, and nothing is written.
 */
import { readFile } from 'node:fs/promises';
import type { CatalogColumn, CatalogRelation, TypesCatalog } from './types/catalog.ts';
import { SchemaFunctions } from './types/functions.ts';
import { block, indent, member, tuple } from './types/layout.ts';
import { orNull, TypeNames } from './types/ts-type.ts';

const helpersFile = new URL('../../templates/types/helpers.ts.txt', import.meta.url);

/** TypeScript types of a catalog, a whole file. */
export async function typesFile(catalog: TypesCatalog): Promise<string> {
  const names = new TypeNames(catalog);
  const schemas = catalog.schemas.map((schema) => member(schema, schemaType(catalog, names, schema)));
  const labels = catalog.schemas.map((schema) => {
    const enums = enumsOf(catalog, schema).map(({ name, labels: all }) =>
      member(name, `[${all.map((label) => JSON.stringify(label)).join(', ')}]`),
    );
    return `${member(schema, values([member('Enums', values(enums), 'plain')]))}`;
  });
  const helpers = (await readFile(helpersFile, 'utf8')).replaceAll('\r\n', '\n').trim();
  return [
    `export type Json =\n  | ${['string', 'number', 'boolean', 'null', '{ [key: string]: Json | undefined }', 'Json[]'].join('\n  | ')}`,
    `export type Database = ${block(schemas)}`,
    helpers,
    `export const Constants = ${values(labels)} as const\n`,
  ].join('\n\n');
}

/** An object, not a type. */
const values = (members: readonly string[]): string =>
  members.length === 0 ? '{}' : `{\n  ${members.map((one) => `${indent(one)},`).join('\n  ')}\n}`;

/** An object type, or that of an object without members. */
const members = (all: readonly string[]): string => block(all.length === 0 ? ['[_ in never]: never'] : all);

function schemaType(catalog: TypesCatalog, names: TypeNames, schema: string): string {
  const functions = new SchemaFunctions(catalog, names, schema);
  const relations = (kind: CatalogRelation['kind']): string =>
    members(
      catalog.relations
        .filter((relation) => relation.kind === kind && relation.schema === schema)
        .map((relation) => member(relation.name, relationType(relation, catalog, names, functions))),
    );
  const composites = catalog.types.filter((type) => type.schema === schema && type.attributes.length > 0);
  return block([
    member('Tables', relations('table'), 'plain'),
    member('Views', relations('view'), 'plain'),
    member('Functions', members(functions.members()), 'plain'),
    member(
      'Enums',
      members(
        enumsOf(catalog, schema).map(({ name, labels }) =>
          member(name, labels.map((label) => JSON.stringify(label)).join(' | ')),
        ),
      ),
      'plain',
    ),
    member(
      'CompositeTypes',
      members(
        composites.map(({ name, attributes }) =>
          member(name, block(attributes.map((one) => member(one.name, orNull(names.ofId(one.type), true))))),
        ),
      ),
      'plain',
    ),
  ]);
}

const enumsOf = ({ types }: TypesCatalog, schema: string): TypesCatalog['types'] =>
  types.filter((type) => type.schema === schema && type.labels.length > 0);

/** A table or a view: a row as it is read, as it is inserted, and as it is updated. */
function relationType(
  relation: CatalogRelation,
  { relationships }: TypesCatalog,
  names: TypeNames,
  functions: SchemaFunctions,
): string {
  const { kind, schema, name, columns } = relation;
  const typeOf = (column: CatalogColumn, nullable = column.nullable): string =>
    orNull(names.ofName(column.type, column.typeSchema), nullable);
  const written = (isOptional: (column: CatalogColumn) => boolean): string =>
    block(
      columns.map((column) => {
        if (kind === 'table' ? column.generated : !column.updatable) return member(column.name, 'never', 'optional');
        // What a view inserts may be left out and may be NULL: the catalog does not know what the table below makes of it.
        return kind === 'table'
          ? member(column.name, typeOf(column), isOptional(column) ? 'optional' : 'quoted')
          : member(column.name, typeOf(column, true), 'optional');
      }),
    );
  const row = [...columns.map((column) => member(column.name, typeOf(column))), ...functions.computedColumns(relation)];
  const keys = relationships.filter(
    (key) => key.schema === schema && key.relation === name && key.referencedSchema === schema,
  );
  return block([
    member('Row', block(row), 'plain'),
    ...(kind === 'table' || relation.insertable
      ? [
          member(
            'Insert',
            written(({ nullable, hasDefault }) => nullable || hasDefault),
            'plain',
          ),
        ]
      : []),
    ...(kind === 'table' || relation.updatable
      ? [
          member(
            'Update',
            written(() => true),
            'plain',
          ),
        ]
      : []),
    member(
      'Relationships',
      tuple(
        keys.map((key) =>
          block([
            member('foreignKeyName', JSON.stringify(key.constraint), 'plain'),
            member('columns', JSON.stringify(key.columns), 'plain'),
            member('isOneToOne', String(key.oneToOne), 'plain'),
            member('referencedRelation', JSON.stringify(key.referencedRelation), 'plain'),
            member('referencedColumns', JSON.stringify(key.referencedColumns), 'plain'),
          ]),
        ),
      ),
      'plain',
    ),
  ]);
}
