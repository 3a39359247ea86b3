/** What an argument must be to be equal to what a function computes from A's row: `status = p_status`, `extract(year from at) = y`. */
import { fieldsOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { columnOf, constantOf } from '../../rules/engine/live/expression.ts';
import type { Subject } from '../probes/subject.ts';
import { computedFrom, type IsPure, isPureExpression } from './changed-keys.ts';
import type { Model } from './model.ts';

/** Operators whose sides are alike where they hold; for lists, where they have an element in common or all of them. */
const alike = new Set(['=', '&&', '@>', '<@']);

/** A value that an argument is asked for. */
export interface AskedValue {
  sql: string;
  /** It is put together from the rows of several tables, or is a list of such values. */
  isOfSeveral: boolean;
}

/**
 * The values, as SQL.
 * @param name the argument, as bodies name it: `p_status`, `$1`
 * @param trees the bodies of the function and of what it calls
 * @param named the tables that it names
 */
export function askedValues(
  name: string,
  trees: readonly Node[],
  named: readonly Subject[],
  { parse, sources: { isPure } }: Pick<Model, 'parse' | 'sources'>,
): readonly AskedValue[] {
  const isKnown = (expression: string): boolean => isPureExpression(parse(expression), isPure);
  const tables = tablesByName(trees);
  const several = new Set<string>();
  const valuesOf = (node: unknown): string[] => ofRows(node, named, tables, isPure, isKnown, several);
  const found = new Set<string>();
  const elements = new Map<number, string>();
  walk(trees, (type, fields) => {
    if (type !== 'A_Expr' || !alike.has(stringsOf(fields.name).at(-1) ?? '')) return;
    const isList = fields.kind === 'AEXPR_OP_ANY' || fields.kind === 'AEXPR_OP_ALL';
    for (const [side, other] of [
      [fields.lexpr, fields.rexpr],
      [fields.rexpr, fields.lexpr],
    ]) {
      const number = elementOf(side, name);
      const [element] = number === undefined ? [] : valuesOf(other);
      if (number !== undefined && element !== undefined) elements.set(number, elements.get(number) ?? element);
      // What is made of both sides alike, such as their digits, is equal where they are.
      const inner = madeAlike(side, other);
      if (isArgument(inner?.[0], name)) for (const sql of valuesOf(inner?.[1])) found.add(sql);
      if (!isArgument(side, name)) continue;
      for (const sql of valuesOf(other)) {
        // Of a list with which the argument itself is compared, an element.
        found.add(isList && side === fields.lexpr ? `(${sql})[1]` : isList ? `array[${sql}]` : sql);
      }
    }
  });
  const list = Array.from({ length: elements.size }, (_, index) => elements.get(index + 1));
  const whole = `array[${list.join(', ')}]`;
  if (list.length > 1) several.add(whole);
  if (list.length > 0 && !list.includes(undefined)) found.add(whole);
  return [...found].map((sql) => ({ sql, isOfSeveral: several.has(sql) }));
}

/** The tables that names in the queries of a body stand for. */
function tablesByName(trees: readonly Node[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  walk(trees, (type, range) => {
    if (type === 'RangeVar') found.set(range.alias?.aliasname ?? range.relname, range.relname);
  });
  return found;
}

/** Which element of the argument it is. */
function elementOf(node: unknown, name: string): number | undefined {
  const { arg, indirection = [] } = fieldsOf(node, 'A_Indirection') ?? {};
  const index = constantOf(fieldsOf(indirection[0], 'A_Indices')?.uidx);
  return index !== undefined && /^\d$/.test(index) && isArgument(arg, name) ? Number(index) : undefined;
}

/** What the same function is called with on both sides first. */
function madeAlike(side: unknown, other: unknown): [unknown, unknown] | undefined {
  const [one, two] = [fieldsOf(side, 'FuncCall'), fieldsOf(other, 'FuncCall')];
  const name = stringsOf(one?.funcname).at(-1);
  return name !== undefined && name === stringsOf(two?.funcname).at(-1) ? [one?.args?.[0], two?.args?.[0]] : undefined;
}

/** It is the argument, whatever its letters or its type. */
function isArgument(node: unknown, name: string): boolean {
  const cast = fieldsOf(node, 'TypeCast');
  if (cast !== undefined) return isArgument(cast.arg, name);
  const call = fieldsOf(node, 'FuncCall');
  const called = stringsOf(call?.funcname).at(-1) ?? '';
  if (/^(lower|upper|trim|btrim|nullif|coalesce)$/.test(called)) return isArgument(call?.args?.[0], name);
  const parameter = fieldsOf(node, 'ParamRef');
  if (parameter !== undefined) return `$${parameter.number ?? 0}` === name;
  return columnOf(node)?.name === name;
}

/**
 * The expression with the values of A's row in one of the tables, for each that has all its columns; or, where it is made of columns
 * of several, with those of A's row in each.
 */
function ofRows(
  node: unknown,
  named: readonly Subject[],
  tables: ReadonlyMap<string, string>,
  isPure: IsPure,
  isKnown: (expression: string) => boolean,
  several: Set<string>,
): string[] {
  const pieces = computedFrom(node, isPure);
  if (pieces === undefined) return [];
  const placed = new Map(
    pieces.flatMap((piece): [string, Subject][] => {
      const qualifier = typeof piece === 'string' ? undefined : piece.qualifier;
      const subject = named.find(({ table }) => qualifier !== undefined && table.name === tables.get(qualifier));
      return qualifier === undefined || subject === undefined ? [] : [[qualifier, subject]];
    }),
  );
  const among = placed.size > 0 ? [undefined] : named;
  return among.flatMap((subject) => {
    const values = pieces.map((piece) => {
      if (typeof piece === 'string') return piece;
      const holder = placed.get(piece.qualifier ?? '') ?? subject;
      return holder === undefined ? undefined : valueOf([...piece.columns][0]!, holder, isKnown);
    });
    const sql = values.join('');
    if (placed.size > 1) several.add(sql);
    return values.includes(undefined) ? [] : [sql];
  });
}

/** The value of A's row, or the default that it has, unless that is another one each time. */
function valueOf(name: string, { table, rows }: Subject, isKnown: (expression: string) => boolean): string | undefined {
  const column = table.columns.find((one) => one.name === name);
  if (column === undefined || column.generated || column.identity !== '') return undefined;
  const ofDefault = column.default !== null && isKnown(column.default) ? column.default : undefined;
  const value = rows.a.values.get(name) ?? ofDefault;
  return value === undefined || value === 'NULL' ? undefined : `(${value})::${column.type}`;
}
