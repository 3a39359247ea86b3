/** What conditions that stand beside a claim ask: of the row, and of whose it is. */
import { columnOf, constantOf, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';

/** `auth.uid()`, or a setting that is called after the user or the claims. */
export function isUserCall(call: Readonly<Record<string, unknown>>): boolean {
  const parts = nameParts(call['funcname']);
  const setting =
    parts.at(-1) === 'current_setting' ? (constantOf((call['args'] as unknown[] | undefined)?.[0]) ?? '') : '';
  return (parts.at(-2) === 'auth' && parts.at(-1) === 'uid') || /user|claim/.test(setting);
}

/** Returns whether anything in the trees asks for the current user's ID. */
export function asksForUser(trees: readonly unknown[]): boolean {
  let asks = false;
  walk(trees, (type, call) => {
    asks ||= type === 'FuncCall' && isUserCall(call);
    return !asks;
  });
  return asks;
}

/** Returns whether the condition is that a column is the current user's ID: who adds such a row signs it. */
export function namesAuthor(condition: unknown): boolean {
  const { A_Expr: node } = condition as { A_Expr?: Node };
  if (node === undefined || nameParts(node['name']).at(-1) !== '=') return false;
  const sides = [node['lexpr'], node['rexpr']];
  return sides.some((side) => columnOf(side) !== undefined) && asksForUser(sides);
}

/** Returns whether a condition depends on the row, or reads other tables. */
export function asksRow(node: unknown): boolean {
  let found = false;
  walk(node, (type) => {
    found ||= type === 'ColumnRef' || type === 'RangeVar';
  });
  return found;
}

/** Returns whether a condition compares a column with anything but constants. */
export function asksWhose(tree: unknown): boolean {
  let found = false;
  walk(tree, (type, node) => {
    if (found || (type !== 'A_Expr' && type !== 'SubLink' && type !== 'FuncCall')) return;
    let [hasColumn, hasCall] = [false, type !== 'A_Expr'];
    walk(Object.values(node), (inner) => {
      hasColumn ||= inner === 'ColumnRef';
      hasCall ||= inner === 'FuncCall' || inner === 'SubLink';
    });
    found = hasColumn && hasCall;
  });
  return found;
}
