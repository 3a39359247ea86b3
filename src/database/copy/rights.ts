/** The SELECTs (kind, name, sql, of) with which `readCopy` reads roles, schemas, extensions, owners and privileges. */
import { notOfExtension } from '../schema/parts.ts';

/**
 * An access list is copied verbatim, including null (the built-in default): GRANT and REVOKE would modify whatever list
 * is there.
 */
const access = (catalog: string, column: string, acl: string, where: string): string =>
  `format('UPDATE pg_catalog.${catalog} SET ${column} = %L::pg_catalog.aclitem[] WHERE %s', ${acl}, ${where})`;
/**
 * A missing object of the muse is an error, so that the step is retried. An object of a service may be missing in the
 * platform.
 */
const relationId = `CASE WHEN n.service THEN format('pg_catalog.to_regclass(%L)', format('%I.%I', n.nspname, c.relname))
  ELSE format('%L::pg_catalog.regclass', format('%I.%I', n.nspname, c.relname)) END`;
const relationWhere = `'oid = ' || ${relationId}`;
const signature = `format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))`;
const inputs = `format('%I.%I(%s)', n.nspname, p.proname, (SELECT string_agg(format_type(x.id, NULL), ', ' ORDER BY x.at)
  FROM unnest(p.proargtypes) WITH ORDINALITY AS x(id, at)))`;
const relationName = `n.nspname || '.' || c.relname`;
const relations = `pg_class c JOIN own n ON n.oid = c.relnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND c.relpersistence <> 't'
  AND ${notOfExtension('pg_class', 'c.oid')}`;

export const rightSelects: readonly string[] = [
  `SELECT 'role', quote_ident(r.rolname), format('CREATE ROLE %I', r.rolname), NULL FROM pg_roles r WHERE r.rolname !~ '^pg_'`,
  `SELECT 'role attributes', quote_ident(r.rolname), concat_ws(' ', format('ALTER ROLE %I', r.rolname),
      CASE WHEN r.rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END,
      CASE WHEN r.rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END), NULL
    FROM pg_roles r WHERE r.rolname !~ '^pg_' AND r.rolname <> 'supabase_admin'`,
  // PostgreSQL 15 has neither option. There, members inherit according to their role.
  `SELECT 'membership', format('%I in %I', b.rolname, a.rolname), format('GRANT %I TO %I WITH INHERIT %s, SET %s', a.rolname, b.rolname,
      coalesce(to_jsonb(m) ->> 'inherit_option', b.rolinherit::text), coalesce(to_jsonb(m) ->> 'set_option', 'true')), NULL
    FROM pg_auth_members m JOIN pg_roles a ON a.oid = m.roleid JOIN pg_roles b ON b.oid = m.member
    WHERE b.rolname !~ '^pg_' AND b.rolname <> 'supabase_admin'`,

  "SELECT 'schema', quote_ident(n.nspname), format('CREATE SCHEMA %I', n.nspname), NULL FROM own n WHERE " +
    `${notOfExtension('pg_namespace', 'n.oid')}`,
  `SELECT 'owner', 'schema ' || quote_ident(n.nspname), format('ALTER SCHEMA %I OWNER TO %I', n.nspname, r.rolname), NULL
    FROM own n JOIN pg_roles r ON r.oid = n.nspowner WHERE ${notOfExtension('pg_namespace', 'n.oid')} AND r.rolname !~ '^pg_'`,
  `SELECT 'grant', 'schema ' || quote_ident(n.nspname),
        ${access('pg_namespace', 'nspacl', 'n.nspacl', `format('nspname = %L', n.nspname)`)}, NULL
    FROM readable n WHERE ${notOfExtension('pg_namespace', 'n.oid')}`,
  `SELECT 'extension', quote_ident(x.extname), format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I CASCADE',
        x.extname, n.nspname), NULL
    FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace`,

  `SELECT 'owner', ${relationName}, format('ALTER %s %I.%I OWNER TO %I',
      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
      n.nspname, c.relname, r.rolname), ${relationName}
    FROM ${relations} JOIN pg_roles r ON r.oid = c.relowner
    WHERE c.relkind <> 'S' OR NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
      AND d.objid = c.oid AND d.deptype IN ('a', 'i'))`,
  `SELECT 'owner', 'function ' || ${signature}, format('ALTER ROUTINE %s OWNER TO %I', ${signature}, r.rolname), NULL
    FROM pg_proc p JOIN own n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner
      WHERE p.prokind IN ('f', 'p') AND ${notOfExtension('pg_proc', 'p.oid')}`,

  `SELECT 'owner', format('type %I.%I', n.nspname, t.typname), format('ALTER TYPE %I.%I OWNER TO %I', n.nspname, t.typname, r.rolname), NULL
    FROM pg_type t JOIN own n ON n.oid = t.typnamespace JOIN pg_roles r ON r.oid = t.typowner LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typcategory <> 'A' AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND ${notOfExtension('pg_type', 't.oid')}`,

  // Including the services' tables: a manual grant on those gives access too.
  `SELECT 'grant', ${relationName}, ${access('pg_class', 'relacl', 'c.relacl', relationWhere)}, ${relationName}
    FROM pg_class c JOIN readable n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND c.relpersistence <> 't' AND ${notOfExtension('pg_class', 'c.oid')}`,
  `SELECT 'grant', format('%s.%s', ${relationName}, a.attname),
        format('UPDATE pg_catalog.pg_attribute SET attacl = %L::pg_catalog.aclitem[] WHERE attrelid = %s AND attname = %L',
      a.attacl, ${relationId}, a.attname), ${relationName}
    FROM pg_class c JOIN readable n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
      AND a.attacl IS NOT NULL AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relpersistence <> 't' AND ${notOfExtension('pg_class', 'c.oid')}`,
  `SELECT 'grant', 'function ' || ${signature},
        ${access('pg_proc', 'proacl', 'p.proacl', `format('oid = %L::pg_catalog.regprocedure', ${inputs})`)}, NULL
    FROM pg_proc p JOIN own n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p') AND ${notOfExtension('pg_proc', 'p.oid')}`,
  `SELECT 'grant', format('type %I.%I', n.nspname, t.typname),
        ${access('pg_type', 'typacl', 't.typacl', `format('oid = %L::pg_catalog.regtype', format('%I.%I', n.nspname, t.typname))`)}, NULL
    FROM pg_type t JOIN own n ON n.oid = t.typnamespace WHERE t.typacl IS NOT NULL AND ${notOfExtension('pg_type', 't.oid')}`,
];
