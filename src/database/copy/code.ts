/** How `readCopy` reads types, functions and what it cannot copy: SELECTs of kind, name, sql, of. */
import { namedKinds, notOfExtension } from '../schema/parts.ts';

const typeName = `format('%I.%I', n.nspname, t.typname)`;
const signature = `format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))`;

export const codeSelects: readonly string[] = [
  `SELECT 'type', ${typeName}, CASE t.typtype
      WHEN 'e' THEN format('CREATE TYPE %s AS ENUM (%s)', ${typeName},
        (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid))
      WHEN 'c' THEN format('CREATE TYPE %s AS (%s)', ${typeName}, (SELECT string_agg(format('%I %s', a.attname,
        format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
      WHEN 'r' THEN (SELECT format('CREATE TYPE %s AS RANGE (SUBTYPE = %s, MULTIRANGE_TYPE_NAME = %s)',
        ${typeName}, format_type(r.rngsubtype, NULL), format_type(r.rngmultitypid, NULL))
        FROM pg_range r WHERE r.rngtypid = t.oid)
      WHEN 'd' THEN concat_ws(' ', format('CREATE DOMAIN %s AS %s', ${typeName}, format_type(t.typbasetype, t.typtypmod)),
        CASE WHEN t.typcollation <> b.typcollation THEN 'COLLATE ' || t.typcollation::regcollation
          END, 'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END,
        (SELECT string_agg(format('CONSTRAINT %I %s', o.conname, pg_get_constraintdef(o.oid)), ' '
          ORDER BY o.conname) FROM pg_constraint o WHERE o.contypid = t.oid AND o.contype = 'c'))
      END, NULL
    FROM pg_type t JOIN own n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
      LEFT JOIN pg_type b ON b.oid = t.typbasetype
    WHERE t.typcategory <> 'A' AND (t.typtype IN ('e', 'd', 'r', 'b') OR c.relkind = 'c') AND ${notOfExtension('pg_type', 't.oid')}`,

  `SELECT 'function', ${signature}, CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END, NULL
    FROM pg_proc p JOIN own n ON n.oid = p.pronamespace WHERE ${notOfExtension('pg_proc', 'p.oid')}
      AND p.proname <> 'guard_service_tables'`,

  "SELECT 'foreign table', format('%I.%I', n.nspname, c.relname), NULL, n.nspname || '.' || c.relname FROM " +
    "pg_class c JOIN own n ON n.oid = c.relnamespace WHERE c.relkind = 'f'",
  ...namedKinds.map(
    ([
      kind,
      catalog,
      schema,
    ]) => `SELECT '${kind}', i.identity, NULL, NULL FROM ${catalog} o JOIN own n ON n.oid = o.${schema}
      CROSS JOIN LATERAL pg_identify_object('${catalog}'::regclass, o.oid, 0) i WHERE ${notOfExtension(catalog, 'o.oid')}`,
  ),
  `SELECT 'cast', i.identity, NULL, NULL FROM pg_cast k CROSS JOIN LATERAL pg_identify_object('pg_cast'::regclass, k.oid, 0) i
    WHERE k.oid >= 16384 AND ${notOfExtension('pg_cast', 'k.oid')} AND NOT EXISTS (SELECT FROM pg_range r
      WHERE r.rngtypid = k.castsource AND r.rngmultitypid = k.casttarget)`,
];
