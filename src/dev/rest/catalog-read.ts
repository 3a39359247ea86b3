import type { Session } from '../../database/database.ts';
import {
  groupBy,
  keyOf,
  type Catalog,
  type Column,
  type ComputedRelationship,
  type Routine,
  type Table,
} from './catalog.ts';
import { readViewKeys } from '../../database/schema/view-keys.ts';
import { buildRelationships, type ForeignKey } from './relationships.ts';

/** The type below all domains, for each domain. */
const baseTypes = `
  WITH RECURSIVE base AS (
    SELECT oid, oid AS base, typbasetype FROM pg_catalog.pg_type
    UNION ALL
    SELECT base.oid, t.oid, t.typbasetype FROM base JOIN pg_catalog.pg_type t ON t.oid = base.typbasetype
  ), bases AS (SELECT oid, base FROM base WHERE typbasetype = 0)`;

const tablesQuery = `${baseTypes}
  SELECT n.nspname AS schema, c.relname AS name, pg_catalog.obj_description(c.oid, 'pg_class') AS description,
    c.relkind IN ('v', 'm') AS "isView",
    c.relkind IN ('r', 'p') OR pg_catalog.pg_relation_is_updatable(c.oid, true) & 8 = 8 AS insertable,
    c.relkind IN ('r', 'p') OR pg_catalog.pg_relation_is_updatable(c.oid, true) & 4 = 4 AS updatable,
    c.relkind IN ('r', 'p') OR pg_catalog.pg_relation_is_updatable(c.oid, true) & 16 = 16 AS deletable,
    coalesce((SELECT json_agg(a.attname ORDER BY a.attname)
      FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
      WHERE k.conrelid = c.oid AND k.contype = 'p'), '[]') AS "primaryKey",
    coalesce((SELECT json_agg(json_build_object(
        'name', a.attname,
        'description', pg_catalog.col_description(c.oid, a.attnum),
        'nullable', NOT (a.attnotnull OR t.typtype = 'd' AND t.typnotnull),
        'type', CASE
          WHEN t.typtype = 'd' AND b.typnamespace = 'pg_catalog'::regnamespace THEN format_type(b.oid, NULL)
          WHEN t.typtype <> 'd' AND t.typnamespace = 'pg_catalog'::regnamespace THEN format_type(t.oid, NULL)
          ELSE format_type(a.atttypid, a.atttypmod) END,
        'declared', format_type(a.atttypid, a.atttypmod),
        'maxLength', CASE WHEN b.typname IN ('varchar', 'bpchar') AND greatest(a.atttypmod, t.typtypmod) > 4
          THEN greatest(a.atttypmod, t.typtypmod) - 4 END,
        'default', CASE
          WHEN t.typbasetype <> 0 AND d.adbin IS NULL THEN t.typdefault
          WHEN a.attidentity = 'd' THEN format('nextval(%L)', pg_catalog.pg_get_serial_sequence(
            format('%I.%I', n.nspname, c.relname), a.attname))
          WHEN a.attgenerated <> '' THEN NULL
          ELSE pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
        'labels', coalesce((SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e
          WHERE e.enumtypid = b.oid), '[]')
      ) ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      JOIN bases ON bases.oid = t.oid JOIN pg_catalog.pg_type b ON b.oid = bases.base
      LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS columns
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('v', 'r', 'm', 'f', 'p') AND NOT c.relispartition AND n.nspname = ANY ($1::text[])
  ORDER BY n.nspname, c.relname`;

/** Of all schemas, because a view of an exposed one may show a table of another. */
const keysQuery = `
  SELECT json_build_object('schema', n1.nspname, 'name', c1.relname) AS table,
    json_build_object('schema', n2.nspname, 'name', c2.relname) AS foreign,
    k.conname AS constraint,
    (SELECT json_agg(json_build_array(a1.attname, a2.attname) ORDER BY pairs.nr)
      FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS pairs (own, other, nr)
      JOIN pg_catalog.pg_attribute a1 ON a1.attrelid = k.conrelid AND a1.attnum = pairs.own
      JOIN pg_catalog.pg_attribute a2 ON a2.attrelid = k.confrelid AND a2.attnum = pairs.other) AS columns,
    EXISTS (SELECT FROM pg_catalog.pg_constraint u WHERE u.conrelid = k.conrelid AND u.contype IN ('p', 'u')
      AND u.conkey @> k.conkey AND u.conkey <@ k.conkey) AS "unique",
    coalesce((SELECT json_agg(a.attname ORDER BY a.attname) FROM pg_catalog.pg_constraint p
      JOIN pg_catalog.pg_attribute a ON a.attrelid = p.conrelid AND a.attnum = ANY (p.conkey)
      WHERE p.conrelid = k.conrelid AND p.contype = 'p'), '[]') AS "primaryKey"
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c1 ON c1.oid = k.conrelid JOIN pg_catalog.pg_namespace n1 ON n1.oid = c1.relnamespace
  JOIN pg_catalog.pg_class c2 ON c2.oid = k.confrelid JOIN pg_catalog.pg_namespace n2 ON n2.oid = c2.relnamespace
  WHERE k.contype = 'f' AND k.conparentid = 0
  ORDER BY n1.nspname, c1.relname, k.conname`;

const routinesQuery = `${baseTypes}
  SELECT p.oid, n.nspname AS schema, p.proname AS name, pg_catalog.obj_description(p.oid, 'pg_proc') AS description,
    coalesce(i.parameters, '[]') AS parameters,
    json_build_object(
      'type', json_build_object('schema', tn.nspname, 'name', coalesce(c.relname, t.typname)),
      'set', p.proretset,
      'composite', t.typtype = 'c' OR coalesce(p.proargmodes::text[] && '{t,b,o}', false)) AS returns,
    p.provolatile = 'v' AS volatile
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN bases ON bases.oid = p.prorettype JOIN pg_catalog.pg_type t ON t.oid = bases.base
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object(
        'name', coalesce(name, ''), 'type', type::regtype::text,
        'castType', CASE type WHEN 'bit'::regtype THEN 'bit varying' WHEN 'bit[]'::regtype THEN 'bit varying[]'
          WHEN 'character'::regtype THEN 'character varying' WHEN 'character[]'::regtype THEN 'character varying[]'
          ELSE type::regtype::text END,
        'required', nr <= p.pronargs - p.pronargdefaults, 'variadic', mode = 'v') ORDER BY nr) AS parameters,
      count(*) AS total, count(*) FILTER (WHERE coalesce(name, '') = '') AS unnamed,
      bool_or(coalesce(name, '') = ''
        AND type IN ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype)) AS takes_body
    FROM (SELECT a.name, a.type, coalesce(a.mode, 'i') AS mode, row_number() OVER (ORDER BY a.nr) AS nr
      FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
        WITH ORDINALITY AS a (type, name, mode, nr)
      WHERE coalesce(a.mode, 'i') IN ('i', 'b', 'v')) input
  ) i ON true
  WHERE n.nspname = ANY ($1::text[]) AND p.prokind = 'f' AND t.oid <> 'trigger'::regtype
    AND (coalesce(i.unnamed, 0) = 0 OR i.total = 1 AND i.takes_body)
  ORDER BY n.nspname, p.proname, p.pronargs, p.proargtypes::oid[]`;

const computedQuery = `
  SELECT json_build_object('schema', n.nspname, 'name', p.proname) AS function,
    json_build_object('schema', an.nspname, 'name', a.relname) AS table,
    json_build_object('schema', rn.nspname, 'name', r.relname) AS foreign,
    NOT p.proretset OR p.prorows = 1 AS "toOne", a.oid = r.oid AS self
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_class a ON a.reltype = p.proargtypes[0]
  JOIN pg_catalog.pg_namespace an ON an.oid = a.relnamespace
  JOIN pg_catalog.pg_class r ON r.reltype = p.prorettype JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
  WHERE p.pronargs = 1 AND a.relkind IN ('v', 'r', 'm', 'f', 'p') AND r.relkind IN ('v', 'r', 'm', 'f', 'p')
    AND n.nspname = ANY ($1::text[])
  ORDER BY n.nspname, p.proname`;

interface TableRow extends Omit<Table, 'columns' | 'primaryKey'> {
  primaryKey: string[];
  columns: Column[];
}

type ComputedRow = Omit<ComputedRelationship, 'kind'>;

/**
 * Reads what the Data API needs to know of the exposed schemas.
 * @param session as the server, in a transaction
 * @throws DatabaseError
 */
export async function readCatalog(session: Session, schemas: readonly string[]): Promise<Catalog> {
  // Without a search path, PostgreSQL prints every type with its schema.
  await session.query(`SELECT pg_catalog.set_config('search_path', '', true)`);
  const { rows: tableRows } = await session.query<TableRow>(tablesQuery, [schemas]);
  const { rows: keys } = await session.query<ForeignKey>(keysQuery);
  const { rows: routineRows } = await session.query<Routine>(routinesQuery, [schemas]);
  const { rows: computed } = await session.query<ComputedRow>(computedQuery, [schemas]);
  const viewKeys = await readViewKeys(session);
  const tables = new Map(
    tableRows.map((row): [string, Table] => {
      const columns = new Map(row.columns.map((column) => [column.name, column]));
      const primaryKey = row.isView ? viewKeys.primaryKey(row) : row.primaryKey;
      return [keyOf(row), { ...row, primaryKey, columns }];
    }),
  );
  const relationships = buildRelationships({
    keys,
    computed: computed.map((row) => ({ kind: 'computed', ...row })),
    viewKeys,
    tables,
    schemas,
  });
  return { tables, relationships, routines: groupBy(routineRows, keyOf) };
}
