/** The SELECTs (kind, name, sql, of) with which `readCopy` reads tables, views, sequences and what belongs to them. */
import { notOfExtension } from '../schema/parts.ts';

const own = `pg_class c JOIN own n ON n.oid = c.relnamespace AND c.relpersistence <> 't' AND ${notOfExtension('pg_class', 'c.oid')}`;
/**
 * The relation that an object belongs to, including the services' relations: policies and triggers on those are the
 * muse's.
 */
const any = (id: string): string =>
  `JOIN pg_class c ON c.oid = ${id} JOIN readable n ON n.oid = c.relnamespace AND c.relpersistence <> 't' AND ` +
  `${notOfExtension('pg_class', 'c.oid')}`;
const name = `format('%I.%I', n.nspname, c.relname)`;
const plain = `n.nspname || '.' || c.relname`;

const sequenceOptions = `format('AS %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s %s',
      s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
  CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END)`;
const identity = `(SELECT format(
    'GENERATED %s AS IDENTITY (SEQUENCE NAME %s START %s INCREMENT %s MINVALUE %s MAXVALUE %s)',
    CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END,
    d.objid::regclass, s.seqstart, s.seqincrement, s.seqmin, s.seqmax)
  FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
    AND d.refobjsubid = a.attnum AND d.deptype = 'i' LIMIT 1)`;

const columns = `(SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END,
    CASE WHEN a.attgenerated = 's' THEN 'GENERATED ALWAYS AS (' || pg_get_expr(e.adbin, e.adrelid) || ') STORED' END,
    CASE WHEN a.attidentity <> '' THEN ${identity} END, CASE WHEN a.attnotnull THEN 'NOT NULL' END), ', ' ORDER BY a.attnum)
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

const options = `coalesce(' WITH (' || nullif(array_to_string(c.reloptions, ', '), '') || ')', '')`;

export const relationSelects: readonly string[] = [
  `SELECT 'sequence', ${name}, format('CREATE SEQUENCE %s %s', ${name}, ${sequenceOptions}), NULL
    FROM ${own} JOIN pg_sequence s ON s.seqrelid = c.oid
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')`,
  `SELECT 'sequence owner', ${name}, format('ALTER SEQUENCE %s OWNED BY %s.%I', ${name}, d.refobjid::regclass, a.attname), NULL
    FROM ${own} JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a' AND d.refobjsubid > 0
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE c.relkind = 'S'`,

  `SELECT 'table', ${name}, format('CREATE TABLE %s (%s)%s', ${name}, ${columns}, coalesce(' PARTITION BY ' ||
        pg_get_partkeydef(c.oid), '')), ${plain}
    FROM ${own} WHERE c.relkind IN ('r', 'p')`,
  `SELECT 'partition', ${name}, CASE WHEN c.relispartition
      THEN format('ALTER TABLE %s ATTACH PARTITION %s %s', i.inhparent::regclass, ${name}, pg_get_expr(c.relpartbound, c.oid))
      ELSE format('ALTER TABLE %s INHERIT %s', ${name}, i.inhparent::regclass) END, ${plain}
    FROM ${own} JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relkind IN ('r', 'p')`,
  `SELECT 'default', format('%s.%I', ${name}, a.attname),
        format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT %s', ${name}, a.attname, pg_get_expr(e.adbin, e.adrelid)), ${plain}
    FROM ${own} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum WHERE c.relkind IN ('r', 'p')`,
  `SELECT CASE o.contype WHEN 'f' THEN 'foreign key' ELSE 'constraint' END, format('%I on %s', o.conname, ${name}),
      format('ALTER TABLE %s ADD CONSTRAINT %I %s', ${name}, o.conname, pg_get_constraintdef(o.oid)), ${plain}
    FROM pg_constraint o JOIN ${own} ON c.oid = o.conrelid
    WHERE o.contype IN ('p', 'u', 'c', 'x', 'f') AND o.conparentid = 0 AND o.conislocal AND c.relkind IN ('r', 'p')`,
  // An invalid index enforces nothing and speeds up nothing.
  `SELECT 'index', format('%I.%I', n.nspname, x.relname), regexp_replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '), ${plain}
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN ${own} ON c.oid = i.indrelid
    WHERE i.indisvalid AND NOT x.relispartition AND NOT EXISTS (SELECT FROM pg_constraint o
      WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'))`,

  `SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, ${name},
      format('CREATE %s %s%s AS %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END,
        ${name}, ${options}, pg_get_viewdef(c.oid)), ${plain}
    FROM ${own} WHERE c.relkind IN ('v', 'm')`,
  `SELECT 'rule', format('%I on %s', w.rulename, ${name}), pg_get_ruledef(w.oid), ${plain}
    FROM pg_rewrite w JOIN ${own} ON c.oid = w.ev_class WHERE w.rulename <> '_RETURN'`,
  // A service's own triggers call the service's functions, and the platform has those that matter.
  `SELECT 'trigger', format('%I on %s', g.tgname, ${name}), concat(CASE WHEN n.service
        THEN format('DROP TRIGGER IF EXISTS %I ON %s; ', g.tgname, ${name}) END, pg_get_triggerdef(g.oid),
      CASE g.tgenabled WHEN 'O' THEN '' ELSE format('; ALTER TABLE %s %s TRIGGER %I', ${name},
        CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, g.tgname) END), ${plain}
    FROM pg_trigger g ${any('g.tgrelid')} WHERE NOT g.tgisinternal AND g.tgparentid = 0
      AND (NOT n.service OR EXISTS (SELECT FROM pg_proc p JOIN own w ON w.oid = p.pronamespace WHERE p.oid = g.tgfoid))`,
  `SELECT 'policy', format('%I on %s', p.polname, ${name}), concat_ws(' ', CASE WHEN n.service
        THEN format('DROP POLICY IF EXISTS %I ON %s;', p.polname, ${name}) END,
      format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, ${name},
        CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
        (SELECT string_agg(coalesce(quote_ident(r.rolname), 'PUBLIC'), ', ') FROM unnest(p.polroles) AS member
          LEFT JOIN pg_roles r ON r.oid = member)),
      'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', 'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'), ${plain}
    FROM pg_policy p ${any('p.polrelid')}`,
  `SELECT 'row security', ${name}, format('ALTER TABLE %s %s %s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY',
      CASE WHEN n.service THEN 'IF EXISTS' END, ${name},
      CASE WHEN c.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END,
      CASE WHEN c.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END), ${plain}
    FROM pg_class c JOIN readable n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')
      AND c.relpersistence <> 't' AND ${notOfExtension('pg_class', 'c.oid')}`,
];
