/** Rows that anyone hands in where the owner of what everyone sees takes them: answers to a form that is open. */
import type { PolicyRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';
import { namesOneOf, policiesFor, publicConditions, type Scope } from './scope.ts';

/**
 * The table of what the rows are handed in for, where every policy to add one asks for the very state in which it is declared that everyone
 * may read that, and for nobody; undefined for other tables. Whether anyone may, only the author can say.
 */
export function takesHandedIn(table: RelationRow, scope: Scope, model: Model): RelationRow | undefined {
  const parent = scope.parent === undefined ? undefined : model.tables.get(scope.parent);
  const adding = policiesFor(table, 'I', model);
  if (parent === undefined || !table.rls || adding.length === 0) return undefined;
  const states = publicConditions(parent, model).map((sql) => columnsNamed(model.parse(sql)));
  const isGated = (policy: PolicyRow): boolean => {
    const tree = model.parse(policy.check ?? policy.using ?? '');
    const named = columnsNamed(tree);
    return (
      namesOneOf(policy.check ?? policy.using, [parent], model) &&
      !callsFunction(tree) &&
      states.some((columns) => columns.size > 0 && [...columns].every((name) => named.has(name)))
    );
  };
  return adding.every(isGated) ? parent : undefined;
}

function columnsNamed(tree: unknown): Set<string> {
  const found = new Set<string>();
  walk(tree, (type, node) => {
    const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node }) : undefined;
    if (column !== undefined) found.add(column.name);
  });
  return found;
}

/** A function that it calls may ask who calls. */
function callsFunction(tree: unknown): boolean {
  let found = false;
  walk(tree, (type) => {
    found ||= type === 'FuncCall';
  });
  return found;
}
