/** The names that PostgreSQL chooses for indexes, constraints and sequences that a statement does not name. Pure. */
import { longestName } from '../../shared/quote.ts';
import { allOf, fieldsOf, stringsOf, walk } from '../nodes.ts';
import type { Constraint } from '../nodes.ts';

/** The longest text of at most so many bytes that is a whole number of characters. */
function clip(text: string, bytes: number): string {
  const buffer = Buffer.from(text);
  if (buffer.length <= bytes) return text;
  let end = bytes;
  // A byte 10xxxxxx continues a character.
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return buffer.subarray(0, end).toString();
}

/**
 * `table_columns_label`, cut as PostgreSQL's makeObjectName does: the longer of the first two parts loses its end, a byte
 * at a time, until all fits.
 */
export function chosenName(table: string, columns: string, label: string): string {
  const most = longestName - label.length - 1 - (columns === '' ? 0 : 1);
  let [first, second] = [Buffer.byteLength(table), Buffer.byteLength(columns)];
  while (first + second > most) {
    if (first > second) first -= 1;
    else second -= 1;
  }
  return [clip(table, first), ...(columns === '' ? [] : [clip(columns, second)]), label].join('_');
}

/** What PostgreSQL calls an expression after: a column, a function, what is cast; undefined for any other. */
function expressionName(expression: unknown): string | undefined {
  const cast = fieldsOf(expression, 'TypeCast');
  if (cast !== undefined) return expressionName(cast.arg) ?? stringsOf(cast.typeName?.names).at(-1);
  if (fieldsOf(expression, 'CoalesceExpr') !== undefined) return 'coalesce';
  if (fieldsOf(expression, 'CaseExpr') !== undefined) return 'case';
  const extreme = fieldsOf(expression, 'MinMaxExpr')?.op;
  if (extreme !== undefined) return extreme === 'IS_LEAST' ? 'least' : 'greatest';
  const names = fieldsOf(expression, 'ColumnRef')?.fields ?? fieldsOf(expression, 'FuncCall')?.funcname;
  return stringsOf(names).at(-1);
}

/** The names of an index's columns, each once: a second `lower` is `lower1`. */
function columnNames(elements: unknown): string[] {
  const names: string[] = [];
  for (const { name, expr } of allOf(elements, 'IndexElem')) {
    const plain = name ?? expressionName(expr) ?? 'expr';
    let unique = plain;
    for (let number = 1; names.includes(unique); number += 1)
      unique = clip(plain, longestName - String(number).length) + String(number);
    names.push(unique);
  }
  return names;
}

/** The name of an index without one, on these elements and with those included, before a number makes it unique. */
export function chosenIndexName(table: string, elements: unknown, included: unknown): string {
  return chosenName(table, columnNames([...list(elements), ...list(included)]).join('_'), 'idx');
}

const list = (nodes: unknown): unknown[] => (Array.isArray(nodes) ? nodes : []);

/** The name of an exclusion constraint without one: of the table and its columns, functions and expressions. */
export function chosenExclusionName(table: string, { exclusions }: Constraint): string {
  const elements: unknown[] = [];
  walk(exclusions, (kind, each) => {
    if (kind !== 'IndexElem') return undefined;
    elements.push({ IndexElem: each });
    return false;
  });
  return chosenName(table, columnNames(elements).join('_'), 'excl');
}
