/** What an argument must be to be equal to what a function computes from A's row: `status = p_status`, `extract(year from at) = y`. */
import { fieldsOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { columnOf } from '../../rules/engine/live/expression.ts';
import type { Subject } from '../probes/subject.ts';
import { computedFrom, type IsPure, isPureExpression } from './changed-keys.ts';
import type { Model } from './model.ts';

/** Operators whose sides are alike where they hold; for lists, where they have an element in common or all of them. */
const alike = new Set(['=', '&&', '@>', '<@']);

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
): readonly string[] {
  const isKnown = (expression: string): boolean => isPureExpression(parse(expression), isPure);
  const found = new Set<string>();
  walk(trees, (type, fields) => {
    if (type !== 'A_Expr' || !alike.has(stringsOf(fields.name).at(-1) ?? '')) return;
    const isList = fields.kind === 'AEXPR_OP_ANY' || fields.kind === 'AEXPR_OP_ALL';
    for (const [side, other] of [
      [fields.lexpr, fields.rexpr],
      [fields.rexpr, fields.lexpr],
    ]) {
      if (!isArgument(side, name)) continue;
      for (const sql of ofRows(other, named, isPure, isKnown)) {
        // Of a list with which the argument itself is compared, an element.
        found.add(isList && side === fields.lexpr ? `(${sql})[1]` : isList ? `array[${sql}]` : sql);
      }
    }
  });
  return [...found];
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

/** The expression with the values of A's row in one of the tables, for each that has all its columns. */
function ofRows(
  node: unknown,
  named: readonly Subject[],
  isPure: IsPure,
  isKnown: (expression: string) => boolean,
): string[] {
  const pieces = computedFrom(node, isPure);
  if (pieces === undefined) return [];
  return named.flatMap((subject) => {
    const values = pieces.map((piece) =>
      typeof piece === 'string' ? piece : valueOf([...piece.columns][0]!, subject, isKnown),
    );
    return values.includes(undefined) ? [] : [values.join('')];
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
