/**
 * Reads a database's schema as the SQL that recreates it elsewhere. It comes from the catalog, so manual changes are
 * included. Only reads.
 */
import type { Session } from '../database.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { services } from '../schema/parts.ts';
import { codeSelects } from './code.ts';
import { relationSelects } from './relations.ts';
import { rightSelects } from './rights.ts';

/** One step of recreating a schema. */
export interface CopyStep {
  /** E.g. `table`, `policy`, `owner`, `grant`. */
  kind: string;
  /** Name of the object, qualified and quoted if necessary. */
  name: string;
  /** The SQL that creates it; null if objects of this kind cannot be copied. */
  sql: string | null;
  /** The relation that it belongs to, as `schema.name`, unquoted; null if it belongs to none. */
  of: string | null;
}

/** In this order most objects come after what they need. The others are retried later. */
const order = [
  'role',
  'role attributes',
  'membership',
  'schema',
  'extension',
  'type',
  'function',
  'sequence',
  'table',
  'partition',
  'default',
  'sequence owner',
  'constraint',
  'index',
  'foreign key',
  'view',
  'materialized view',
  'rule',
  'trigger',
  'policy',
  'row security',
  'owner',
  'grant',
  'bucket',
  'unknown',
];

/**
 * The steps that recreate the schema in a database with the platform's objects: everything of the muse, and the
 * policies, triggers, grants and row-level security of the services' tables. No rows, except Storage's buckets. Reads
 * with two statements and writes nothing, so it works in a read-only transaction.
 * @throws DatabaseError
 */
export async function readCopy(session: Session): Promise<CopyStep[]> {
  // The query endpoint of Supabase takes one statement at a time.
  const { rows } = await session.query<CopyStep>(query);
  const steps = rows.filter(({ kind }) => kind !== '');
  steps.push(...(await bucketSteps(session)));
  return steps
    .map((step, index) => ({ step, index }))
    .sort((a, b) => rank(a.step) - rank(b.step) || a.index - b.index)
    .map(({ step }) => step);
}

const rank = ({ kind, sql }: CopyStep): number => (sql === null ? order.length : order.indexOf(kind));

/**
 * As in `readSchema`: with an empty search_path names are printed qualified, and the parts of a UNION ALL run in order.
 */
const query = `
WITH path AS MATERIALIZED (SELECT current_setting('search_path') AS was),
readable AS MATERIALIZED (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl, n.nspname = ANY (ARRAY[${services.map(quoteLiteral).join(', ')}]) AS service
  FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'muse')
),
own AS MATERIALIZED (SELECT * FROM readable WHERE NOT service)
SELECT '' AS kind, pg_catalog.set_config('search_path', '', true) AS name, path.was AS sql, NULL AS of FROM path
${[...rightSelects, ...codeSelects, ...relationSelects].map((select) => `UNION ALL\n${select}`).join('\n')}
UNION ALL
SELECT '', pg_catalog.set_config('search_path', path.was, true), '', NULL FROM path`;

async function bucketSteps(session: Session): Promise<CopyStep[]> {
  const { rows: there } = await session.query<{
    there: boolean;
  }>(`SELECT CASE WHEN pg_catalog.to_regclass('storage.buckets') IS NOT NULL
    AND EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass('storage.buckets') AND attname = 'public')
    THEN pg_catalog.has_table_privilege(pg_catalog.to_regclass('storage.buckets'), 'SELECT') ELSE false END AS there`);
  if (there[0]?.there !== true) return [];
  const { rows } = await session.query<{ id: string; name: string; public: boolean | null }>(
    'SELECT id, name, public FROM storage.buckets ORDER BY id',
  );
  return rows.map(({ id, name, public: open }) => ({
    kind: 'bucket',
    name: id,
    sql: `INSERT INTO storage.buckets (id, name, public) VALUES (${quoteLiteral(id)}, ${quoteLiteral(name)}, ${open ?? false})
      ON CONFLICT (id) DO UPDATE SET public = excluded.public`,
    of: 'storage.objects',
  }));
}
