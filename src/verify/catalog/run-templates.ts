/** SQL that functions put together from constants, values and names of columns: what it reads and writes is known but for the columns. */
import { literalOf, type Node, stringsOf, walk } from '../../sql/nodes.ts';
import { parseTree, scan } from '../../sql/parser.ts';
import { placesIn } from './format-places.ts';

/** Stands for a name that is known only at run time. */
const anyName = 'muse any name';

/** Functions that make a value of SQL of a text, whatever it holds. */
const literals = new Set(['quote_literal', 'quote_nullable']);

/**
 * The statements that EXECUTE runs, as far as the constants of the expression tell: a column that is named at run time is any column.
 * @returns undefined where it may run anything else: a table or a function is named at run time, or a text goes into it as it is
 */
export function templateOf(expression: Node): Node[] | undefined {
  const sql = textOf(expression);
  const parsed = sql === undefined ? undefined : parseTree(sql);
  if (!Array.isArray(parsed)) return undefined;
  const statements = parsed.flatMap(({ stmt }) => (stmt === undefined ? [] : [withAnyColumn(stmt) as Node]));
  return JSON.stringify(statements).includes(anyName) ? undefined : statements;
}

/** Statements that neither read nor write rows: what they define may have any name. */
const defining = new Set<string>([
  'CreateStmt',
  'AlterTableStmt',
  'AlterOwnerStmt',
  'CreateTrigStmt',
  'IndexStmt',
  'DropStmt',
  'CommentStmt',
  'GrantStmt',
  'RenameStmt',
  'LockStmt',
  'VacuumStmt',
  'ReindexStmt',
]);

/** Says whether the statements that EXECUTE runs bring no row anywhere, such as those that make and drop partitions, whatever their names are. */
export function onlyDefines(expression: Node): boolean {
  const sql = textOf(expression);
  const parsed = sql === undefined ? undefined : parseTree(sql);
  return (
    Array.isArray(parsed) &&
    parsed.length > 0 &&
    parsed.every(({ stmt }) => defining.has(Object.keys(stmt ?? {})[0] ?? ''))
  );
}

/** The text of an expression; undefined where a part of it is known only at run time and is no quoted name or value. */
function textOf(node: Node | undefined): string | undefined {
  const constant = literalOf(node);
  if (constant !== undefined) return constant;
  const [type, fields] = (Object.entries(node ?? {})[0] ?? []) as [string?, Record<string, unknown>?];
  if (type === 'A_Expr' && stringsOf(fields?.['name'] as Node[]).at(-1) === '||') {
    const [left, right] = [textOf(fields?.['lexpr'] as Node), textOf(fields?.['rexpr'] as Node)];
    return left === undefined || right === undefined ? undefined : left + right;
  }
  if (type !== 'FuncCall') return undefined;
  const name = stringsOf(fields?.['funcname'] as Node[]).at(-1) ?? '';
  const args = (fields?.['args'] ?? []) as Node[];
  if (name === 'quote_ident') return `"${anyName}"`;
  if (literals.has(name)) return 'NULL';
  return name === 'format' ? formatted(args) : undefined;
}

function formatted(args: readonly Node[]): string | undefined {
  const format = textOf(args[0]);
  if (format === undefined) return undefined;
  const places = placesIn(format);
  const texts = places.map(({ kind, index }) =>
    kind === 'I' ? `"${anyName}"` : kind === 'L' ? 'NULL' : literalOf(args[index]),
  );
  if (texts.includes(undefined)) return undefined;
  let text = '';
  let end = 0;
  places.forEach(({ at, length }, place) => {
    text += format.slice(end, at).replaceAll('%%', '%') + texts[place]!;
    end = at + length;
  });
  return text + format.slice(end).replaceAll('%%', '%');
}

/** Columns that are named at run time are all of them. */
function withAnyColumn(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withAnyColumn);
  if (typeof part !== 'object' || part === null) return part;
  const reference = (part as { ColumnRef?: { fields?: Node[] } }).ColumnRef;
  if (reference !== undefined && stringsOf(reference.fields).at(-1) === anyName)
    return { ColumnRef: { fields: [...(reference.fields ?? []).slice(0, -1), { A_Star: {} }] } };
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, withAnyColumn(value)]));
}

/**
 * Says whether the text begins as a query. PostgreSQL runs the text of a loop over rows as one statement, so that it then writes only what
 * the functions do that it calls.
 */
export function isQueryText(expression: Node): boolean {
  let first: string | undefined;
  walk(expression, (type, fields) => {
    const text = type === 'A_Const' ? fields.sval?.sval : undefined;
    first ??= text;
    return first === undefined;
  });
  // What follows may stand within quotes.
  const tokens = first === undefined ? [] : scan(first.split("'")[0]!);
  return Array.isArray(tokens) && /^select$/i.test(tokens[0]?.text ?? '');
}
