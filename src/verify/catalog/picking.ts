/** Functions that pick one of the rows that they read. */
import { fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { Model } from './model.ts';

/** It answers with a few of many rows: the first in some order, or the greatest value. */
export function isPicking(routine: FunctionRow, model: Model): boolean {
  let isFound = false;
  if (routine.returns === 'boolean') return false;
  // Of many rows, what it calls picks one of others for each.
  for (const one of routine.returnsSet ? [routine] : model.sources.reached(routine))
    walk(model.sources.body(one).trees, (type, node) => {
      isFound ||=
        (type === 'SelectStmt' && !routine.returnsSet && node['sortClause'] !== undefined) ||
        (type === 'SelectStmt' && fields(node['limitCount'], 'A_Const') !== undefined) ||
        (type === 'FuncCall' && picks.has(nameParts(node['funcname']).at(-1) ?? ''));
      return !isFound;
    });
  return isFound;
}

const picks = new Set(['max', 'min', 'first_value', 'last_value', 'nth_value', 'any_value']);
