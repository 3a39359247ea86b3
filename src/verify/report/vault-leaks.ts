/** Functions and views that hand the secrets of Supabase Vault to users. */
import type { Finding } from '../../shared/finding.ts';
import { type FunctionRow, isPlatformSchema, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { queryExpression, walk } from '../../rules/engine/live/expression.ts';
import { allOf, fieldsOf, type Node } from '../../sql/nodes.ts';
import { asksCaller } from '../catalog/asks-caller.ts';
import { isCallable } from '../catalog/functions.ts';
import type { Model } from '../catalog/model.ts';
import { columnsPassed } from '../catalog/passed-on.ts';
import { makeFinding } from './make-finding.ts';

/** The column in which the secrets are. */
const secret = 'decrypted_secret';

/** What is told: an error where the caller names the secret, or sees all of them; a warning for one that the function names. */
export function vaultLeaks(model: Model): Finding[] {
  const roles = ['anon', model.userRole];
  const functions = model.catalog.functions.flatMap((routine): Finding[] => {
    const callers = roles.filter((role) => isCallable(routine, role, model));
    if (!routine.definer || routine.kind === 't' || callers.length === 0 || isPlatformSchema(routine.schema)) return [];
    if (asksCaller(routine, model) || !givesSecret(routine, model)) return [];
    const name = `${qualifiedName(routine)}(${routine.arguments.join(', ')})`;
    return [
      makeFinding(
        callers.includes('anon') ? 'anon-read' : 'isolation-read',
        name,
        `${name}: it gives ${callers.join(' and ')} a secret of Supabase Vault.`,
        `Take it away: REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC, ${callers.join(', ')};`,
        routine.inputs.length > 0 ? undefined : 'warning',
      ),
    ];
  });
  const views = model.catalog.relations.flatMap((view): Finding[] => {
    const readers = roles.filter((role) => view.grants[role]?.includes('S') === true);
    const isLent = view.query !== null && !view.securityInvoker && !isPlatformSchema(view.schema);
    if (!isLent || readers.length === 0 || !givesIn([model.parse(queryExpression(view.query!))])) return [];
    const name = qualifiedName(view);
    return [
      makeFinding(
        readers.includes('anon') ? 'anon-read' : 'isolation-read',
        name,
        `${name}: it shows ${readers.join(' and ')} secrets of Supabase Vault.`,
        `Take it away: REVOKE ALL ON ${name} FROM ${readers.join(', ')};`,
      ),
    ];
  });
  return [...functions, ...views];
}

/** What the function gives has a secret in it as it is. */
function givesSecret(routine: FunctionRow, { sources }: Model): boolean {
  const { trees, returned, assigned } = sources.body(routine);
  if (!readsVault(trees)) return false;
  const names = new Set([secret]);
  for (const { variables, value } of assigned) {
    const targets = allOf(fieldsOf(value, 'SelectStmt')?.targetList, 'ResTarget');
    const passed = targets.length > 0 ? targets.map(({ val }) => val) : [value];
    passed.forEach((one, index) => {
      columnsPassed(one, (column, isKept) => {
        const variable = variables[index] ?? variables[0];
        if (isKept && names.has(column) && variable !== undefined) names.add(variable);
      });
    });
  }
  const values = new Set(assigned.map(({ value }) => value));
  // RETURN QUERY gives what its query does.
  const given =
    routine.language === 'sql' ? trees.slice(-1) : [...returned, ...trees.filter((tree) => !values.has(tree))];
  return routine.returns !== 'void' && givesIn(given, names);
}

function readsVault(trees: unknown): boolean {
  let found = false;
  walk(trees, (type, node) => {
    found ||= type === 'RangeVar' && node['schemaname'] === 'vault';
  });
  return found;
}

/** One of the queries gives such a column as it is, or all columns of a table of secrets. */
function givesIn(
  trees: readonly (Node | undefined | unknown)[],
  names: ReadonlySet<string> = new Set([secret]),
): boolean {
  let found = false;
  for (const tree of trees) {
    const select = fieldsOf(tree, 'SelectStmt') ?? fieldsOf(fieldsOf(tree, 'SubLink')?.subselect, 'SelectStmt');
    for (const { val } of allOf(select?.targetList, 'ResTarget'))
      columnsPassed(val, (column, isKept) => {
        found ||= isKept && (names.has(column) || (column === '*' && readsVault(select?.fromClause)));
      });
  }
  return found;
}
