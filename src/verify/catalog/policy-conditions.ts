import { quoteLiteral } from '../../shared/quote.ts';
import { candidatesFor, hintsOf } from '../fixtures/candidates.ts';
import type { ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Draft } from '../fixtures/draft.ts';
import { columnOf, constantOf, fields, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';

/**
 * Columns whose own value lets a row through its policies, or not, whoever asks: a flag, a status, a date of deletion; by what
 * the policies compare, and by what such columns are called, for a policy that should look at one and does not. Given is, by
 * column, what it is compared with; undefined for a flag or a test for NULL.
 */
export function conditionsOf(table: RelationRow, model: Model): Map<string, string | undefined> {
  const own = new Map(table.columns.map((column) => [column.name, column]));
  const found = new Map<string, string | undefined>();
  const note = (node: unknown, constant?: string): void => {
    const name = fields(node, 'ColumnRef') === undefined ? undefined : columnOf(node)?.name;
    const column = name === undefined ? undefined : own.get(name);
    if (column !== undefined && model.meaningOf(table, column) === undefined && (constant !== undefined || !found.has(column.name))) found.set(column.name, constant);
  };
  const look = (type: string, node: Node): boolean | void => {
    if (type === 'SubLink') return false;
    if (type === 'NullTest' || type === 'BooleanTest') note(node['arg']);
    if (type === 'BoolExpr') for (const arg of node['args'] as unknown[]) note(arg);
    if (type === 'A_Expr' && nameParts(node['name']).at(-1) === '=') note(node['lexpr'], constantOf(node['rexpr']));
    return undefined;
  };
  for (const { policy } of model.policyFacts(table)) {
    const tree = policy.using === null ? undefined : model.parse(policy.using);
    note(tree);
    walk(tree, look);
  }
  for (const column of table.columns) if (!found.has(column.name) && isState(column)) found.set(column.name, undefined);
  return found;
}

function isState(column: ColumnRow): boolean {
  return column.base === 'boolean' || /^(status|state|visibility)$/.test(column.name)
    || (/(deleted|archived|revoked|disabled|suspended|published)_at$/.test(column.name) && !column.notNull);
}

/** Turns a draft of A's row into one that its policies treat otherwise: each such column gets another value than before. */
export function flipConditions(draft: Draft, conditions: ReadonlyMap<string, string | undefined>, model: Model): void {
  for (const [name, constant] of conditions) {
    const column = draft.table.columns.find((one) => one.name === name)!;
    const usual = draft.choices.get(name)?.[0];
    const before = column.default ?? (usual !== undefined && 'sql' in usual ? usual.sql : 'NULL');
    const other = otherValues(column, constant, draft.table, model).find((sql) => !before.startsWith(sql));
    if (other !== undefined && !column.generated) draft.choices.set(name, [{ sql: other }]);
  }
}

function otherValues(column: ColumnRow, constant: string | undefined, table: RelationRow, model: Model): string[] {
  if (column.base === 'boolean') return ['true', 'false'];
  const checks = table.constraints.filter((check) => check.type === 'c' && check.columns.join() === column.name);
  const choices = candidatesFor(column, hintsOf(checks.map((check) => model.parse(check.expression ?? ''))), 1);
  return [...(constant === undefined ? [] : [quoteLiteral(constant)]), ...choices];
}
