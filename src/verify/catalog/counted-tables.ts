/** Tables in which SQL only adds to numbers: `balance = balance + amount`. */
import { allOf, fieldsOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import { constantOf } from '../../rules/engine/live/expression.ts';
import type { Candidate } from './argument-keys.ts';
import type { RoutineBody } from './bodies.ts';
import { valuesOf } from './written-values.ts';

/**
 * The names of tables, without their schemas, whose rows the statements change in no other way, and none of which they delete, with the
 * columns to which they add.
 */
export function countedTables(trees: readonly Node[]): Map<string, Set<string>> {
  const counted = new Map<string, Set<string>>();
  const others = new Set<string>();
  walk(trees, (type, fields) => {
    if (type === 'DeleteStmt') others.add(fields.relation.relname);
    if (type !== 'UpdateStmt') return;
    const values = valuesOf(type, fields);
    const name = fields.relation.relname;
    if (!values.every(([column, value]) => isSum(value, column))) others.add(name);
    else counted.set(name, new Set([...(counted.get(name) ?? []), ...values.map(([column]) => column)]));
  });
  for (const name of others) counted.delete(name);
  return counted;
}

/**
 * Calls with less than nothing for what is added to numbers: where that is not refused, who pays takes.
 * @param names the names of the arguments, or their numbers
 * @param calls lists of arguments as they are otherwise
 * @param bodies what the function runs
 */
export function negativeCalls(
  { inputs }: FunctionRow,
  names: readonly string[],
  calls: readonly (readonly Candidate[])[],
  bodies: readonly RoutineBody[],
): Candidate[][] {
  const added = addedNames(bodies);
  const amounts = inputs.flatMap(({ base }, at) =>
    added.has(names[at]!) && /^(smallint|integer|bigint|numeric|real|double precision)/.test(base) ? [at] : [],
  );
  return amounts.flatMap((at) =>
    calls.map((values) =>
      values.map((value, index): Candidate => (index === at ? { sql: `(-1)::${inputs[at]!.type}` } : value)),
    ),
  );
}

/** Says whether it adds what is neither a constant nor a column of the row. */
export function addsVariables(bodies: readonly RoutineBody[]): boolean {
  return addedNames(bodies).size > 0;
}

/** Names that are added to a column or taken away from it, and those of which variables among them are made. */
function addedNames(bodies: readonly RoutineBody[]): Set<string> {
  const found = new Set<string>();
  const note = (value: unknown, but?: string): void =>
    walk(value as Node, (kind, node) => {
      if (kind === 'ParamRef') found.add(`$${String(node.number)}`);
      const name = kind === 'ColumnRef' ? stringsOf(node.fields).at(-1) : undefined;
      if (name !== undefined && name !== but) found.add(name);
    });
  for (const { trees } of bodies)
    walk(trees, (type, fields) => {
      for (const [column, value] of type === 'UpdateStmt' ? valuesOf(type, fields) : [])
        if (isSum(value, column)) note(value, column);
    });
  const assigned = bodies.flatMap((body) => body.assigned);
  for (const name of found) for (const { variables, value } of assigned) if (variables.includes(name)) note(value);
  return found;
}

/** It is the column, with something added to it or taken away. */
function isSum(node: unknown, column: string): boolean {
  const sum = fieldsOf(node, 'A_Expr');
  if (sum === undefined || !/^[+-]$/.test(stringsOf(sum.name).at(-1) ?? '')) return false;
  return isColumn(sum.lexpr, column) || isColumn(sum.rexpr, column) || isSum(sum.lexpr, column);
}

function isColumn(node: unknown, column: string): boolean {
  const coalesce = fieldsOf(node, 'CoalesceExpr');
  return coalesce === undefined
    ? stringsOf(fieldsOf(node, 'ColumnRef')?.fields).at(-1) === column
    : isColumn(coalesce.args?.[0], column);
}

/**
 * It is how many rows there are, or what they have on average: the column one up or down, or a query for `count` or `avg`.
 * @param column the column that the value is for
 */
export function isTally(node: unknown, column: string): boolean {
  const cast = fieldsOf(node, 'TypeCast');
  if (cast !== undefined) return isTally(cast.arg, column);
  const several = fieldsOf(node, 'MultiAssignRef');
  if (several !== undefined) return isTally(several.source, column);
  const choice = fieldsOf(node, 'MinMaxExpr') ?? fieldsOf(node, 'CoalesceExpr');
  if (choice !== undefined)
    return (choice.args ?? []).every((one) => constantOf(one) !== undefined || isTally(one, column));
  const sum = fieldsOf(node, 'A_Expr');
  if (sum !== undefined)
    return /^[+-]$/.test(stringsOf(sum.name).at(-1) ?? '') && isColumn(sum.lexpr, column) && isNumber(sum.rexpr);
  const call = fieldsOf(node, 'FuncCall');
  if (call !== undefined) {
    const name = stringsOf(call.funcname).at(-1) ?? '';
    if (name === 'count' || name === 'avg') return true;
    return name === 'round' && isTally(call.args?.[0], column);
  }
  const query = fieldsOf(fieldsOf(node, 'SubLink')?.subselect, 'SelectStmt');
  const targets = allOf(query?.targetList, 'ResTarget');
  return targets.length > 0 && targets.every(({ val }) => isTally(val, column));
}

/** A number, or one of several. */
function isNumber(node: unknown): boolean {
  const choice = fieldsOf(node, 'CaseExpr');
  return choice === undefined
    ? /^-?\d+$/.test(constantOf(node) ?? '')
    : [...allOf(choice.args, 'CaseWhen').map(({ result }) => result), choice.defresult].every(isNumber);
}
