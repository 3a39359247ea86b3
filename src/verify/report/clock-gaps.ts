/** Policies with a condition on the current time alone: what they let through at another time cannot be tried now. */
import { constantOf, nameParts, type Node, readsColumn, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from '../catalog/model.ts';
import { bodiesCalled } from '../catalog/staff.ts';
import { isMoment } from '../fixtures/state-values.ts';
import type { Subject } from '../probes/subject.ts';
import type { Gap } from './report.ts';

/** The gaps that such conditions leave in the proof of each table and bucket. */
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
        const names = policies.join(', ');
        const [they, open, lets] = policies.length === 1 ? ['policy', 'opens', 'lets'] : ['policies', 'open', 'let'];
        return {
          object: name,
          reason: `its ${they} ${names} ${open} ${when}, whatever is in a row, and what that lets through was not tried`,
          suggestion:
            'Compare the time with a column of the row instead, as in opens_at <= now(); or check by hand ' +
            `what ${names} ${lets} through then.`,
        };
      });
    });
}

/** When conditions on the time alone that are not true yet will become true. */
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
  // A condition "before the date" is true now and is tried; a date in the past opens nothing.
  return Date.parse(date) > now && (operator === '=' || isLater === wanted) ? `on ${date}` : undefined;
}

/** Whether it also reads the request, or calls a function of the database. */
function readsRequest(node: unknown): boolean {
  let found = false;
  walk(node, (type, call) => {
    const parts = type === 'FuncCall' ? nameParts(call['funcname']) : [];
    found ||= parts.at(-1) === 'current_setting' || (parts.length > 1 && parts[0] !== 'pg_catalog');
  });
  return found;
}
