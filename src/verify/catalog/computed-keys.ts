/** Keys that hold something computed from who asks: `owner_key = encode(sha256(auth.uid()::text::bytea), 'hex')`. */
import { isPlatformSchema, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, fields, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { scan } from '../../sql/parser.ts';
import { isWhoAsks, type Model } from './model.ts';

/** A column, and the expression that gives the value that the current user's rows have in it. */
export interface ComputedKey {
  table: RelationRow;
  column: string;
  sql: string;
}

/** What the expression parser puts before an expression, in bytes. */
const before = 'select ('.length;

/**
 * The columns that policies compare with something else than the user's ID or address as it is. What a helper without arguments gives
 * is one as well, and may turn out to be just that.
 */
export function computedKeys(model: Model): ComputedKey[] {
  const found = new Map<string, ComputedKey>();
  for (const table of model.tables.values()) {
    const own = new Set(table.columns.map(({ name }) => name));
    for (const { policy } of model.policyFacts(table))
      for (const sql of [policy.using, policy.check])
        walk(sql === null ? undefined : model.parse(sql), (type, node) => {
          if (type !== 'A_Expr' || node['kind'] !== 'AEXPR_OP' || nameParts(node['name']).at(-1) !== '=') return;
          for (const side of ['left', 'right'] as const) {
            const [one, other] = side === 'right' ? [node['lexpr'], node['rexpr']] : [node['rexpr'], node['lexpr']];
            const column = columnOf(one);
            const isOwn = column?.qualifier === undefined || column.qualifier === table.name;
            if (column === undefined || !own.has(column.name) || !isOwn || !isComputed(other, model)) continue;
            const text = operandOf(sql!, Number(node['location'] ?? 0) - before, side);
            const key = `${table.schema}.${table.name}.${column.name}`;
            if (text !== undefined && !found.has(key)) found.set(key, { table, column: column.name, sql: text });
          }
        });
  }
  return [...found.values()];
}

/** It depends on the current user alone, and is not the user's ID or a claim as they are. */
function isComputed(node: unknown, model: Model): boolean {
  if (isPlain(node)) return false;
  let isOfUser = isWhoAsks(node, model) || model.claims.pathsIn(node).length > 0;
  walk(node, (type, part) => {
    isOfUser &&= type !== 'ColumnRef' && !(type === 'SelectStmt' && part['fromClause'] !== undefined);
    return isOfUser;
  });
  return isOfUser;
}

/** Operators that look something up in JSON. */
const intoJson: ReadonlySet<string> = new Set(['->', '->>', '#>', '#>>']);

function isPlain(node: unknown): boolean {
  const cast = fields(node, 'TypeCast');
  if (cast !== undefined) return isPlain(cast['arg']);
  const select = fields(fields(node, 'SubLink')?.['subselect'], 'SelectStmt');
  if (select !== undefined) {
    const [target] = (select['targetList'] as unknown[] | undefined) ?? [];
    return select['fromClause'] === undefined && isPlain(fields(target, 'ResTarget')?.['val']);
  }
  const chosen = fields(node, 'CoalesceExpr');
  if (chosen !== undefined) return (chosen['args'] as unknown[]).every(isPlain);
  const expression = fields(node, 'A_Expr');
  if (expression !== undefined)
    return (
      (expression['kind'] === 'AEXPR_NULLIF' || intoJson.has(nameParts(expression['name']).at(-1) ?? '')) &&
      isPlain(expression['lexpr'])
    );
  const call = fields(node, 'FuncCall');
  const parts = nameParts(call?.['funcname']);
  // A helper may compute anything.
  return (
    call === undefined ||
    parts.at(-1) === 'current_setting' ||
    (isPlatformSchema(parts.at(-2) ?? '') && parts.length > 1)
  );
}

/**
 * The text of what is on one side of an operator. In what PostgreSQL prints, each operator is in parentheses of its own.
 * @param at where the operator is, in bytes
 */
function operandOf(sql: string, at: number, side: 'left' | 'right'): string | undefined {
  const tokens = scan(sql);
  if (!Array.isArray(tokens)) return undefined;
  const operator = tokens.findIndex(({ start }) => start === at);
  if (operator < 0) return undefined;
  const [step, opening, closing] = side === 'right' ? [1, '(', ')'] : [-1, ')', '('];
  let [end, depth] = [operator + step, 0];
  for (; tokens[end] !== undefined; end += step) {
    const { text } = tokens[end]!;
    if (text === closing && depth === 0) break;
    depth += text === opening ? 1 : text === closing ? -1 : 0;
  }
  const operand = side === 'right' ? tokens.slice(operator + 1, end) : tokens.slice(end + 1, operator);
  const [first, last] = [operand[0], operand.at(-1)];
  return first === undefined || last === undefined
    ? undefined
    : Buffer.from(sql).subarray(first.start, last.end).toString();
}
