/** Conditions that hold because of what users write into their own metadata. */
import { fieldsOf, holds, literalOf, stringsOf, walk } from '../../sql/nodes.ts';
import type { Node } from '../../sql/nodes.ts';

/** The trees of the functions of that name; none where it is not one of the files' own. */
export type BodiesOf = (name: readonly string[]) => readonly Node[];

const keys = new Set(['user_metadata', 'raw_user_meta_data']);

/**
 * Returns whether a condition can be met by writing one's own metadata. Metadata that only narrows what else gives access,
 * as in `owner_id = auth.uid() AND …`, decides nothing.
 */
export function trustsUserMetadata(condition: unknown, bodies: BodiesOf): boolean {
  const expression = fieldsOf(condition, 'BoolExpr');
  const parts = expression?.args ?? [];
  if (expression?.boolop === 'AND_EXPR')
    return (
      parts.some((part) => trustsUserMetadata(part, bodies)) &&
      !parts.some((part) => !readsUserMetadata(part, bodies) && tiesRow(part))
    );
  if (expression !== undefined) return parts.some((part) => trustsUserMetadata(part, bodies));
  return readsUserMetadata(condition, bodies);
}

function readsUserMetadata(tree: unknown, bodies: BodiesOf, seen: ReadonlySet<string> = new Set()): boolean {
  let found = false;
  walk(tree as Node, (type, fields) => {
    if (found) return false;
    if (type === 'ColumnRef') found = keys.has(stringsOf(fields.fields).at(-1) ?? '');
    if (type === 'A_Expr' && /^(->>?|#>>?|\?)$/.test(stringsOf(fields.name).at(-1) ?? ''))
      found = keys.has(firstKey(literalOf(fields.rexpr)));
    if (type === 'FuncCall') {
      const name = stringsOf(fields.funcname);
      const path = fields.args?.slice(1).map((arg) => literalOf(arg)) ?? [];
      found = /^jsonb?_extract_path(_text)?$/.test(name.at(-1) ?? '') && path.some((key) => keys.has(key ?? ''));
      const called = name.join('.');
      if (!found && !seen.has(called)) found = readsUserMetadata(bodies(name), bodies, new Set([...seen, called]));
    }
    return !found;
  });
  return found;
}

/** `{user_metadata,role}` as well as `user_metadata`. */
function firstKey(text: string | undefined): string {
  return (text ?? '').replace(/^\{/, '').split(/[,}]/)[0]!.replaceAll('"', '');
}

/** It compares a column of the row with something of the user: a call, or another table. */
function tiesRow(part: unknown): boolean {
  const node = part as Node;
  return holds(node, 'ColumnRef') && (holds(node, 'FuncCall') || holds(node, 'SubLink'));
}
