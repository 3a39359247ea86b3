/** What TypeScript types of a database are made from, read from its catalogs. */
import type { Session } from '../../database/database.ts';
import { readViewKeys, type ViewKey } from '../../database/schema/view-keys.ts';

export interface CatalogType {
  id: number;
  schema: string;
  /** As in `pg_type`: an array of `text` is `_text`. */
  name: string;
  /** As PostgreSQL prints it. */
  format: string;
  /** The labels of an enum, in its order. */
  labels: string[];
  /** The attributes of a composite type that is no relation's, in its order. */
  attributes: { name: string; type: number }[];
  /** The relation that this is the row type of. */
  relation: number | null;
}

export interface CatalogColumn {
  name: string;
  /** The name of its type; of a domain, that of the type below it. */
  type: string;
  typeSchema: string;
  nullable: boolean;
  hasDefault: boolean;
  /** PostgreSQL alone gives it its value. */
  generated: boolean;
  updatable: boolean;
}

export interface CatalogRelation {
  id: number;
  schema: string;
  name: string;
  kind: 'table' | 'view';
  insertable: boolean;
  updatable: boolean;
  /** By name. */
  columns: CatalogColumn[];
}

export interface CatalogParameter {
  mode: 'i' | 'o' | 'b' | 'v' | 't';
  /** Empty if it has none. */
  name: string;
  type: number;
  hasDefault: boolean;
}

export interface CatalogFunction {
  id: number;
  schema: string;
  name: string;
  /** By name. */
  parameters: CatalogParameter[];
  /** As PostgreSQL prints its parameters and its result. */
  signature: string;
  identity: string;
  result: string;
  returns: number;
  /** The relation whose row type it returns, or the composite type's. */
  returnsRelation: number | null;
  returnsSet: boolean;
  /** How many rows PostgreSQL expects of a set; null if that is not said. */
  rows: number | null;
}

export interface CatalogRelationship {
  constraint: string;
  schema: string;
  relation: string;
  columns: string[];
  referencedSchema: string;
  referencedRelation: string;
  referencedColumns: string[];
  oneToOne: boolean;
}

export interface TypesCatalog {
  /** In the order in which they are written, like everything below. */
  schemas: string[];
  relations: CatalogRelation[];
  functions: CatalogFunction[];
  relationships: CatalogRelationship[];
  /** Those of all schemas: a column of any may use them. */
  types: CatalogType[];
}

const typesQuery = `
  SELECT t.oid AS id, n.nspname AS schema, t.typname AS name, format_type(t.oid, NULL) AS format,
    nullif(t.typrelid, 0) AS relation,
    coalesce((SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e
      WHERE e.enumtypid = t.oid), '[]') AS labels,
    coalesce((SELECT json_agg(json_build_object('name', a.attname, 'type', a.atttypid::bigint) ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a
      WHERE c.relkind = 'c' AND a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS attributes
  FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE c.oid IS NULL OR c.relkind IN ('c', 'r', 'v', 'm', 'p', 'f')`;

/** The rows of a list of names, which every kind of connection passes alike. */
const named = `(SELECT jsonb_array_elements_text($1::jsonb))`;

/** What the connection's role may use in some way. */
const isReachable = `(pg_has_role(c.relowner, 'USAGE')
    OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
    OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))`;

/**
 * A view is written through where it is simple enough, or by triggers and rules (bits 64, 4 and 16 of \`tgtype\`: INSTEAD OF,
 * INSERT, UPDATE; events 2 and 3 of a rule: UPDATE, INSERT). Those get whole rows, so they make every column writable.
 */
const relationsQuery = `
  SELECT c.oid AS id, n.nspname AS schema, c.relname AS name,
    CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END AS kind,
    c.relkind <> 'm' AND pg_relation_is_updatable(c.oid, true) & 8 = 8 AS insertable,
    c.relkind <> 'm' AND pg_relation_is_updatable(c.oid, true) & 4 = 4 AS updatable,
    coalesce((SELECT json_agg(json_build_object(
        'name', a.attname,
        'type', coalesce(b.typname, t.typname),
        'typeSchema', coalesce(bn.nspname, tn.nspname),
        'nullable', NOT (a.attnotnull OR t.typtype = 'd' AND t.typnotnull),
        'hasDefault', a.atthasdef OR a.attidentity <> '',
        'generated', a.attidentity = 'a' OR a.attgenerated <> '',
        'updatable', c.relkind IN ('r', 'p') OR c.relkind IN ('v', 'f') AND (
          pg_column_is_updatable(c.oid, a.attnum, false)
          OR EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal
            AND g.tgtype & 64 <> 0 AND g.tgtype & 20 <> 0)
          OR EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.is_instead
            AND r.ev_type IN ('2', '3') AND r.ev_qual::text = '<>'))))
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
      LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
      LEFT JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ${named} AND c.relkind IN ('r', 'p', 'f', 'v', 'm') AND (c.relkind IN ('f', 'v', 'm') OR ${isReachable})`;

const functionsQuery = `
  SELECT p.oid AS id, n.nspname AS schema, p.proname AS name, p.prorettype AS returns,
    pg_get_function_arguments(p.oid) AS signature, pg_get_function_identity_arguments(p.oid) AS identity,
    pg_get_function_result(p.oid) AS result, nullif(t.typrelid, 0) AS "returnsRelation",
    p.proretset AS "returnsSet", CASE WHEN p.proretset THEN nullif(p.prorows, 0) END AS rows,
    coalesce((SELECT json_agg(json_build_object(
        'mode', coalesce(a.mode, 'i'), 'name', coalesce(a.name, ''), 'type', a.type::bigint,
        'hasDefault', a.nr > p.pronargs - p.pronargdefaults AND a.nr <= p.pronargs) ORDER BY a.nr)
      FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
        WITH ORDINALITY AS a (type, name, mode, nr)), '[]') AS parameters
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_type t ON t.oid = p.prorettype
  WHERE n.nspname IN ${named} AND p.prokind = 'f' AND t.typname NOT IN ('trigger', 'event_trigger')`;

/** A key is one to one where its columns, in its order, are those of a unique key in the table's. */
const relationshipsQuery = `
  SELECT k.conname AS constraint, n.nspname AS schema, c.relname AS relation, fn.nspname AS "referencedSchema",
    f.relname AS "referencedRelation", pairs.own AS columns, pairs.other AS "referencedColumns",
    EXISTS (SELECT FROM pg_catalog.pg_constraint u WHERE u.conrelid = k.conrelid AND u.contype IN ('p', 'u')
      AND (SELECT array_agg(x ORDER BY x) FROM unnest(u.conkey) x) = k.conkey) AS "oneToOne"
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class f ON f.oid = k.confrelid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
  JOIN LATERAL (SELECT json_agg(a.attname ORDER BY nr) AS own, json_agg(b.attname ORDER BY nr) AS other
    FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS _ (own, other, nr)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = own
    JOIN pg_catalog.pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = other) pairs ON true
  WHERE k.contype = 'f' AND k.conparentid = 0 AND n.nspname IN ${named}`;

/**
 * Reads what the types of the schemas are made from; a schema that is not there is left out.
 * @throws DatabaseError
 */
export async function readTypesCatalog(session: Session, names: readonly string[]): Promise<TypesCatalog> {
  const parameters = [JSON.stringify(names)];
  const rows = async <Row>(sql: string, values: readonly unknown[] = parameters): Promise<Row[]> =>
    (await session.query<Row>(sql, values)).rows;
  const schemas = await rows<{ name: string }>(
    `SELECT nspname AS name FROM pg_catalog.pg_namespace WHERE nspname IN ${named}`,
  );
  const types = await rows<CatalogType>(typesQuery, []);
  const relations = await rows<CatalogRelation>(relationsQuery);
  const functions = await rows<CatalogFunction>(functionsQuery);
  const keys = await rows<CatalogRelationship>(relationshipsQuery);
  const viewKeys = await readViewKeys(session, names);
  const throughViews = keys.flatMap((key) =>
    withViews(
      key,
      viewKeys.ofForeignKey({ schema: key.schema, name: key.relation }, key.constraint).flatMap(choices),
      viewKeys
        .ofReference({ schema: key.referencedSchema, name: key.referencedRelation }, key.constraint)
        .flatMap(choices),
    ),
  );
  return {
    schemas: schemas.map(({ name }) => name).sort(compareText),
    types: types.sort(bySchemaAndName),
    relations: relations
      .map((relation) => ({ ...relation, columns: relation.columns.sort((a, b) => compareText(a.name, b.name)) }))
      .sort(bySchemaAndName),
    functions: functions
      .map((one) => ({ ...one, parameters: one.parameters.sort((a, b) => compareText(a.name, b.name)) }))
      .sort(
        (a, b) =>
          compareText(a.schema, b.schema) ||
          compareText(a.name, b.name) ||
          compareText(a.identity, b.identity) ||
          a.id - b.id,
      ),
    relationships: [...keys, ...throughViews].sort(byConstraint),
  };
}

/** A view, and one choice among its names for each column of a key. */
interface Shown {
  schema: string;
  name: string;
  columns: string[];
}

function choices({ view, columns }: ViewKey): Shown[] {
  let all: string[][] = [[]];
  for (const names of columns) all = all.flatMap((chosen) => names.map((name) => [...chosen, name]));
  return all.map((chosen) => ({ ...view, columns: chosen }));
}

/** A foreign key as views show it, on either side and on both. */
function withViews(key: CatalogRelationship, own: readonly Shown[], other: readonly Shown[]): CatalogRelationship[] {
  const from = (one: CatalogRelationship, { schema, name, columns }: Shown): CatalogRelationship => ({
    ...one,
    schema,
    relation: name,
    columns,
  });
  const to = (one: CatalogRelationship, { schema, name, columns }: Shown): CatalogRelationship => ({
    ...one,
    referencedSchema: schema,
    referencedRelation: name,
    referencedColumns: columns,
  });
  return [
    ...own.map((view) => from(key, view)),
    ...other.map((view) => to(key, view)),
    ...own.flatMap((view) => other.map((second) => to(from(key, view), second))),
  ];
}

const collator = new Intl.Collator('en');

/** The same order on every machine: that of English. */
export const compareText = (a: string, b: string): number => collator.compare(a, b);

type Named = { schema: string; name: string; id: number };

const bySchemaAndName = (a: Named, b: Named): number =>
  compareText(a.schema, b.schema) || compareText(a.name, b.name) || a.id - b.id;

function byConstraint(a: CatalogRelationship, b: CatalogRelationship): number {
  const texts = (key: CatalogRelationship): string[] => [
    key.constraint,
    key.referencedRelation,
    JSON.stringify(key.referencedColumns),
    key.referencedSchema,
    key.schema,
    key.relation,
    JSON.stringify(key.columns),
  ];
  const [one, two] = [texts(a), texts(b)];
  return one.map((text, at) => compareText(text, two[at] as string)).find((order) => order !== 0) ?? 0;
}
