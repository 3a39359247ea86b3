/** The SELECTs (kind, name, definition) with which `readSchema` reads schemas, functions, types and the rest. */
import { grants, namedKinds, notOfExtension } from './parts.ts';

const typeName = `format('%I.%I', n.nspname, t.typname)`;
const routine = `format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))`;

export const otherSelects: readonly string[] = [
  `SELECT 'schema', quote_ident(n.nspname), 'owner ' || n.nspowner::regrole FROM readable n
    WHERE ${notOfExtension('pg_namespace', 'n.oid')}`,

  `SELECT 'grant', 'schema ' || quote_ident(n.nspname),
      (SELECT ${grants(`coalesce(n.nspacl, acldefault('n', n.nspowner))`)})
    FROM schemas n WHERE ${notOfExtension('pg_namespace', 'n.oid')}`,

  `SELECT 'extension', quote_ident(x.extname), 'in schema ' || n.nspname
    FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname <> 'plpgsql'`,

  `SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, ${routine},
    concat_ws(' | ', 'owner ' || p.proowner::regrole, CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE
      (SELECT concat_ws(' ', pg_get_function_result(p.oid), a.aggtransfn, a.aggtranstype::regtype, a.aggfinalfn, a.agginitval)
        FROM pg_aggregate a WHERE a.aggfnoid = p.oid) END)
    FROM pg_proc p JOIN readable n ON n.oid = p.pronamespace
    WHERE ${notOfExtension('pg_proc', 'p.oid')} AND p.proname <> 'guard_service_tables'`,

  `SELECT 'grant', 'function ' || ${routine}, (SELECT ${grants(`coalesce(p.proacl, acldefault('f', p.proowner))`)})
    FROM pg_proc p JOIN readable n ON n.oid = p.pronamespace
    WHERE ${notOfExtension('pg_proc', 'p.oid')} AND p.proname <> 'guard_service_tables'`,

  `SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' WHEN 'c' THEN 'composite type'
      ELSE 'type' END, ${typeName},
    concat_ws(' ',
      CASE t.typtype
        WHEN 'e' THEN (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) FROM pg_enum l
          WHERE l.enumtypid = t.oid)
        WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
        WHEN 'r' THEN (SELECT r.rngsubtype::regtype::text FROM pg_range r WHERE r.rngtypid = t.oid)
        WHEN 'c' THEN (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END,
      CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault,
      (SELECT string_agg(format('constraint %I %s', o.conname, pg_get_constraintdef(o.oid)), ' ' ORDER BY o.conname)
        FROM pg_constraint o WHERE o.contypid = t.oid AND o.contype = 'c'),
      'owner ' || t.typowner::regrole, 'grants ' || (SELECT ${grants('t.typacl')} WHERE t.typacl IS NOT NULL))
    FROM pg_type t JOIN readable n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typcategory <> 'A' AND (t.typtype IN ('e', 'd', 'r', 'b') OR c.relkind = 'c')
      AND ${notOfExtension('pg_type', 't.oid')}`,

  `SELECT 'comment', concat_ws(' ', i.type, i.identity), d.description
    FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    WHERE d.objoid >= 16384 AND i.identity IS NOT NULL AND NOT EXISTS (SELECT FROM pg_depend e
        WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
      AND i.type <> 'extension' AND (i.schema IS NULL OR EXISTS (SELECT FROM readable n WHERE n.nspname = i.schema)
        OR i.type IN ('policy', 'trigger'))
      AND (i.type <> 'schema' OR EXISTS (SELECT FROM readable n WHERE quote_ident(n.nspname) = i.identity))`,

  `SELECT 'publication', quote_ident(b.pubname), concat_ws(' ', CASE WHEN b.puballtables THEN 'all tables' END,
      CASE WHEN b.pubinsert THEN 'insert' END, CASE WHEN b.pubupdate THEN 'update' END,
      CASE WHEN b.pubdelete THEN 'delete' END, CASE WHEN b.pubtruncate THEN 'truncate' END,
      (SELECT 'tables ' || string_agg(concat_ws(' ', r.prrelid::regclass::text, 'where ' || pg_get_expr(r.prqual, r.prrelid),
          'columns ' || r.prattrs::text), ', ' ORDER BY r.prrelid::regclass::text) FROM pg_publication_rel r WHERE r.prpubid = b.oid),
      (SELECT 'schemas ' || string_agg(s.pnnspid::regnamespace::text, ', ' ORDER BY s.pnnspid::regnamespace::text)
        FROM pg_publication_namespace s WHERE s.pnpubid = b.oid))
    FROM pg_publication b`,

  `SELECT 'default privileges', concat_ws(' ', 'for', d.defaclrole::regrole, 'in ' || n.nspname, 'on',
      CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
        ELSE 'schemas' END), (SELECT ${grants('d.defaclacl')})
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace`,

  `SELECT 'event trigger', quote_ident(v.evtname), concat_ws(' ', v.evtevent, 'when ' || array_to_string(v.evttags, ', '),
      v.evtfoid::regproc, v.evtenabled::text)
    FROM pg_event_trigger v WHERE v.evtname NOT LIKE 'guard\\_service\\_tables%' AND v.evtowner::regrole::text <> 'supabase_admin'
      AND ${notOfExtension('pg_event_trigger', 'v.oid')}`,

  ...namedKinds.map(
    ([
      kind,
      catalog,
      schema,
    ]) => `SELECT '${kind}', i.identity, i.type FROM ${catalog} o JOIN readable n ON n.oid = o.${schema}
      CROSS JOIN LATERAL pg_identify_object('${catalog}'::regclass, o.oid, 0) i WHERE ${notOfExtension(catalog, 'o.oid')}`,
  ),
  `SELECT 'cast', i.identity, k.castcontext::text || ' ' || k.castfunc::regproc FROM pg_cast k
    CROSS JOIN LATERAL pg_identify_object('pg_cast'::regclass, k.oid, 0) i
    WHERE k.oid >= 16384 AND ${notOfExtension('pg_cast', 'k.oid')}`,
  `SELECT 'foreign server', quote_ident(s.srvname), concat_ws(' ', w.fdwname, array_to_string(s.srvoptions, ', '))
    FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw`,
];
