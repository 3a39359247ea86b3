import { randomBytes } from 'node:crypto';
import { DatabaseError, type Session } from './database.ts';
import { otherSelects } from './schema/others.ts';
import { services } from './schema/parts.ts';
import { relationSelects } from './schema/relations.ts';

/** One object of a database as normalized text, which is equal if the object is equal. */
export interface SchemaObject {
  /** E.g. `table`, `column`, `policy`, `grant`, `default privileges`. */
  kind: string;
  /** Qualified and quoted, e.g. `public.profiles`, `public.profiles.email` or `"own rows" on public.profiles`. */
  name: string;
  definition: string;
}

export interface SchemaOptions {
  /** Only objects in these schemas, and objects without a schema. */
  schemas?: readonly string[] | undefined;
  /** Also the objects that every Supabase project has in the schemas of its services. */
  baseline?: boolean | undefined;
}

/**
 * Everything in the database that migrations create, sorted by kind and name, in one round trip. Excluded are
 * PostgreSQL's own schemas, the migration history's (`muse`), temporary objects, objects of extensions, and roles,
 * which belong to the whole server. The order of a table's columns does not matter.
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
 * {@link readSchema} for several reads on the same session: planning, a third of the query's time, is done once.
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
      // A migration with DISCARD or DEALLOCATE ALL has dropped it.
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
 * PostgreSQL prints names relative to the search_path, so it is emptied for this query and restored afterwards; the
 * parts of a UNION ALL run one after the other. `only` and `without` are SQL arrays of names.
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

/** The differences between two readings. All three lists are empty if there are none. */
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
