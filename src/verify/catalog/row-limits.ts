/** Which arguments say how many rows a query gives, and how many it leaves out before: many of the first, few of the second, show most. */
import { type Node as Tree, walk } from '../../sql/nodes.ts';
import { referencesIn } from './compared-columns.ts';

/** Names of arguments; of one without a name, its number as a body writes it. */
export interface RowLimits {
  limits: ReadonlySet<string>;
  /** Those of OFFSET alone: the size of a page is a limit, too. */
  offsets: ReadonlySet<string>;
}

/** Reads them from the LIMIT and OFFSET of every query of a body. */
export function rowLimits(trees: readonly Tree[]): RowLimits {
  const [limits, offsets] = [new Set<string>(), new Set<string>()];
  walk(trees, (type, node) => {
    if (type !== 'SelectStmt') return;
    for (const name of namesIn(node.limitCount)) limits.add(name);
    for (const name of namesIn(node.limitOffset)) offsets.add(name);
  });
  return { limits, offsets: new Set([...offsets].filter((name) => !limits.has(name))) };
}

function namesIn(expression: unknown): string[] {
  const names = referencesIn(expression).map(({ name }) => name);
  walk(expression, (type, node) => {
    if (type === 'ParamRef') names.push(`$${node.number}`);
  });
  return names;
}
