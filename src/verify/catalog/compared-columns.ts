/** Which columns bodies compare with arguments, and which they write them to. */
import { nameParts, walk } from '../../rules/engine/live/expression.ts';
import type { Node as Tree } from '../../sql/nodes.ts';
import { insertedValues, valuesOf } from './written-values.ts';

/** Functions that look for one text in another. */
const searching = new Set([
  'starts_with',
  'strpos',
  'position',
  'regexp_like',
  'regexp_count',
  'similarity',
  'word_similarity',
]);

/**
 * By the name of each argument, or column of a row that a trigger gets: the columns that a body compares it with, or
 * writes it to.
 */
export function comparedColumns(
  names: readonly string[],
  trees: readonly Tree[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const compared = new Map(names.map((name): [string, Set<string>] => [name, new Set()]));
  const pair = (value: Reference, other: Reference): void => {
    // Whether a trigger's row has changed says nothing about other rows.
    if (!value.isOfTrigger || !other.isOfTrigger) compared.get(value.name)?.add(other.name);
  };
  const pairAll = (left: unknown, right: unknown): void => {
    const others = referencesIn(right);
    for (const one of referencesIn(left)) {
      for (const other of others) {
        pair(one, other);
        pair(other, one);
      }
    }
  };
  walk(trees, (type, node) => {
    if (type === 'A_Expr') pairAll(node['lexpr'], node['rexpr']);
    // `body ilike any (select … from unnest(terms))`
    else if (type === 'SubLink' && node['testexpr'] !== undefined) pairAll(node['testexpr'], node['subselect']);
    else if (type === 'FuncCall' && searching.has(nameParts(node['funcname']).at(-1) ?? '')) {
      const [first, second] = (node['args'] ?? []) as unknown[];
      pairAll(first, second);
    } else if (type === 'InsertStmt') {
      for (const [column, value] of insertedValues(node))
        for (const one of referencesIn(value)) pair(one, { name: column, isOfTrigger: false });
    }
  });
  return compared;
}

/** By the name of each argument: the columns that a body writes it to. */
export function writtenColumns(
  names: readonly string[],
  trees: readonly Tree[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const written = new Map(names.map((name): [string, Set<string>] => [name, new Set()]));
  walk(trees, (type, node) => {
    for (const [column, value] of valuesOf(type, node))
      for (const { name } of referencesIn(value)) written.get(name)?.add(column);
  });
  return written;
}

/** A column, argument or variable as an expression names it. */
interface Reference {
  name: string;
  /** It is of the row that a trigger gets. */
  isOfTrigger: boolean;
}

/** What an expression names. */
export function referencesIn(expression: unknown): Reference[] {
  const found: Reference[] = [];
  walk(expression, (type, node) => {
    const parts = type === 'ColumnRef' ? nameParts(node['fields']) : [];
    if (parts.length > 0)
      found.push({ name: parts.at(-1)!, isOfTrigger: parts.length === 2 && /^(new|old)$/.test(parts[0]!) });
    if (type === 'ParamRef') found.push({ name: `$${String(node['number'] ?? 0)}`, isOfTrigger: false });
  });
  return found;
}
