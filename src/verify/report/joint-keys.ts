/** Rows that belong to users by several columns together, such as a country and a number: whose they are, the proof does not know. */
import type { FunctionRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import { asksCaller } from '../catalog/asks-caller.ts';
import type { Model } from '../catalog/model.ts';
import { columnsOfTree, policiesFor } from '../catalog/scope.ts';
import type { Proof } from '../probes/prove.ts';
import type { Gap } from './report.ts';

/** A gap for each table of rows that are nobody's as far as is known, and whose policies ask for some of its columns together with who asks. */
export function jointKeyGaps({ subjects, model }: Proof): Gap[] {
  return subjects.flatMap(({ kind, table, name, scope }): Gap[] => {
    const isNobodys = scope.kind === 'unowned' && scope.owner === undefined && !scope.isReadByJoined;
    if (kind !== 'table' || !isNobodys || !table.rls) return [];
    const found = ['S', 'I', 'U', 'D']
      .flatMap((letter) => policiesFor(table, letter, model))
      .map((policy) => ({
        policy,
        columns: [policy.using, policy.check].flatMap((sql) => (sql === null ? [] : askedTogether(sql, table, model))),
      }))
      .find(({ columns }) => columns.length > 1);
    if (found === undefined) return [];
    const columns = [...new Set(found.columns)].join(', ');
    return [
      {
        object: name,
        reason:
          `policy ${found.policy.name} asks for ${columns} together with who asks, and whose rows those columns name is not known: what ` +
          'users do with the rows of others was not told apart',
        suggestion:
          'Give what the rows belong to a key of one column, and refer to that; or read the other policies of the table with two users ' +
          'in mind, and write: -- muse: ignore not-proven because <reason>',
      },
    ];
  });
}

/** The columns of the row that a condition gives to one helper that asks who calls, or names in one query that does: more than one, or none. */
function askedTogether(sql: string, table: RelationRow, model: Model): string[] {
  const helpers = new Map<string, FunctionRow[]>();
  for (const routine of model.catalog.functions)
    helpers.set(routine.name, [...(helpers.get(routine.name) ?? []), routine]);
  const asks = (node: unknown): boolean => {
    let isAsking = false;
    walk(node, (type, inner: Node) => {
      if (type !== 'FuncCall') return;
      const [name = '', schema] = nameParts(inner['funcname']).toReversed();
      isAsking ||=
        (schema === 'auth' && name !== 'role') ||
        (helpers.get(name) ?? []).some((routine) => asksCaller(routine, model));
    });
    return isAsking;
  };
  const found: string[] = [];
  walk(model.parse(sql), (type, node) => {
    if (found.length > 0) return false;
    if (type !== 'FuncCall' && type !== 'SubLink') return undefined;
    const named = columnsOfTree({ [type]: node }, table);
    const columns = table.columns.flatMap(({ name }) => (named.has(name) ? [name] : []));
    if (columns.length > 1 && asks({ [type]: node })) found.push(...columns);
    return undefined;
  });
  return found;
}
