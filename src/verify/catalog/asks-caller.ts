import { holds, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import type { FunctionRow } from '../../rules/engine/live/catalog.ts';
import type { Model } from './model.ts';

/**
 * Says whether the function, or what it calls, asks who calls: then whom it acts for is its own decision. Whether anyone is signed in
 * is not who.
 */
export function asksCaller(routine: FunctionRow, { sources }: Model): boolean {
  return sources.reached(routine).some((one) => {
    const { calls, isDynamic } = sources.effects(one);
    const body = sources.body(one);
    return (
      isDynamic ||
      body.isUnreadable ||
      (calls.some(({ schema, name }) => schema === 'auth' || name === 'current_setting') && asksWho(body.trees))
    );
  });
}

function asksWho(trees: readonly Node[]): boolean {
  let asks = false;
  walk(trees, (type, fields) => {
    if (type === 'NullTest') return holds(fields.arg, 'ColumnRef');
    if (type !== 'FuncCall') return undefined;
    const [name, schema] = stringsOf(fields.funcname).toReversed();
    asks ||= (schema === 'auth' && name !== 'role') || name === 'current_setting';
    return undefined;
  });
  return asks;
}
