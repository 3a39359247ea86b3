/** Trees that are nested so deep that reading them would exceed the stack. */

/** Objects and lists in each other that every reader of trees can follow. */
const mostLevels = 1000;

/** Texts below this length cannot hold so many levels. */
export const shortest = 1000;

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/**
 * Makes long chains in a tree balanced, in place: `a UNION ALL b UNION ALL c …` and `a || b || c …` are parsed as one in
 * another as often as they have parts, and what a tree names is the same either way.
 * @returns whether the tree can be read then
 */
export function balance(tree: readonly object[]): boolean {
  if (!isDeeper(tree as unknown as Fields, mostLevels)) return true;
  const waiting: unknown[] = [tree];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (!isObject(value)) continue;
    if (!Array.isArray(value)) balanceHere(value);
    waiting.push(...Object.values(value));
  }
  return !isDeeper(tree as unknown as Fields, mostLevels);
}

/** Whether a tree has more levels than that. */
function isDeeper(value: Fields, levels: number): boolean {
  if (levels === 0) return true;
  for (const key in value) {
    const inner = value[key];
    if (typeof inner === 'object' && inner !== null && isDeeper(inner as Fields, levels - 1)) return true;
  }
  return false;
}

/** The kinds of chains: where the left side is, and what has to be the same for two to be one chain. */
const chains: readonly {
  left: string;
  right: string;
  inner(side: unknown): Fields | undefined;
  own: ReadonlySet<string>;
  same: readonly string[];
}[] = [
  {
    left: 'larg',
    right: 'rarg',
    inner: (side) => (isObject(side) ? side : undefined),
    own: new Set(['op', 'all', 'larg', 'rarg', 'limitOption']),
    same: ['op', 'all'],
  },
  {
    left: 'lexpr',
    right: 'rexpr',
    inner: (side) => (isObject(side) && isObject(side['A_Expr']) ? side['A_Expr'] : undefined),
    own: new Set(['kind', 'name', 'lexpr', 'rexpr', 'location']),
    same: ['kind', 'name'],
  },
];

function balanceHere(top: Fields): void {
  const chain = chains.find(({ left, right }) => left in top && right in top);
  if (chain === undefined) return;
  const { left, right, inner, own, same } = chain;
  const belongs = (fields: Fields | undefined): fields is Fields =>
    fields !== undefined &&
    left in fields &&
    right in fields &&
    Object.keys(fields).every((key) => own.has(key)) &&
    same.every((key) => JSON.stringify(fields[key]) === JSON.stringify(top[key]));
  const parts: unknown[] = [];
  let [first, last]: unknown[] = [top[left], top[right]];
  for (let below = inner(first); belongs(below); below = inner(first)) {
    parts.push(last);
    [first, last] = [below[left], below[right]];
  }
  if (parts.length < 2) return;
  const all = [first, last, ...parts.toReversed()];
  const {
    [left]: _left,
    [right]: _right,
    ...rest
  } = Object.fromEntries(Object.entries(top).filter(([key]) => own.has(key)));
  const made = (fields: Fields): Fields => (left === 'larg' ? fields : { A_Expr: fields });
  const joined = (from: number, to: number): unknown => {
    if (to - from === 1) return all[from];
    const middle = (from + to) >> 1;
    return made({ ...rest, [left]: joined(from, middle), [right]: joined(middle, to) });
  };
  const middle = all.length >> 1;
  top[left] = joined(0, middle);
  top[right] = joined(middle, all.length);
}
