/** Rows whose owner column is null: whether users, or the removal of the owner, can make them. */
import type { PolicyRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';
import { columnsIn } from './scope.ts';

/**
 * Says whether someone's row may become one without an owner: the removal of the owner clears the columns, or a policy accepts a
 * row without one.
 * @param columns the owner columns
 */
export function mayLoseOwner(table: RelationRow, columns: readonly string[], model: Model): boolean {
  const isCleared = table.constraints.some(
    (key) => key.clears && key.columns.some((column) => columns.includes(column)),
  );
  const writing = model
    .policyFacts(table)
    .filter(({ policy }) => policy.permissive && 'aw*'.includes(policy.command))
    .map(({ policy }) => policy);
  return (
    isCleared ||
    !table.rls ||
    writing.some((policy) => columns.every((column) => acceptsNull(policy, column, table, model)))
  );
}

/** The condition on the written row does not name the column, or asks whether it is null. */
function acceptsNull({ using, check }: PolicyRow, name: string, table: RelationRow, model: Model): boolean {
  const sql = check ?? using;
  let isAsked = false;
  walk(sql === null ? undefined : model.parse(sql), (type, node) => {
    isAsked ||=
      (type === 'NullTest' && columnOf(node['arg'])?.name === name) ||
      type === 'CoalesceExpr' ||
      node['kind'] === 'AEXPR_DISTINCT';
  });
  // A column of that name in another table says nothing about this one.
  return isAsked || !columnsIn(sql, table, model).has(name);
}
