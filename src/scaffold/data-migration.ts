import { newFiles } from '../migrations/new-files.ts';
import { MuseError } from '../shared/error.ts';
import type { Isolation, MigrationFolders, SessionTenancy } from '../shared/muse-file.ts';
import { nearest } from '../shared/nearest.ts';
import { quoteIdentifier, quoteLiteral } from '../shared/quote.ts';
import { auditedUse } from './access.ts';
import { splitName } from './core.ts';
import { fitName } from './names.ts';
import { extensionPaths } from './new.ts';
import { render } from './render.ts';
import { readType } from './types.ts';

/** A table as the migrations create it. */
export interface DataTable {
  /** `schema.name`. */
  name: string;
  columns: { name: string; type: string; notNull: boolean; hasDefault: boolean; generated: boolean }[];
  primaryKey: string[];
  unique: string[][];
  foreignKeys: { columns: string[]; table: string; targets: string[] }[];
}

export interface DataMigrationRequest {
  /** Free text: names the file. */
  title: string;
  number: string;
  folders: MigrationFolders;
  from: DataTable;
  to: DataTable;
  /** Column of the target, column of the source. Columns of the same name are copied automatically. */
  map: readonly (readonly [target: string, source: string])[];
  isolation: Isolation;
  /** With isolation `session`. */
  session?: SessionTenancy;
}

interface Pair {
  target: DataTable['columns'][number];
  source: DataTable['columns'][number];
}

/** Rows per batch: few enough to show progress, enough to make the cost of the loop negligible. */
const batchSize = 5000;

/**
 * A migration that copies rows from one table to another, and its rollback: in batches by the source's key, repeatable,
 * with a count of the rows read, written and left out, and the reasons.
 * @returns paths relative to the muse's directory, with `/`
 * @throws MuseError `bad-data-migration` if the tables do not match: an unknown column, no value for a required column, no key
 */
export async function dataMigration(request: DataMigrationRequest): Promise<{ path: string; content: string }[]> {
  const { from, to } = request;
  if (from.name === to.name) throw bad('A table cannot be copied into itself.', 'Name another table with --to.');
  const pairs = pairsOf(request);
  const key = keyOf(to, pairs);
  const batchKey = [from.primaryKey, ...from.unique].find(
    (columns) => columns.length > 0 && columns.every((name) => columnOf(from, name, '--data-from').notNull),
  );
  if (batchKey === undefined)
    throw bad(
      `${from.name} has no primary key, so its rows cannot be read in batches.`,
      `Add one in an earlier migration: ALTER TABLE ${from.name} ADD PRIMARY KEY (…);`,
    );
  const source = splitName(from.name);
  const target = splitName(to.name);
  const record = { schema: target.schema, name: fitName([target.table, 'from', source.table], 'written') };
  const converted = pairs.map((pair) => ({
    ...pair,
    ...convert(`source.${quoteIdentifier(pair.source.name)}`, pair.source.type, pair.target.type),
  }));
  const { path, rollbackPath } = extensionPaths(request.folders, request.number, request.title);
  const copied = new Set(pairs.map((pair) => pair.source.name));
  const model = {
    title: request.title,
    path,
    rollbackPath,
    source,
    target,
    record,
    batchSize,
    // muse migrate reads this to count the rows.
    report: JSON.stringify({ from: [source.schema, source.table], written: [record.schema, record.name] }),
    pairs: converted.map(({ target: { name }, source: { name: sourceName }, sql }) => ({
      target: name,
      source: sourceName,
      sql,
    })),
    leftOut: from.columns.filter(({ name }) => !copied.has(name)).map(({ name }) => name),
    recordName: `${quoteIdentifier(record.schema)}.${quoteIdentifier(record.name)}`,
    comment: `Which rows of ${target.table} came from ${source.table}; the rollback removes exactly those.`,
    key: key.map((name) => ({ name, type: typeSql(columnOf(to, name, '--to').type) })),
    pkey: fitName([record.name], 'pkey'),
    fkey: fitName([record.name], 'fkey'),
    batchKey: batchKey.map((name, index) => ({
      name,
      variable: `next_${index + 1}`,
      upcoming: `upcoming_${index + 1}`,
    })),
    reasons: reasonsOf(to, converted),
    roles: request.isolation === 'auth-uid' ? ['anon', 'authenticated', 'service_role'] : [],
    superadmin:
      request.isolation === 'session' && request.session !== undefined
        ? { role: request.session.superadminRole, condition: auditedUse }
        : null,
  };
  return newFiles(
    request.folders,
    { path, rollbackPath },
    await render('extension', 'data.sql', model),
    await render('extension', 'data.rollback.sql', model),
  );
}

function pairsOf({ from, to, map }: DataMigrationRequest): Pair[] {
  const pairs = map.map(([target, source]): Pair => ({
    target: columnOf(to, target, '--map'),
    source: columnOf(from, source, '--map'),
  }));
  const twice = pairs.find(
    ({ target }, index) => pairs.findIndex((other) => other.target.name === target.name) !== index,
  );
  if (twice !== undefined) throw bad(`--map has two sources for ${twice.target.name} of ${to.name}.`, 'Remove one.');
  const generated = pairs.find(({ target }) => target.generated);
  if (generated !== undefined)
    throw bad(
      `${generated.target.name} of ${to.name} is generated by the database, so nothing can be copied into it.`,
      'Remove it from --map.',
    );
  for (const target of to.columns) {
    const source = from.columns.find(({ name }) => name === target.name);
    const isFree = !target.generated && !pairs.some((pair) => pair.target.name === target.name);
    if (source !== undefined && isFree) pairs.push({ target, source });
  }
  if (pairs.length === 0)
    throw bad(`${from.name} and ${to.name} have no column in common.`, 'Map them: --map target_column=source_column');
  const missing = to.columns.find(
    ({ name, notNull, hasDefault, generated: own }) =>
      notNull && !hasDefault && !own && !pairs.some((pair) => pair.target.name === name),
  );
  if (missing !== undefined)
    throw bad(
      `${to.name} needs a value for ${missing.name}, but no column of ${from.name} is mapped to it.`,
      `Add --map ${missing.name}=<one of ${names(from)}>.`,
    );
  return pairs;
}

/** The key of the target that identifies an existing row. */
function keyOf(to: DataTable, pairs: readonly Pair[]): string[] {
  const key = [to.primaryKey, ...to.unique].find(
    (columns) => columns.length > 0 && columns.every((name) => pairs.some(({ target }) => target.name === name)),
  );
  if (key !== undefined) return key;
  const keys = [to.primaryKey, ...to.unique].filter(({ length }) => length > 0).map((columns) => columns.join(', '));
  throw bad(
    `The columns of no key of ${to.name} are mapped, so a second run would copy every row again.`,
    keys.length === 0
      ? 'Add a primary key or a UNIQUE constraint to the table first.'
      : `Map all columns of one of its keys (${keys.join('; ')}): --map ${keys[0]?.split(', ')[0]}=<column>.`,
  );
}

/** The reasons why a row may not be copied, each with SQL that is true for a row that can be. */
function reasonsOf(
  to: DataTable,
  pairs: readonly (Pair & { sql: string; fits: string | undefined })[],
): { label: string; text: string; condition: string; name: string }[] {
  const required = pairs
    .filter(({ target, source }) => target.notNull && !source.notNull)
    .map(({ target, source }) => ({
      label: `${source.name} is empty, and ${target.name} is required`,
      condition: `source.${quoteIdentifier(source.name)} IS NOT NULL`,
    }));
  const unfit = pairs.flatMap(({ target, source, fits }) =>
    fits === undefined ? [] : [{ label: `${source.name} is not a valid ${target.type}`, condition: fits }],
  );
  const orphans = to.foreignKeys
    .filter(
      ({ table, columns }) =>
        table !== to.name && columns.every((name) => pairs.some(({ target }) => target.name === name)),
    )
    .map(({ columns, table, targets }) => {
      const sides = columns.map((name, index) => ({
        pair: pairs.find(({ target }) => target.name === name)!,
        target: targets[index] ?? 'id',
      }));
      const [schema, name] = Object.values(splitName(table)).map((part) => quoteIdentifier(part));
      const empty = sides.map(({ pair }) => `source.${quoteIdentifier(pair.source.name)} IS NULL`);
      // A value that does not fit has a reason of its own: it must not be cast here.
      const same = sides.map(
        ({ pair, target }) =>
          `referred.${quoteIdentifier(target)} = ${pair.fits === undefined ? pair.sql : `CASE WHEN ${pair.fits} THEN ${pair.sql} END`}`,
      );
      return {
        label: `${sides.map(({ pair }) => pair.source.name).join(', ')} is not in ${table}`,
        condition: `(${empty.join(' OR ')} OR EXISTS (SELECT FROM ${schema}.${name} AS referred WHERE ${same.join(' AND ')}))`,
      };
    });
  return [...required, ...unfit, ...orphans].map((reason, index) => ({
    ...reason,
    text: ` rows: ${reason.label}`,
    name: `unfit_${index + 1}`,
  }));
}

function columnOf(table: DataTable, name: string, flag: string): DataTable['columns'][number] {
  const found = table.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  const meant = nearest(
    name,
    table.columns.map((column) => column.name),
  );
  throw bad(
    `${table.name} has no column ${JSON.stringify(name.slice(0, 80))} (${flag}).`,
    meant === undefined
      ? `It has ${names(table)}. The column of the target comes first: --map target=source`
      : `Write ${meant}. The column of the target comes first: --map target=source`,
  );
}

const names = (table: DataTable): string =>
  table.columns
    .map(({ name }) => name)
    .join(', ')
    .slice(0, 300);

function bad(message: string, suggestion: string): MuseError {
  return new MuseError({ code: 'bad-data-migration', message, suggestion });
}

/** How a value is converted from one type to another. */
interface Conversion {
  /** SQL of the value in the new type. */
  sql: string;
  /** SQL that is true if the value can be converted, or undefined if every value can. */
  fits: string | undefined;
}

/** Types whose values all fit into the listed types. */
const wider: Readonly<Record<string, readonly string[]>> = {
  smallint: ['integer', 'bigint', 'numeric', 'double precision'],
  integer: ['bigint', 'numeric', 'double precision'],
  bigint: ['numeric'],
  real: ['double precision'],
  date: ['timestamp', 'timestamptz'],
  timestamp: ['timestamptz'],
  varchar: ['text'],
  char: ['text'],
};

/**
 * Converts a value as SQL, the types as the catalog prints them. If a value may not fit (a text that is not a number,
 * or too long), the condition checks it with PostgreSQL itself (`pg_input_is_valid`, PostgreSQL 16).
 */
function convert(value: string, from: string, to: string): Conversion {
  const type = typeSql(to);
  if (typeSql(from) === type) return { sql: value, fits: undefined };
  const [source, target] = [readType(from), readType(to)];
  const isPlain =
    source !== undefined && target !== undefined && !source.array && !target.array && target.modifiers.length === 0;
  if (isPlain && wider[source.name]?.includes(target.name) === true)
    return { sql: `${value}::${type}`, fits: undefined };
  if (target?.name === 'text' && !target.array) return { sql: `${value}::text`, fits: undefined };
  return {
    sql: `${value}::text::${type}`,
    fits: `(${value} IS NULL OR pg_catalog.pg_input_is_valid(${value}::text, ${quoteLiteral(type)}))`,
  };
}

/** A type as SQL: one that is known in its own spelling, another as a quoted name. */
function typeSql(type: string): string {
  const known = readType(type)?.sql;
  if (known !== undefined) return known;
  const array = type.endsWith('[]') ? '[]' : '';
  return `${type
    .slice(0, type.length - array.length)
    .split('.')
    .map((part) => quoteIdentifier(part))
    .join('.')}${array}`;
}
