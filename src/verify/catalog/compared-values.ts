/** Constants in policies and functions that may be values of columns. */
import { type Node, stringsOf, walk } from '../../sql/nodes.ts';
import type { ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, type ParseExpression } from '../../rules/engine/live/expression.ts';

/** The texts that a column may hold, if they are a list: those of an enum, or those that a CHECK of the column alone names. */
export function allowedTexts(table: RelationRow, column: ColumnRow | undefined, parse: ParseExpression): string[] {
  if (column === undefined) return [];
  if (column.labels !== null) return column.labels;
  const found: string[] = [];
  for (const { type, columns, expression } of table.constraints) {
    if (type !== 'c' || columns.join() !== column.name) continue;
    walk(parse(expression ?? '') as Node | undefined, (...[kind, fields]) => {
      if (kind === 'A_Const' && fields.sval !== undefined) found.push(constantOf({ A_Const: fields }) ?? '');
    });
  }
  return found;
}

/** Operators that compare. */
export const comparing: ReadonlySet<string> = new Set([
  '=',
  '<>',
  '<',
  '>',
  '<=',
  '>=',
  '~~',
  '~~*',
  '?',
  '?|',
  '?&',
  '@>',
  '<@',
  '&&',
]);

/** What a trigger knows of why it runs: a constant beside it is no value of a column. */
const ofTriggers = /^tg_(?:op|when|level|name|relname|table_name|table_schema)$/;

/**
 * Returns the constants below that a column may be compared with. A key of JSON, a format or a length is none; what the muse's own
 * functions are given may be one, and so may the elements of a list, whatever takes it.
 */
export function possibleValues(node: unknown, routines: ReadonlySet<string>): string[] {
  const found: string[] = [];
  walk(node, (...[type, fields]) => {
    if (type === 'A_Const') found.push(...elementsOf(constantOf({ A_Const: fields })));
    if (type === 'A_Expr')
      return (
        comparing.has(stringsOf(fields.name).at(-1) ?? '') &&
        ![fields.lexpr, fields.rexpr].some((side) => ofTriggers.test(columnOf(side)?.name ?? ''))
      );
    if (type !== 'FuncCall' || routines.has(stringsOf(fields.funcname).at(-1) ?? '')) return undefined;
    for (const argument of fields.args ?? []) {
      const text = constantOf(argument);
      if (text === undefined) found.push(...possibleValues(argument, routines));
      else if (listOf(text) !== undefined) found.push(...elementsOf(text));
    }
    return false;
  });
  return found;
}

/** Returns every constant below, as text; the elements of an array literal one by one. */
export function constantsIn(node: unknown): string[] {
  const found: string[] = [];
  walk(node, (...[type, fields]) => {
    if (type === 'A_Const') found.push(...elementsOf(constantOf({ A_Const: fields })));
  });
  return found;
}

/** The text of an array literal without its braces; undefined for another text. */
function listOf(text: string): string | undefined {
  return /^\{(.*)\}$/.exec(text)?.[1];
}

function elementsOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  const list = listOf(text);
  return list === undefined ? [text] : list.split(',').map((one) => one.replaceAll('"', ''));
}
