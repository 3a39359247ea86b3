import { allOf, type Fields, fieldsOf, literalOf, type Node, type OpenNode, stringsOf, walk } from '../../sql/nodes.ts';
import type { RoutineBody } from './bodies.ts';
import { placesIn } from './format-places.ts';
import type { ArgumentType, FunctionRow } from '../../rules/engine/live/catalog.ts';

/** Functions that make a text safe for SQL, or return something that is. */
const quoting = new Set(['quote_ident', 'quote_literal', 'quote_nullable', 'pg_typeof', 'length', 'hashtext', 'md5']);

/** Operators whose result contains the text of their operands. Others return a boolean or a number. */
const textOperators = new Set(['||', '->', '->>', '#>', '#>>']);

/** Types whose values cannot contain SQL. */
const textTypes = new Set([
  'text',
  'varchar',
  'character varying',
  'bpchar',
  'citext',
  'name',
  'json',
  'jsonb',
  'unknown',
]);

/**
 * Names of the arguments that become part of SQL that the function runs, without being quoted or compared with a list:
 * the caller decides what is run.
 */
export function injectableArguments(routine: FunctionRow, body: RoutineBody): string[] {
  if (body.executed.length === 0) return [];
  return routine.inputs.flatMap((input, index): string[] => {
    const name = routine.argumentNames[index] ?? '';
    if (!holdsText(input) || isCompared(name, index, body.trees)) return [];
    const tainted = spread(new Set([name, `$${index + 1}`]), body);
    return body.executed.some((expression) => carries(expression, tainted))
      ? [name === '' ? `$${index + 1}` : name]
      : [];
  });
}

/** Names of the arguments by which the caller chooses a table or a column of the SQL that the function runs: `format('%I', name)`. */
export function namingArguments(routine: FunctionRow, body: RoutineBody): string[] {
  if (body.executed.length === 0) return [];
  return routine.inputs.flatMap((input, index): string[] => {
    const name = routine.argumentNames[index] ?? '';
    if (!holdsText(input) || isCompared(name, index, body.trees)) return [];
    const given = spread(new Set([name, `$${index + 1}`]), body);
    return body.executed.some((expression) => names(expression, given)) ? [name === '' ? `$${index + 1}` : name] : [];
  });
}

/** It quotes one of the names as an identifier. */
function names(expression: unknown, given: ReadonlySet<string>): boolean {
  let found = false;
  walk(expression, (type, fields) => {
    if (type !== 'FuncCall') return;
    const args = fields.args ?? [];
    const called = stringsOf(fields.funcname).at(-1) ?? '';
    if (called === 'quote_ident') found ||= carries(args, given);
    if (called === 'format')
      found ||= placesIn(literalOf(args[0]) ?? '').some(
        ({ kind, index }) => kind === 'I' && carries(args[index], given),
      );
  });
  return found;
}

function holdsText({ category, base, element }: ArgumentType): boolean {
  if (category === 'A') return textTypes.has(element ?? '');
  return category === 'U' ? textTypes.has(base) : ['S', 'C', 'P'].includes(category);
}

/** The names, and all variables that are assigned a text made from them. */
export function spread(names: Set<string>, body: RoutineBody): ReadonlySet<string> {
  for (let before = 0; before !== names.size;) {
    before = names.size;
    for (const { variables, value } of body.assigned)
      if (carries(value, names)) variables.forEach((variable) => names.add(variable));
  }
  return names;
}

/** Returns whether an expression's value contains the unmodified text of one of the names. */
export function carries(value: unknown, names: ReadonlySet<string>): boolean {
  if (Array.isArray(value)) return value.some((item) => carries(item, names));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => carriesNode([key, inner] as OpenNode, names));
}

function carriesNode([type, node]: OpenNode, names: ReadonlySet<string>): boolean {
  if (typeof node !== 'object') return false;
  if (type === 'ColumnRef') return stringsOf(node.fields).some((part) => names.has(part));
  if (type === 'ParamRef') return names.has(`$${node.number ?? 0}`);
  if (type === 'A_Expr')
    return (
      textOperators.has(stringsOf(node.name).at(-1) ?? '') && (carries(node.lexpr, names) || carries(node.rexpr, names))
    );
  if (type === 'BoolExpr' || type === 'NullTest' || type === 'BooleanTest') return false;
  if (type === 'CaseWhen') return carries(node.result, names);
  if (type === 'CaseExpr') return carries(node.args, names) || carries(node.defresult, names);
  if (type === 'TypeCast')
    return textTypes.has(stringsOf(node.typeName?.names).at(-1) ?? '') && carries(node.arg, names);
  return type === 'FuncCall' ? carriesCall(node, names) : carries(node, names);
}

function carriesCall(call: Fields<'FuncCall'>, names: ReadonlySet<string>): boolean {
  const name = stringsOf(call.funcname).at(-1) ?? '';
  const args = call.args ?? [];
  if (quoting.has(name)) return false;
  const format = name === 'format' ? literalOf(args[0]) : undefined;
  if (format === undefined) return carries(args, names);
  return placesIn(format).some(({ kind, index }) => kind === 's' && carries(args[index], names));
}

const patternOperators = new Set(['~', '!~', '~*', '!~*']);

/** The argument is compared with a list of constants, a pattern, or the names in the catalog. */
function isCompared(name: string, index: number, trees: readonly Node[]): boolean {
  const isArgument = (node: unknown): boolean => carries(node, new Set([name, `$${index + 1}`]));
  let found = false;
  walk(trees, (type, fields) => {
    if (type === 'SelectStmt' && readsNames(fields)) found ||= carriesAnywhere(fields.whereClause, isArgument);
    if (type !== 'A_Expr' || !isArgument(fields.lexpr)) return;
    const { kind } = fields;
    const listed = fieldsOf(fields.rexpr, 'List')?.items ?? fieldsOf(fields.rexpr, 'A_ArrayExpr')?.elements;
    if (kind === 'AEXPR_IN' || kind === 'AEXPR_OP_ANY' || kind === 'AEXPR_OP_ALL')
      found ||= listed?.every((item) => literalOf(item) !== undefined) === true;
    else found ||= patternOperators.has(stringsOf(fields.name).at(-1) ?? '') && literalOf(fields.rexpr) !== undefined;
  });
  return found;
}

/** A query of the catalog, or of the information schema. */
function readsNames(select: Fields<'SelectStmt'>): boolean {
  const from = allOf(select.fromClause, 'RangeVar');
  return (
    from.length > 0 &&
    from.every(
      ({ schemaname, relname }) =>
        schemaname === 'information_schema' || schemaname === 'pg_catalog' || relname.startsWith('pg_'),
    )
  );
}

function carriesAnywhere(node: unknown, test: (node: unknown) => boolean): boolean {
  let found = false;
  walk(node, (type, fields) => {
    found ||= (type === 'ColumnRef' || type === 'ParamRef') && test({ [type]: fields });
  });
  return found;
}
