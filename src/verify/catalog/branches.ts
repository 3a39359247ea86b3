/** The branches of policies: what each of them lets rows through by, one beside the other. */
import { constantOf, fields, nameParts, readsColumn, walk } from '../../rules/engine/live/expression.ts';
import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import { scan } from '../../sql/parser.ts';
import { isMoment } from '../fixtures/state-values.ts';
import { clockPolicies } from './clock.ts';
import type { Model } from './model.ts';
import { isAlwaysFalse } from './verb-policies.ts';

/** One way by which policies of a table let rows through. */
export interface Branch {
  /** The names of the policies that have it. */
  policies: string[];
  /** The condition, as PostgreSQL prints it. */
  sql: string;
  /** Only for visitors who are not signed in. */
  isForVisitors: boolean;
}

/**
 * The operands of OR in the permissive policies by which users or visitors read, change or delete rows of a table: one for each that
 * has no OR. Without those that are always true or never, and without what hangs on the time alone, which is tried as it will be then.
 */
export function branchesOf(table: RelationRow, model: Model): Branch[] {
  const found = new Map<string, Branch>();
  const timed = new Set(clockPolicies(table, model).map(({ policy }) => policy));
  for (const { policy } of model.policyFacts(table)) {
    if (!policy.permissive || policy.command === 'a' || policy.using === null || timed.has(policy)) continue;
    for (const sql of operandsOf(policy.using, model)) {
      const tree = model.parse(sql);
      if (tree === undefined || constantOf(tree) !== undefined || isAlwaysFalse(tree)) continue;
      if (!readsColumn(tree) && (isMoment(tree) || isOfSession(model) || isOfServer(tree))) continue;
      const branch = found.get(sql) ?? { policies: [], sql, isForVisitors: true };
      branch.policies.push(policy.name);
      branch.isForVisitors &&= policy.roles.every((role) => role === 'anon');
      found.set(sql, branch);
    }
  }
  return [...found.values()];
}

/** Where session variables isolate, the server sets them all: what they say of who asks is given, or is nobody's. */
function isOfSession({ userRole }: Model): boolean {
  return userRole !== 'authenticated';
}

/** It asks for a setting that no request brings: what writes it is tried by itself. */
function isOfServer(tree: unknown): boolean {
  let isSetting = false;
  walk(tree, (type, call) => {
    const [setting = ''] =
      type === 'FuncCall' && nameParts(call['funcname']).at(-1) === 'current_setting'
        ? [constantOf((call['args'] as unknown[])[0])]
        : [];
    isSetting ||= setting !== '' && !setting.startsWith('request.');
  });
  return isSetting;
}

/** The operands of OR at the top of an expression, as they are printed; the expression itself where there is none. */
function operandsOf(printed: string, model: Model): string[] {
  const sql = unwrapped(printed);
  const or = fields(model.parse(sql), 'BoolExpr');
  if (or?.['boolop'] !== 'OR_EXPR') return [sql];
  const operands = splitAt(sql, 'OR');
  // Where the text is not what the tree says, it stays whole.
  return operands.length !== (or['args'] as unknown[]).length
    ? [sql]
    : operands.flatMap((one) => operandsOf(one, model));
}

/** Without the brackets around all of it. */
function unwrapped(sql: string): string {
  const tokens = scan(sql);
  if (!Array.isArray(tokens) || tokens.at(0)?.text !== '(' || /^(select|with|values)$/i.test(tokens.at(1)?.text ?? ''))
    return sql.trim();
  let depth = 0;
  const end = tokens.findIndex(({ text }) => {
    depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    return depth === 0;
  });
  return end < tokens.length - 1 ? sql.trim() : unwrapped(slice(sql, tokens[0]!.end, tokens[end]!.start));
}

/** The parts of a text between a word that stands outside of all brackets. */
function splitAt(sql: string, word: string): string[] {
  const tokens = scan(sql);
  if (!Array.isArray(tokens)) return [sql];
  const parts: string[] = [];
  let [depth, from] = [0, 0];
  for (const { text, start, end } of tokens) {
    depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    if (depth > 0 || text.toUpperCase() !== word) continue;
    parts.push(slice(sql, from, start));
    from = end;
  }
  return [...parts, slice(sql, from, undefined)];
}

/** A part of a text between places in bytes. */
function slice(sql: string, start: number, end: number | undefined): string {
  return Buffer.from(sql).subarray(start, end).toString().trim();
}
