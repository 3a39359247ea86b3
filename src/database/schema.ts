import { randomBytes } from 'node:crypto';
import { DatabaseError, type Session } from './database.ts';
import { otherSelects } from './schema/others.ts';
import { services } from './schema/parts.ts';
import { relationSelects } from './schema/relations.ts';

/** One object of a database as text that is the same whenever the object is the same. */
export interface SchemaObject {
  /** E.g. `table`, `column`, `policy`, `grant`, `default privileges`. */
  kind: string;
  /** Qualified and quoted, as `public.profiles`, `public.profiles.email` or `"own rows" on public.profiles`. */
  name: string;
  definition: string;
}

export interface SchemaOptions {
  /** Only objects in these schemas, and what has none. */
  schemas?: readonly string[] | undefined;
  /** Also the objects that a Supabase project has from the start, in the schemas of its services. */
  baseline?: boolean | undefined;
}

/**
 * Everything in the database that migrations create, sorted by kind and name, in one round trip. Left out: PostgreSQL's
 * own schemas, the migration history's (`muse`), temporary objects, what belongs to an extension, and roles, which belong to the
 * whole server. The order of a table's columns is not part of it.
 * @throws DatabaseError
 */
export async function readSchema(session: Session, options: SchemaOptions = {}): Promise<SchemaObject[]> {
  const { rows } = await session.query<SchemaObject>(query('$1::text[]', '$2::text[]'), [
    // The query endpoint of Supabase takes no NULL as a parameter.
    options.schemas ?? ['*'],
    options.baseline ? [] : services,
  ]);
  return sorted(rows);
}

/**
 * {@link readSchema} for who reads the same session several times: planning the query is a good third of its time, and is
 * done once.
 * @throws DatabaseError
 */
export function schemaReader(session: Session): () => Promise<SchemaObject[]> {
  const name = `create_muse_${randomBytes(8).toString('hex')}`;
  let prepared = false;
  const read = async (): Promise<SchemaObject[]> => {
    if (!prepared)
      await session.query(`PREPARE ${name} AS ${query(`'{*}'::text[]`, `'{${services.join(',')}}'::text[]`)}`);
    prepared = true;
    const { rows } = await session.query<SchemaObject>(`EXECUTE ${name}`);
    return sorted(rows);
  };
  return async () => {
    try {
      return await read();
    } catch (error) {
      // A migration with DISCARD or DEALLOCATE ALL took it away.
      if (!(error instanceof DatabaseError && error.code === '26000')) throw error;
      prepared = false;
      return read();
    }
  };
}

function sorted(rows: readonly SchemaObject[]): SchemaObject[] {
  return rows.filter(({ kind }) => kind !== '').sort(byKindAndName);
}

/**
 * PostgreSQL prints names by what the search_path sees, so it is empty while this runs and restored afterwards: the parts
 * of a UNION ALL run one after the other. `only` and `without` are SQL: arrays of names.
 */
const query = (only: string, without: string): string => `
WITH path AS MATERIALIZED (SELECT current_setting('search_path') AS was),
schemas AS MATERIALIZED (
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'muse')
    AND ('*' = ANY (${only}) OR n.nspname = ANY (${only}))
),
readable AS MATERIALIZED (SELECT s.* FROM schemas s WHERE s.nspname <> ALL (${without}))
SELECT '' AS kind, path.was AS name, pg_catalog.set_config('search_path', '', true) AS definition FROM path
${[...relationSelects, ...otherSelects].map((select) => `UNION ALL\n${select}`).join('\n')}
UNION ALL
SELECT '', '', pg_catalog.set_config('search_path', path.was, true) FROM path`;

function byKindAndName(a: SchemaObject, b: SchemaObject): number {
  return compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.definition, b.definition);
}

/** By code unit, so that the order does not depend on a locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface SchemaDifference {
  /** In `before`, not in `after`. */
  missing: SchemaObject[];
  /** In `after`, not in `before`. */
  extra: SchemaObject[];
  changed: { kind: string; name: string; before: string; after: string }[];
}

/** What is different between two readings; all three lists are empty where nothing is. */
export function diffSchema(before: readonly SchemaObject[], after: readonly SchemaObject[]): SchemaDifference {
  const key = ({ kind, name }: SchemaObject): string => `${kind}\0${name}`;
  const old = new Map(before.map((object) => [key(object), object]));
  const fresh = new Map(after.map((object) => [key(object), object]));
  return {
    missing: before.filter((object) => !fresh.has(key(object))),
    extra: after.filter((object) => !old.has(key(object))),
    changed: after.flatMap((object) => {
      const was = old.get(key(object));
      return was && was.definition !== object.definition
        ? [{ kind: object.kind, name: object.name, before: was.definition, after: object.definition }]
        : [];
    }),
  };
}
