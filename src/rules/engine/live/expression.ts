/** Policy and CHECK expressions as trees of PostgreSQL's own parser. */
import { loadParser, parseTree } from '../../../sql/parser.ts';

/** A node of libpg-query's tree: an object with one key, its type, that holds its fields; or those fields. */
export type Node = Record<string, unknown>;

/** Parses one expression as the catalog prints it; undefined if the parser cannot. */
export type ParseExpression = (sql: string) => Node | undefined;

/** Loads the parser (WASM, once a process) and gives the function that parses. It keeps its trees: many checks ask for the same policy. */
export async function loadExpressionParser(): Promise<ParseExpression> {
  await loadParser();
  const known = new Map<string, Node | undefined>();
  return (sql) => {
    if (!known.has(sql)) known.set(sql, parseExpression(sql));
    return known.get(sql);
  };
}

function parseExpression(sql: string): Node | undefined {
  const tree = parseTree(`select (${sql})`);
  if (!Array.isArray(tree)) return undefined;
  const select = fields(tree[0]?.stmt, 'SelectStmt') as { targetList: { ResTarget: { val: Node } }[] } | undefined;
  return select?.targetList[0]?.ResTarget.val;
}

/** The fields of a node of that type; undefined where it is another. */
export function fields(node: unknown, type: string): Node | undefined {
  return typeof node === 'object' && node !== null ? ((node as Node)[type] as Node | undefined) : undefined;
}

/** Visits a node and everything below it, top down. `enter` returns false to skip what is below a node. */
export function walk(node: unknown, enter: (type: string, fields: Node) => boolean | void): void {
  if (Array.isArray(node)) {
    for (const item of node) walk(item, enter);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const below = node as Node;
  for (const key in below) {
    const value = below[key];
    if (typeof value !== 'object' || value === null) continue;
    const type = Array.isArray(value)
      ? undefined
      : isTypeName(key)
        ? key
        : isSideOfQuery(key, value)
          ? 'SelectStmt'
          : undefined;
    if (type !== undefined && enter(type, value as Node) === false) continue;
    walk(value, enter);
  }
}

/** The queries of a UNION, INTERSECT or EXCEPT hold their fields without the key for the type; the sides of a JOIN have it. */
function isSideOfQuery(field: string, value: object): boolean {
  return (field === 'larg' || field === 'rarg') && 'limitOption' in value;
}

/** Types of nodes begin with a capital letter, names of fields with a small one. */
function isTypeName(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 65 && first <= 90;
}

/** The parts of a name: of a list of String nodes. */
export function nameParts(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.map((item) => String(fields(item, 'String')?.['sval'] ?? '*'));
}

/**
 * The column that a node refers to, ignoring casts: its name, and the qualifier before it; undefined for anything else.
 */
export function columnOf(node: unknown): { qualifier: string | undefined; name: string } | undefined {
  const cast = fields(node, 'TypeCast');
  if (cast !== undefined) return columnOf(cast['arg']);
  const parts = nameParts(fields(node, 'ColumnRef')?.['fields']);
  const name = parts.at(-1);
  return name === undefined ? undefined : { qualifier: parts.at(-2), name };
}

/** Returns whether the expression contains a column. */
export function readsColumn(node: unknown): boolean {
  let found = false;
  walk(node, (type) => {
    if (type === 'ColumnRef') found = true;
    return !found;
  });
  return found;
}

/** The query of a view, as PostgreSQL prints it, as an expression. */
export function queryExpression(query: string): string {
  return `(${query.replace(/;\s*$/, '')})`;
}

/** The text of a literal, ignoring casts; undefined for anything else and for NULL. */
export function constantOf(node: unknown): string | undefined {
  const cast = fields(node, 'TypeCast');
  if (cast !== undefined) return constantOf(cast['arg']);
  const negated = fields(node, 'A_Expr');
  if (negated !== undefined && negated['lexpr'] === undefined && nameParts(negated['name'])[0] === '-') {
    const value = constantOf(negated['rexpr']);
    return value === undefined ? undefined : `-${value}`;
  }
  const constant = fields(node, 'A_Const');
  if (constant === undefined || constant['isnull'] === true) return undefined;
  for (const [key, field] of [
    ['sval', 'sval'],
    ['ival', 'ival'],
    ['fval', 'fval'],
    ['boolval', 'boolval'],
  ] as const) {
    const holder = constant[key] as Node | undefined;
    // The tree omits fields that are zero, false or empty text.
    if (holder !== undefined) return String(holder[field] ?? (key === 'boolval' ? false : key === 'ival' ? 0 : ''));
  }
  return undefined;
}

/** Returns whether an expression is true for every row: `true`, `1 = 1`, `x OR true`. */
export function isAlwaysTrue(node: unknown): boolean {
  const constant = constantOf(node);
  if (constant !== undefined) return constant === 'true' || constant === 't';
  const bool = fields(node, 'BoolExpr');
  if (bool !== undefined) {
    const args = bool['args'] as unknown[];
    if (bool['boolop'] === 'OR_EXPR') return args.some(isAlwaysTrue);
    return bool['boolop'] === 'AND_EXPR' && args.every(isAlwaysTrue);
  }
  const comparison = fields(node, 'A_Expr');
  if (comparison === undefined || nameParts(comparison['name'])[0] !== '=') return false;
  const left = constantOf(comparison['lexpr']);
  return left !== undefined && left === constantOf(comparison['rexpr']);
}

/** The sub-select of a SubLink if it is `(select …)` without FROM, which PostgreSQL runs once per query. */
export function isRunOnce(link: Node): boolean {
  const select = fields(link['subselect'], 'SelectStmt');
  return select !== undefined && select['fromClause'] === undefined && !readsColumn(select);
}
