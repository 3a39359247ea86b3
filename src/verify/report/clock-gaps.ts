/** Policies that ask what time it is, whatever is in the row: what they let through then is not tried now. */
import { constantOf, nameParts, type Node, readsColumn, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from '../catalog/model.ts';
import { bodiesCalled } from '../catalog/staff.ts';
import { isMoment } from '../fixtures/state-values.ts';
import type { Subject } from '../probes/subject.ts';
import type { Gap } from './report.ts';

/** The gaps that the clock leaves in what was tried of each table and bucket. */
export function clockGaps(subjects: readonly Subject[], model: Model, now = Date.now()): Gap[] {
  return subjects
    .filter(({ kind }) => kind !== 'view')
    .flatMap(({ name, table }): Gap[] => {
      const byTime = new Map<string, string[]>();
      for (const { policy } of model.policyFacts(table)) {
        const own = [policy.using, policy.check].filter((sql) => sql !== null).map((sql) => model.parse(sql));
        const [when] = [...own, ...bodiesCalled(own, model)].flatMap((tree) => openings(tree, true, now));
        if (when !== undefined) byTime.set(when, [...(byTime.get(when) ?? []), policy.name]);
      }
      return [...byTime].map(([when, policies]) => {
        const [they, open, lets] = policies.length === 1 ? ['policy', 'opens', 'lets'] : ['policies', 'open', 'let'];
        return {
          object: name,
          reason: `its ${they} ${policies.join(', ')} ${open} ${when}, whatever is in a row, and what that lets through was not tried`,
          suggestion: `Compare the time with a column of the row instead, as in opens_at <= now(); or check by hand what ${policies.join(', ')} ${lets} through then.`,
        };
      });
    });
}

/** When conditions of the expression that hang on the time alone will hold that do not yet. */
function openings(expression: unknown, wanted: boolean, now: number): string[] {
  const found: string[] = [];
  walk(expression, (type, node) => {
    if (type === 'BoolExpr' && node['boolop'] === 'NOT_EXPR') {
      found.push(...openings(node['args'], !wanted, now));
      return false;
    }
    const when = type === 'A_Expr' ? openingOf(node, wanted, now) : undefined;
    if (when !== undefined) found.push(when);
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
