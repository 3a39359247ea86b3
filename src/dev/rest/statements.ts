import type { Format, ExplainOptions } from './media.ts';
import type { Statement } from '../../database/database.ts';
import { Values } from './identifiers.ts';
import type { Level } from './plan.ts';
import { countSql, readSql, sourceName } from './read-sql.ts';
import { insertedSql, writeSql, type Write } from './write-sql.ts';
import { callSql, returnsScalars, scalarName, type Call } from './call-sql.ts';

/** The one row that every statement of the Data API gives. */
export interface Outcome {
  /** All rows without the range; null where they were not counted. */
  total: string | null;
  rows: string;
  body: string;
  /** `column=eq.value` of the inserted row's key; null where it was not asked for. */
  location: string[] | null;
  /** How many rows an upsert inserted. */
  inserted: number | null;
  /** What functions and triggers set as `response.headers` and `response.status`. */
  headers: string | null;
  status: string | null;
}

const resultName = 'pgrst_result';

export interface OutcomeOptions {
  format: Format;
  /** Count all rows, up to a limit where there is one. */
  count: boolean | { upTo: number };
}

const settings = `nullif(current_setting('response.headers', true), '') AS headers,
  nullif(current_setting('response.status', true), '') AS status`;

/** What a request reads from a table or view. */
export function readStatement(level: Level, { format, count }: OutcomeOptions): Statement {
  const values = new Values();
  const rows = readSql(level, values);
  const total = totalSql(level, count, values);
  return finish([], rows, values, {
    total,
    count: countOf(format),
    body: bodyOf(format),
    location: 'NULL',
    inserted: 'NULL',
  });
}

export interface WriteOptions {
  format: Format;
  /** The Location of a single inserted row, by these columns. */
  locationBy: readonly string[] | undefined;
  /** Count the inserted rows of an upsert. */
  countInserted: boolean;
}

/** A write, and what is read from the rows that it wrote. */
export function writeStatement(write: Write, level: Level, options: WriteOptions): Statement {
  const { format, locationBy, countInserted } = options;
  const values = new Values();
  const source = `${sourceName} AS (${writeSql(write, values)})`;
  const rows = format === 'none' ? `SELECT * FROM ${sourceName}` : readSql(level, values);
  return finish([source], rows, values, {
    total: 'NULL::bigint',
    count: 'count(*)',
    body: bodyOf(format),
    location: locationBy === undefined ? 'NULL' : locationSql(locationBy, values),
    inserted: countInserted ? insertedSql : 'NULL',
  });
}

/** A call of a function, and what is read from its result. */
export function callStatement(call: Call, level: Level, { format, count }: OutcomeOptions): Statement {
  const values = new Values();
  const source = `${sourceName} AS (${callSql(call, values)})`;
  const total = totalSql(level, count, values);
  const rows = readSql(level, values);
  const { set } = call.routine.returns;
  const shape = { scalar: returnsScalars(call.routine), single: !set };
  return finish([source], rows, values, {
    total,
    // One that returns no set has a result, even if a filter leaves it out.
    count: set ? countOf(format) : `greatest(${countOf(format)}, 1)`,
    body: bodyOf(format, shape),
    location: 'NULL',
    inserted: 'NULL',
  });
}

/** The planner's estimate of all rows; see {@link plannedRows}. */
export function estimateStatement(level: Level): Statement {
  const values = new Values();
  return { sql: `EXPLAIN (FORMAT JSON) ${countSql(level, values)}`, values: values.list };
}

/** The rows that EXPLAIN expects. */
export function plannedRows(explained: unknown): number | undefined {
  const rows = (explained as { Plan?: { 'Plan Rows'?: unknown } }[] | undefined)?.[0]?.Plan?.['Plan Rows'];
  return typeof rows === 'number' ? rows : undefined;
}

/** The statement's plan instead of its result. */
export function explainStatement({ sql, values }: Statement, { format, options }: ExplainOptions): Statement {
  return { sql: `EXPLAIN (${[`FORMAT ${format}`, ...options].join(', ')}) ${sql}`, values };
}

interface OutcomeColumns {
  total: string;
  count: string;
  body: string;
  location: string;
  inserted: string;
}

function finish(sources: readonly string[], rows: string, values: Values, columns: OutcomeColumns): Statement {
  const sql = `WITH ${[...sources, `${resultName} AS (${rows})`].join(', ')}
SELECT ${columns.total} AS total, ${columns.count} AS rows, ${columns.body} AS body,
  ${columns.location} AS location, ${columns.inserted} AS inserted, ${settings}
FROM ${resultName}`;
  return { sql, values: values.list };
}

function totalSql(level: Level, count: OutcomeOptions['count'], values: Values): string {
  if (count === false) return 'NULL::bigint';
  const limit = count === true ? '' : ` LIMIT ${values.bind(String(count.upTo))}::bigint`;
  return `(SELECT count(*) FROM (${countSql(level, values)}${limit}) AS counted)`;
}

/** Without a body, the count computes the rows: HEAD fails where GET does, and calls what GET calls. */
function countOf(format: Format): string {
  return format === 'none' ? `count(${resultName})` : 'count(*)';
}

/** How the rows become the body, as text. */
function bodyOf(
  format: Format,
  shape: { scalar: boolean; single: boolean } = { scalar: false, single: false },
): string {
  const item = shape.scalar ? `${resultName}.${scalarName}` : resultName;
  switch (format) {
    case 'none':
      return `''`;
    case 'csv':
      return csvSql;
    case 'geojson':
      return `json_build_object('type', 'FeatureCollection',
    'features', coalesce(json_agg(ST_AsGeoJSON(${resultName})::json), '[]'))::text`;
    default: {
      const stripped = format === 'stripped-json' || format === 'stripped-object';
      const aggregate = stripped ? `json_strip_nulls(json_agg(${item}))` : `json_agg(${item})`;
      const single = format === 'object' || format === 'stripped-object' || shape.single;
      return single ? `coalesce((${aggregate} -> 0)::text, 'null')` : `coalesce(${aggregate}::text, '[]')`;
    }
  }
}

/** A header, and the rows as PostgreSQL prints them. */
const csvSql = `coalesce((SELECT string_agg(name, ',') FROM json_object_keys(
    (SELECT row_to_json(first) FROM ${resultName} AS first LIMIT 1)) AS name), '')
  || E'\\n' || coalesce(string_agg(substring(${resultName}::text, 2, length(${resultName}::text) - 2), E'\\n'), '')`;

function locationSql(columns: readonly string[], values: Values): string {
  return `CASE WHEN count(*) = 1 THEN (
    SELECT array_agg(pair.key || '=' || coalesce('eq.' || pair.value, 'is.null'))
    FROM json_each_text((SELECT row_to_json(first) FROM ${sourceName} AS first LIMIT 1)) AS pair
    WHERE pair.key = ANY (${values.bind(columns)}::text[])) END`;
}
