/** Values of JSON columns that have what something reads of them. */
import { fieldsOf, literalOf, stringsOf } from '../../sql/nodes.ts';

/** A place in a JSON column that something reads. */
export interface JsonPlace {
  column: string;
  /** Keys, outermost first. */
  path: string[];
  /** What it is compared with; none where it is only read. Texts are as `->>` gives them. */
  values: unknown[];
}

const rowsAsJson = new Set(['to_json', 'to_jsonb', 'row_to_json']);
const byPath = /^jsonb?_extract_path(?:_text)?$/;

/**
 * The place that a node reads: `p.settings -> 'a' ->> 'b'`, `p.settings #>> '{a,b}'`, `to_jsonb(p) ->> 'role'`, through casts and
 * functions of one argument; undefined for anything else.
 * @param columnIn the column that a node is
 * @param isRow whether a node is a whole row, whose keys are columns
 */
export function jsonPlaceOf(
  node: unknown,
  columnIn: (node: unknown) => string | undefined,
  isRow: (node: unknown) => boolean,
): JsonPlace | undefined {
  const path = pathBelow(node, columnIn, isRow);
  const [column, ...keys] = path ?? [];
  return column === undefined ? undefined : { column, path: keys, values: [] };
}

/** The column, then the keys. Of a row, which is no column, an empty list. */
function pathBelow(
  node: unknown,
  columnIn: (node: unknown) => string | undefined,
  isRow: (node: unknown) => boolean,
): string[] | undefined {
  const below = (inner: unknown): string[] | undefined => pathBelow(inner, columnIn, isRow);
  const column = columnIn(node);
  if (column !== undefined) return [column];
  const cast = fieldsOf(node, 'TypeCast');
  if (cast !== undefined) return below(cast.arg);
  const coalesce = fieldsOf(node, 'CoalesceExpr');
  if (coalesce !== undefined) return below(coalesce.args?.[0]);
  const call = fieldsOf(node, 'FuncCall');
  if (call !== undefined) {
    const name = stringsOf(call.funcname).at(-1) ?? '';
    const [first, ...others] = call.args ?? [];
    if (rowsAsJson.has(name) && isRow(first)) return [];
    if (byPath.test(name)) return extended(below(first), others.map(literalOf));
    return others.length === 0 ? below(first) : undefined;
  }
  const subscript = fieldsOf(node, 'A_Indirection');
  if (subscript !== undefined) {
    const keys = (subscript.indirection ?? []).map((one) => literalOf(fieldsOf(one, 'A_Indices')?.uidx));
    return extended(below(subscript.arg), keys);
  }
  const expression = fieldsOf(node, 'A_Expr');
  const key = literalOf(expression?.rexpr);
  if (expression === undefined || key === undefined) return undefined;
  const operator = stringsOf(expression.name).at(-1) ?? '';
  if (operator === '->' || operator === '->>' || operator === '?') return extended(below(expression.lexpr), [key]);
  if (operator === '#>' || operator === '#>>')
    return extended(below(expression.lexpr), key.replace(/^\{|\}$/g, '').split(','));
  return undefined;
}

function extended(path: string[] | undefined, keys: readonly (string | undefined)[]): string[] | undefined {
  return path === undefined || keys.includes(undefined) ? undefined : [...path, ...(keys as string[])];
}

/** Values of JSON that a text may be compared with: a text, as `->>` gives it, or what the text says as JSON; of a number, those beside it. */
export function jsonOf(text: string): unknown[] {
  if (/^-?(?:0|[1-9]\d{0,14})$/.test(text)) return [0, 1, -1].map((more) => Number(text) + more);
  return [/^(?:true|false|".*")$/s.test(text) ? (parsed(text) ?? text) : text];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The object or list that a text holds as JSON; undefined for any other text. */
export function documentIn(text: string | undefined): object | undefined {
  const value = parsed(text ?? '');
  return typeof value === 'object' && value !== null ? value : undefined;
}

/** How many constants nearby are tried at a place. */
const mostNearby = 3;

/**
 * Documents as text: one with the first value at every place, then each value at its place alone.
 * @param near constants nearby, which a place may be compared with where nothing else is known
 */
export function documentsOf(places: readonly JsonPlace[], near: readonly string[]): string[] {
  const known = places.map(({ path, values }) => ({
    path,
    values: values.length > 0 ? values : [true, ...near.slice(0, mostNearby).flatMap(jsonOf)],
  }));
  const whole = known.reduce<unknown>((document, { path, values }) => withValue(document, path, values[0]), undefined);
  const alone = known.flatMap(({ path, values }) => values.map((value) => withValue(undefined, path, value)));
  return [...new Set([whole, ...alone].filter((one) => one !== undefined).map((one) => JSON.stringify(one)))];
}

/** A document with a value at a place, unless there is something already. */
function withValue(document: unknown, [key, ...path]: readonly string[], value: unknown): unknown {
  if (key === undefined) return document ?? value;
  if (document !== undefined && (typeof document !== 'object' || document === null || Array.isArray(document)))
    return document;
  const below = new Map(Object.entries(document ?? {}));
  below.set(key, withValue(below.get(key), path, value));
  return Object.fromEntries(below);
}
