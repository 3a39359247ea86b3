import type { Catalog } from './catalog.ts';
import { isRunOnce, type Node, nameParts, readsColumn, walk } from './expression.ts';

/** Functions that a policy calls once for each row and need not, as `auth.uid()` or `is_member(…)`. */
export function perRowCalls(expression: Node | undefined, catalog: Catalog): string[] {
  const calls: string[] = [];
  walk(expression, (type, node) => {
    if (type === 'SubLink' && isRunOnce(node)) return false;
    // A function in FROM runs once for the sub-select it stands in.
    if (type === 'RangeFunction') return false;
    if (type !== 'FuncCall') return undefined;
    const parts = nameParts(node['funcname']);
    const hasColumn = readsColumn(node['args']);
    if (isSession(parts) && !hasColumn) calls.push(`${parts.join('.')}()`);
    else if (isHelper(parts, catalog)) calls.push(`${parts.join('.')}(${hasColumn ? '…' : ''})`);
    return undefined;
  });
  return calls;
}

/** Functions that read who asks: their answer is the same for the whole query. */
function isSession(parts: string[]): boolean {
  return parts[0] === 'auth' || parts.at(-1) === 'current_setting';
}

/** A function of the muse's own that reads tables or settings: an immutable one is folded or as cheap as an operator. */
function isHelper(parts: string[], catalog: Catalog): boolean {
  if (parts[0] === 'auth' || parts[0] === 'storage') return false;
  return catalog.functions.some((helper) =>
    helper.name === parts.at(-1) && (parts.length === 1 || helper.schema === parts[0]) && helper.volatility !== 'i');
}
