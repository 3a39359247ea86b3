/** The values that policies and functions compare the columns of a table with. */
import { type Node, stringsOf, walk } from '../../sql/nodes.ts';
import type { Catalog, ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
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

/** The parse trees of the policies of a table, of a view or of a function body. */
interface Scope {
  trees: readonly Node[];
  /** The same of what calls that function: its arguments are what it compares with. */
  callers: readonly Node[];
}

/**
 * By the column of a table that something mentions: the constants that it is compared with, then all others nearby, since a variable
 * may carry the value.
 */
export function comparisonsOf(table: RelationRow, scopes: readonly Scope[], catalog: Catalog): Map<string, string[]> {
  const own = new Set(table.columns.map(({ name }) => name));
  const routines = new Set(catalog.functions.map(({ name }) => name));
  const direct = new Map<string, Set<string>>();
  const beside = new Map<string, Set<string>>();
  const known = aliasesOf(table, scopes);
  const note = (node: unknown): string | undefined => {
    const { name, qualifier } = columnOf(node) ?? {};
    if (name === undefined || !own.has(name) || (qualifier !== undefined && !known.has(qualifier))) return undefined;
    if (!direct.has(name)) direct.set(name, new Set());
    return name;
  };
  for (const { trees, callers } of scopes) {
    const mentioned = new Set<string>();
    walk(trees, (...[type, fields]) => {
      const column = type === 'ColumnRef' ? note({ ColumnRef: fields }) : undefined;
      if (column !== undefined) mentioned.add(column);
      if (type !== 'A_Expr') return;
      for (const [column, other] of [
        [fields.lexpr, fields.rexpr],
        [fields.rexpr, fields.lexpr],
      ]) {
        const name = note(column);
        if (name !== undefined) for (const text of constantsIn(other)) direct.get(name)!.add(text);
      }
    });
    if (mentioned.size === 0) continue;
    const values = [trees, callers].flatMap((tree) => possibleValues(tree, routines));
    for (const name of mentioned) beside.set(name, new Set([...(beside.get(name) ?? []), ...values]));
  }
  return new Map([...direct].map(([name, texts]) => [name, [...new Set([...texts, ...(beside.get(name) ?? [])])]]));
}

/** The names and aliases that a table has in the queries that read it. */
function aliasesOf(table: RelationRow, scopes: readonly Scope[]): ReadonlySet<string> {
  const found = new Set([table.name]);
  for (const { trees } of scopes) {
    walk(trees, (...[type, fields]) => {
      if (type === 'RangeVar' && fields.relname === table.name && fields.alias?.aliasname !== undefined)
        found.add(fields.alias.aliasname);
    });
  }
  return found;
}

const comparing = new Set(['=', '<>', '<', '>', '<=', '>=', '~~', '~~*', '?', '?|', '?&', '@>', '<@', '&&']);

/** What a trigger knows of why it runs: a constant beside it is no value of a column. */
const ofTriggers = /^tg_(?:op|when|level|name|relname|table_name|table_schema)$/;

/**
 * The constants below that a column may be compared with. A key of JSON, a format or a length is none; what the muse's own
 * functions are given may be one, and so may the elements of a list, whatever takes it.
 */
function possibleValues(node: unknown, routines: ReadonlySet<string>): string[] {
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

/** Every constant below, as text; the elements of an array literal one by one. */
function constantsIn(node: unknown): string[] {
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
