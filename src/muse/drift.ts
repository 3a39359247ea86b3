import type { Database, Session } from '../database/database.ts';
import { openShadow } from './core-snapshot.ts';
import { diffSchema, readSchema, type SchemaDifference, type SchemaObject } from '../database/schema.ts';
import type { Finding } from '../shared/finding.ts';
import { quoteQualified } from '../shared/quote.ts';
import { migrate } from '../migrations/apply.ts';
import { placesOf } from '../rules/engine/live/places.ts';
import { readFiles } from '../sql/catalog/build.ts';
import type { Migration } from '../sql/migration.ts';
import { loadParser } from '../sql/parser.ts';
import { schemasOf } from './declared-schema.ts';
import { filesOf } from './applied.ts';
import { createSql, ownerOf, redefined } from './drift-sql.ts';

/** An object in which a database differs from its applied files. */
export interface Drift extends Finding {
  /** `+` only in the database, `-` only in the files, `~` in both and not the same. */
  change: '+' | '-' | '~';
  /** `+` and `-`: the statements that create it. `~`: a line that begins with `-` for what was, with `+` for what is. */
  sql: string[];
}

/** What files create, in `public` and in the schemas of their own. */
export interface ExpectedSchema {
  schemas: string[];
  objects: SchemaObject[];
}

/** Runs files on a shadow database, and reads what they have created there. */
export async function expectedSchema(files: readonly Migration[], signal?: AbortSignal): Promise<ExpectedSchema> {
  const schemas = await schemasOf(files);
  const { database: model, applied } = await openShadow(files, signal);
  try {
    await migrate(model, files.slice(applied));
    return { schemas, objects: await readOfFiles(model, files, schemas) };
  } finally {
    await model.close();
  }
}

/**
 * Finds where a database differs from what its applied files create.
 * @param expected finds out what they create; default {@link expectedSchema}
 */
export async function schemaDrift(
  database: Database,
  migrations: readonly Migration[],
  signal?: AbortSignal,
  expected = expectedSchema,
): Promise<Drift[]> {
  const { applied: files } = await filesOf(database, migrations);
  const { schemas, objects } = await expected(files, signal);
  const drift = driftOf(diffSchema(objects, await readOfFiles(database, files, schemas)));
  if (drift.length === 0) return [];
  const places = await placesOf(files);
  return drift.map((one) => {
    const [{ file, line, column }] = places.locate([{ ...one, object: tableIn(one.object ?? '') }]) as [Finding];
    return file === undefined ? one : { ...one, file, line: line!, column: column! };
  });
}

/** A platform has its own objects of these kinds, which differ from the shadow database without anyone changing them. */
const platformKinds = new Set(['extension', 'publication', 'event trigger', 'default privileges']);

const isOfFiles = ({ kind }: SchemaObject): boolean => !platformKinds.has(kind);

/** Reads what files account for. */
async function readOfFiles(
  database: Session,
  files: readonly Migration[],
  schemas: readonly string[],
): Promise<SchemaObject[]> {
  const isAdded = await addedPartitions(database, files);
  return (await readSchema(database, { schemas })).filter((object) => isOfFiles(object) && !isAdded(object));
}

/**
 * Finds what belongs to a partition that no file names. Functions add and drop such partitions while the database is in
 * use, e.g. one a month, so which ones there are is a matter of when one looks, on the shadow database too.
 */
async function addedPartitions(
  database: Session,
  files: readonly Migration[],
): Promise<(object: SchemaObject) => boolean> {
  const { rows } = await database.query<{ name: string; indexes: string[] }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, ARRAY(
       SELECT format('%I.%I', n.nspname, x.relname) FROM pg_catalog.pg_index i
       JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid) AS indexes
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f')`,
  );
  if (rows.length === 0) return () => false;
  await loadParser();
  const named = new Set([...(await readFiles(files)).catalog.tables.keys()].map(quoteQualified));
  const added = rows.filter(({ name }) => !named.has(name));
  const indexes = new Set(added.flatMap((partition) => partition.indexes));
  // Columns are `<table>.<column>`, policies and triggers `<name> on <table>`, grants `relation <table>`.
  return ({ kind, name }) =>
    kind === 'index' ? indexes.has(name) : added.some((partition) => ` ${name}.`.includes(` ${partition.name}.`));
}

const isTable = ({ kind }: SchemaObject): boolean => kind === 'table' || kind === 'partitioned table';

/** One entry for each object; the columns of a table that is extra or missing as a whole are in its CREATE TABLE. */
function driftOf({ missing, extra, changed }: SchemaDifference): Drift[] {
  const whole = (objects: readonly SchemaObject[], change: '+' | '-', what: string): Drift[] => {
    const tables = new Set(objects.filter(isTable).map(({ name }) => name));
    const columns = objects.filter(({ kind, name }) => kind === 'column' && tables.has(ownerOf(name)));
    return objects
      .filter((object) => !columns.includes(object))
      .map((object) => {
        const own = isTable(object) ? columns.filter(({ name }) => ownerOf(name) === object.name) : [];
        return entry(object, change, what, createSql(object, own));
      });
  };
  return [
    ...whole(missing, '-', 'is not in the database, but the files create it'),
    ...whole(extra, '+', 'is in the database, but no file creates it'),
    ...changed.map(({ kind, name, before, after }) => {
      const { was, is } = redefined(kind, name, before, after);
      const lines = [...was.map((line) => `- ${line}`), ...is.map((line) => `+ ${line}`)];
      return entry({ kind, name, definition: after }, '~', 'differs from what the files create', lines);
    }),
  ];
}

function entry({ kind, name }: SchemaObject, change: Drift['change'], what: string, sql: string[]): Drift {
  return {
    rule: 'schema-drift',
    severity: 'warning',
    object: `${kind} ${name}`,
    change,
    sql,
    message: `The ${kind} ${name} ${what}: the database was changed by hand.`,
    suggestion: 'Write the change as a migration (muse new), or undo it in the database.',
  };
}

/** What the files know an object by: the relation that it is, or that it is a part of. */
function tableIn(object: string): string {
  const name = object.slice(object.indexOf(' ') + 1).replace(/^(?:relation|function) /, '');
  if (object.startsWith('column ')) return ownerOf(name);
  return object.startsWith('policy ')
    ? object
    : name.slice(name.lastIndexOf(' on ') === -1 ? 0 : name.lastIndexOf(' on ') + 4);
}
