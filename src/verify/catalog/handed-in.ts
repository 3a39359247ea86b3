/** Rows that anyone hands in where the owner of what is open takes them: answers to a form. */
import type { PolicyRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { asksCaller } from './asks-caller.ts';
import type { Model } from './model.ts';
import { queriedColumns } from './queried-columns.ts';
import { policiesFor, publicConditions, type Scope } from './scope.ts';

/**
 * The table of what the rows are handed in for, where every policy to add one asks for that to be in some state, itself or by a helper,
 * and for nobody: the very state in which it is declared that everyone may read that, or any, where the policy names visitors who are
 * not signed in. Undefined for other tables. Whether anyone may, only the author can say.
 */
export function takesHandedIn(table: RelationRow, scope: Scope, model: Model): RelationRow | undefined {
  const parent = scope.parent === undefined ? undefined : model.tables.get(scope.parent);
  const adding = policiesFor(table, 'I', model);
  if (parent === undefined || !table.rls || adding.length === 0) return undefined;
  const declared = publicConditions(parent, model).map((sql) => columnsNamed(model.parse(sql)));
  const isGated = (policy: PolicyRow): boolean => {
    const trees = asked(model.parse(policy.check ?? policy.using ?? ''), model);
    const columns = new Set(trees?.flatMap((tree) => queriedColumns(parent, tree)));
    return (
      declared.some((state) => state.size > 0 && [...state].every((name) => columns.has(name))) ||
      (policy.roles.includes('anon') && [...columns].some((name) => isState(name, parent, model)))
    );
  };
  return adding.every(isGated) ? parent : undefined;
}

/** The expression, and the bodies of the helpers that it calls; undefined where one of them may ask who calls. */
function asked(tree: unknown, model: Model): unknown[] | undefined {
  const trees = [tree];
  let isForNobody = true;
  walk(tree, (type, call) => {
    if (type !== 'FuncCall') return;
    const parts = nameParts(call['funcname']);
    const routine = model.catalog.functions.find(
      ({ name, schema }) => name === parts.at(-1) && (parts.length === 1 || schema === parts.at(-2)),
    );
    if (routine === undefined) isForNobody &&= parts.at(-1) === 'now';
    else if (asksCaller(routine, model)) isForNobody = false;
    else for (const one of model.sources.reached(routine)) trees.push(...model.sources.body(one).trees);
  });
  return isForNobody ? trees : undefined;
}

/** It says neither which row it is nor whose. */
function isState(name: string, table: RelationRow, model: Model): boolean {
  const column = table.columns.find((one) => one.name === name);
  return (
    column !== undefined &&
    model.meaningOf(table, column) === undefined &&
    !table.constraints.some(({ type, columns }) => (type === 'p' || type === 'f') && columns.includes(name))
  );
}

function columnsNamed(tree: unknown): Set<string> {
  const found = new Set<string>();
  walk(tree, (type, node) => {
    const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node }) : undefined;
    if (column !== undefined) found.add(column.name);
  });
  return found;
}
