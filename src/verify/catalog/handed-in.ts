/** Rows that anyone hands in where the owner of what is open takes them: answers to a form. */
import type { FunctionRow, PolicyRow, RelationRow } from '../../rules/engine/live/catalog.ts';
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
  // Who names another as the one whose row it is, hands in nothing of its own.
  if (table.columns.some((column) => model.meaningOf(table, column) === 'user')) return undefined;
  const declared = publicConditions(parent, model).map((sql) => columnsNamed(model.parse(sql)));
  const treesOf = (policy: PolicyRow): unknown[] => asked(model.parse(policy.check ?? policy.using ?? ''), model) ?? [];
  const columnsOf = (policy: PolicyRow): ReadonlySet<string> =>
    new Set(treesOf(policy).flatMap((tree) => queriedColumns(parent, tree)));
  const asksState = (policy: PolicyRow): boolean => asksForState(treesOf(policy), parent, model);
  const ofVisitors = table.policies.filter(
    ({ permissive, command, roles }) => permissive && 'a*'.includes(command) && roles.includes('anon'),
  );
  const isForVisitors = ofVisitors.length > 0 && ofVisitors.every(asksState);
  const isGated = (policy: PolicyRow): boolean => {
    const columns = columnsOf(policy);
    return (
      declared.some((state) => state.size > 0 && [...state].every((name) => columns.has(name))) ||
      (isForVisitors && asksState(policy))
    );
  };
  return adding.every(isGated) ? parent : undefined;
}

/**
 * Says whether a function hands in rows of the table for anyone who calls it: visitors may, it only adds to the table, and it asks that
 * what the row belongs to is in some state, and for nobody.
 */
export function handsIn(routine: FunctionRow, table: RelationRow, scope: Scope, model: Model): boolean {
  const parent = scope.parent === undefined ? undefined : model.tables.get(scope.parent);
  if (parent === undefined || !routine.execute.includes('anon') || asksCaller(routine, model)) return false;
  const trees = model.sources.reached(routine).flatMap((one) => model.sources.body(one).trees);
  let isChanged = false;
  walk(trees, (type, write) => {
    const isWrite = type === 'UpdateStmt' || type === 'DeleteStmt' || type === 'MergeStmt';
    isChanged ||= isWrite && (write['relation'] as { relname?: string } | undefined)?.relname === table.name;
  });
  return !isChanged && asksForState(trees, parent, model);
}

/** Says whether queries ask for a state of the rows of a table. */
function asksForState(trees: readonly unknown[], table: RelationRow, model: Model): boolean {
  const compared = columnsCompared(trees);
  return trees
    .flatMap((tree) => queriedColumns(table, tree))
    .some((name) => isState(name, table, model) && isAsked(name, table, compared));
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

/** It is compared with something, or it is no free text, which is read to be shown: what is read into a variable is compared there. */
function isAsked(name: string, { columns, constraints }: RelationRow, compared: ReadonlySet<string>): boolean {
  const isFreeText =
    columns.find((one) => one.name === name)?.category === 'S' &&
    !constraints.some((check) => check.type === 'c' && check.columns.includes(name));
  return compared.has(name) || !isFreeText;
}

/** The columns that operators name, other than the one that puts texts together. */
function columnsCompared(trees: readonly unknown[]): Set<string> {
  const found = new Set<string>();
  walk(trees, (type, node) => {
    if (type === 'A_Expr' && nameParts(node['name']).at(-1) !== '||')
      for (const name of columnsNamed([node['lexpr'], node['rexpr']])) found.add(name);
  });
  return found;
}

function columnsNamed(tree: unknown): Set<string> {
  const found = new Set<string>();
  walk(tree, (type, node) => {
    const column = type === 'ColumnRef' ? columnOf({ ColumnRef: node }) : undefined;
    if (column !== undefined) found.add(column.name);
  });
  return found;
}
