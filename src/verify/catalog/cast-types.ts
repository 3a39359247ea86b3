/** Texts that policies cast to another type, so that only texts of that type are values of the column. */
import type { Catalog, ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { nameParts, type Node } from '../../rules/engine/live/expression.ts';

/** A type as a cast names it. */
export interface CastType {
  schema: string | undefined;
  name: string;
  isArray: boolean;
}

/** PostgreSQL's names of types that its catalog prints in another way, with their categories. */
const printed: Readonly<Record<string, readonly [base: string, category: string]>> = {
  bool: ['boolean', 'B'],
  int2: ['smallint', 'N'],
  int4: ['integer', 'N'],
  int8: ['bigint', 'N'],
  float4: ['real', 'N'],
  float8: ['double precision', 'N'],
  numeric: ['numeric', 'N'],
  timestamp: ['timestamp without time zone', 'D'],
  timestamptz: ['timestamp with time zone', 'D'],
  date: ['date', 'D'],
  time: ['time without time zone', 'D'],
  timetz: ['time with time zone', 'D'],
  interval: ['interval', 'T'],
  uuid: ['uuid', 'U'],
  json: ['json', 'U'],
  jsonb: ['jsonb', 'U'],
  inet: ['inet', 'I'],
  cidr: ['cidr', 'I'],
  bytea: ['bytea', 'U'],
};

/** The type that a TypeCast node names; undefined for a text. */
export function castTypeOf(node: Node): CastType | undefined {
  const typeName = node['typeName'] as Node | undefined;
  const parts = nameParts(typeName?.['names']);
  const name = parts.at(-1);
  if (name === undefined || /^(text|varchar|bpchar|char|name|unknown)$/.test(name)) return undefined;
  return { schema: parts.at(-2), name, isArray: Array.isArray(typeName?.['arrayBounds']) };
}

/** The labels of an enum; undefined for any other type. */
export function labelsOf(type: CastType | undefined, { enums = {} }: Pick<Catalog, 'enums'>): string[] | undefined {
  return type === undefined || type.isArray ? undefined : enums[`${type.schema ?? 'public'}.${type.name}`];
}

/**
 * The column, as one that holds values of the type to which it is cast. A column with a CHECK stays a text, except for the
 * labels of an enum: its CHECKs say more, and they are tried with texts.
 */
export function asCast(column: ColumnRow, type: CastType, table: RelationRow, catalog: Catalog): ColumnRow {
  const { name, isArray } = type;
  const isText = column.category === 'S' && column.labels === null;
  const isTexts = /^(text|character varying)\[\]$/.test(column.base);
  if (!(isArray ? isTexts : isText) || column.generated) return column;
  const isChecked =
    column.domainChecks !== null ||
    table.constraints.some(({ type, columns }) => type === 'c' && columns.includes(column.name));
  const labels = labelsOf(type, catalog);
  if (labels !== undefined) return isChecked ? column : { ...column, labels };
  const known = printed[name];
  if (known === undefined || isChecked) return column;
  const [base, category] = known;
  return isArray ? { ...column, base: `${base}[]` } : { ...column, base, category };
}
