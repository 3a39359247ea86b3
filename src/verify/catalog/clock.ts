/** Policies that ask what time it is, whatever is in the row: what they let through then is tried with those conditions turned. */
import type { FunctionRow, PolicyRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { relation } from '../../rules/engine/live/catalog.ts';
import { constantOf, nameParts, type Node, readsColumn, walk } from '../../rules/engine/live/expression.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import { scan } from '../../sql/parser.ts';
import { isMoment } from '../fixtures/state-values.ts';
import type { Model } from './model.ts';
import { bodiesCalled } from './staff.ts';

/** A condition on the time alone that does not hold now, and will. */
interface TimeCondition {
  /** `on 2027-03-01`, `at another time`. */
  when: string;
  /** What it is when it holds: false below a NOT. */
  value: boolean;
  /** Where its operator is in the expression, in bytes; undefined where the parser does not say. */
  location: number | undefined;
}

/** A policy that lets more through at another time. */
export interface ClockPolicy {
  policy: PolicyRow;
  when: string;
  /** ALTER POLICY after which it is as it will be then; undefined where a function asks for the time, or the table is another's. */
  moved: string | undefined;
}

/** The policies of a table that open with the time. */
export function clockPolicies(table: RelationRow, model: Model, now = Date.now()): ClockPolicy[] {
  return model.policyFacts(table).flatMap(({ policy }): ClockPolicy[] => {
    const clauses = [policy.using, policy.check].map((sql) => ({ sql, tree: sql === null ? [] : [model.parse(sql)] }));
    const own = clauses.flatMap(({ tree }) => openings(tree, true, now));
    const inBodies = openings(
      bodiesCalled(
        clauses.flatMap(({ tree }) => tree),
        model,
      ),
      true,
      now,
    );
    const [first] = [...inBodies, ...own];
    if (first === undefined) return [];
    if (inBodies.length > 0 || !table.isOurs) return [{ policy, when: first.when, moved: undefined }];
    const [using, check] = clauses.map(({ sql, tree }) => (sql === null ? '' : turned(sql, openings(tree, true, now))));
    const clauseOf = (word: string, sql: string): string => (sql === '' ? '' : ` ${word} (${sql})`);
    const moved =
      using === undefined || check === undefined
        ? undefined
        : `alter policy ${quoteIdentifier(policy.name)} on ${relation(table)}${clauseOf('using', using)}${clauseOf('with check', check)}`;
    return [{ policy, when: first.when, moved }];
  });
}

/**
 * Columns that a function, with what it calls, compares with the time it is, or of which it asks whether they are set: they say
 * whether a row counts, as `published_at` does.
 */
export function timedColumns(routine: FunctionRow, { sources }: Model): Set<string> {
  const found = new Set<string>();
  walk(
    sources.reached(routine).map((one) => sources.body(one).trees),
    (type, node) => {
      const sides = type === 'NullTest' ? [node['arg']] : [node['lexpr'], node['rexpr']];
      if (type === 'NullTest' || (type === 'A_Expr' && sides.some(isMoment)))
        walk(sides, (inner, column) => {
          if (inner === 'ColumnRef') found.add(nameParts(column['fields']).at(-1) ?? '');
        });
    },
  );
  return found;
}

/** The expression with each of the conditions replaced by what it will be; undefined where one is not found. */
function turned(sql: string, conditions: readonly TimeCondition[]): string | undefined {
  const tokens = scan(sql);
  if (!Array.isArray(tokens)) return undefined;
  const bytes = Buffer.from(sql);
  const ranges = conditions.map(({ location, value }) => {
    const at = tokens.findIndex(({ start }) => start === location);
    if (at < 0) return undefined;
    const [from, to] = [bracket(tokens, at, -1), bracket(tokens, at, 1)];
    return { start: tokens[from]!.start, end: tokens[to]!.end, value };
  });
  if (ranges.includes(undefined)) return undefined;
  let text = bytes;
  for (const range of ranges.toSorted((x, y) => y!.start - x!.start))
    text = Buffer.concat([
      text.subarray(0, range!.start),
      Buffer.from(String(range!.value)),
      text.subarray(range!.end),
    ]);
  return text.toString();
}

/** The token of the bracket around a place, or the first or last one where there is none. */
function bracket(tokens: readonly { text: string }[], from: number, step: 1 | -1): number {
  const [closing, opening] = step === 1 ? [')', '('] : ['(', ')'];
  let depth = 0;
  for (let at = from + step; at >= 0 && at < tokens.length; at += step) {
    if (tokens[at]!.text === opening) depth += 1;
    else if (tokens[at]!.text === closing && depth === 0) return at;
    else if (tokens[at]!.text === closing) depth -= 1;
  }
  return step === 1 ? tokens.length - 1 : 0;
}

/** What stands before an expression when it is parsed. */
const prefix = 'select ('.length;

/** Conditions of the expression that hang on the time alone and do not hold yet. */
function openings(expression: unknown, wanted: boolean, now: number): TimeCondition[] {
  const found: TimeCondition[] = [];
  walk(expression, (type, node) => {
    if (type === 'BoolExpr' && node['boolop'] === 'NOT_EXPR') {
      found.push(...openings(node['args'], !wanted, now));
      return false;
    }
    const when = type === 'A_Expr' ? openingOf(node, wanted, now) : undefined;
    const location = typeof node['location'] === 'number' ? node['location'] - prefix : undefined;
    if (when !== undefined) found.push({ when, value: wanted, location });
    return undefined;
  });
  return found;
}

function openingOf(comparison: Node, wanted: boolean, now: number): string | undefined {
  const { lexpr, rexpr } = comparison;
  const operator = nameParts(comparison['name']).at(-1) ?? '';
  if (!/^([<>]=?|=|<>)$/.test(operator) || isMoment(lexpr) === isMoment(rexpr) || readsColumn([lexpr, rexpr]))
    return undefined;
  const other = isMoment(lexpr) ? rexpr : lexpr;
  if (readsRequest([lexpr, rexpr])) return undefined;
  const date = /^\d{4}-\d\d-\d\d/.exec(constantOf(other) ?? '')?.[0];
  if (date === undefined) return 'at another time';
  const isLater = operator.startsWith(isMoment(lexpr) ? '>' : '<') && operator !== '<>';
  // Before the date, the condition holds now, and what it lets through is tried; and a date that has passed opens nothing.
  return Date.parse(date) > now && (operator === '=' || isLater === wanted) ? `on ${date}` : undefined;
}

/** It asks the request, or a function of the database, as well. */
function readsRequest(node: unknown): boolean {
  let found = false;
  walk(node, (type, call) => {
    const parts = type === 'FuncCall' ? nameParts(call['funcname']) : [];
    found ||= parts.at(-1) === 'current_setting' || (parts.length > 1 && parts[0] !== 'pg_catalog');
  });
  return found;
}
