import type { Finding } from '../../shared/finding.ts';
import type { RuleName } from '../../rules/registry.ts';
import type { Actor } from './actors.ts';
import { personalColumns } from './expected.ts';
import { rowsOfA } from './labels.ts';
import type { Model } from '../catalog/model.ts';
import { adviceOn, adviceOnFunction, onOneLine } from '../report/advice.ts';
import { makeFinding } from '../report/make-finding.ts';
import type { Check, TableReport } from '../report/report.ts';
import { labelledRows, type Subject } from './subject.ts';
import { type Verb, verbs } from './verbs.ts';

/** The rule that a verb breaks if it is possible and must not be. */
export function ruleOf(verb: Verb, isAnonymous: boolean): RuleName {
  return isAnonymous ? verbs[verb].rule.anonymous : verbs[verb].rule.signedIn;
}

const suggestions: Partial<Record<RuleName, string>> = {
  'anon-read':
    'Revoke the grant from anon and give the policy TO authenticated; or write -- muse: public-read above the ' +
    'table if everyone may read it.',
  'anon-write': 'Revoke INSERT, UPDATE and DELETE from anon, and give the policy TO authenticated or TO service_role.',
  'isolation-read':
    "Compare the row's owner or organization with the current user in the USING of every SELECT policy; give " +
    'views WITH (security_invoker = true).',
  'isolation-write':
    "Compare the row's owner or organization with the current user in the USING of every UPDATE and DELETE policy.",
  'isolation-insert':
    "Compare the new row's owner or organization with the current user in the WITH CHECK of every INSERT policy.",
  'isolation-reassign':
    "Give the UPDATE policy a WITH CHECK that compares the new row's owner or organization with the current " +
    'user, in addition to its USING.',
  'policy-error':
    'Run the query as that user to see where it fails; a policy that reads its own table needs a SECURITY DEFINER helper.',
};

/**
 * The findings of one table's checks, one for each rule, naming who can do what. Also sets the rule on each check that
 * breaks it.
 */
export function judge(report: TableReport, actors: readonly Actor[], model: Model, subject?: Subject): Finding[] {
  const broken = new Map<RuleName, Check[]>();
  for (const check of report.checks) {
    const rule = brokenRule(check, actors);
    if (rule === undefined) continue;
    check.rule = rule;
    broken.set(rule, [...(broken.get(rule) ?? []), check]);
  }
  return [...broken].map(([rule, checks]) => {
    const advice = adviceOn(rule, checks, subject, rule.startsWith('anon-'), model);
    const by = advice === undefined || advice.policies.length === 0 ? '' : ` ${lets(advice.policies)}`;
    return {
      ...makeFinding(
        rule,
        report.table,
        `${report.table} (${report.scope}): ${tell(checks, subject)}.${by}`,
        advice?.suggestion ??
          (report.kind === 'function' ? onFunction(report.table, checks) : undefined) ??
          suggestions[rule] ??
          '',
      ),
      ...(advice?.policies[0] === undefined ? {} : { policy: advice.policies[0] }),
    };
  });
}

function lets(policies: readonly string[]): string {
  const names = policies.map(onOneLine).join(', ');
  return policies.length === 1 ? `Policy ${names} lets it.` : `Policies ${names} let it.`;
}

function onFunction(name: string, checks: readonly Check[]): string | undefined {
  if (checks.some(({ outcome }) => outcome === 'error')) return undefined;
  return adviceOnFunction(name, checks.some(({ verb }) => verb === 'call-changes') ? 'changes' : 'returns');
}

function brokenRule(check: Check, actors: readonly Actor[]): RuleName | undefined {
  if (check.outcome === 'error') return 'policy-error';
  const actor = actors.find((one) => one.name === check.actor);
  if (actor === undefined || check.expected !== 'no' || check.outcome !== 'allowed' || !reachesOthers(check, actor))
    return undefined;
  return ruleOf(check.verb, actor.isAnonymous);
}

/** Without WHERE a statement also affects the actor's own rows, which is allowed. */
function reachesOthers(check: Check, actor: Actor): boolean {
  const { withoutWhere: isBroad, anyRow } = verbs[check.verb];
  // A constraint may have stopped a statement without WHERE at the actor's own row.
  if (isBroad === true && check.code?.startsWith('23') === true) return actor.isAnonymous || actor.isNobody;
  if (check.rows === undefined || check.rows === '?') return true;
  if (check.rows === '#') return actor.relation === 'none';
  return rowsOfA(check.rows) !== '' || anyRow === true;
}

function tell(checks: readonly Check[], subject: Subject | undefined): string {
  const errors = checks.filter((check) => check.outcome === 'error');
  if (errors.length > 0) {
    const first = errors[0]!;
    return (
      `${[...new Set(errors.map((check) => check.actor))].join(', ')} on ${[...new Set(errors.map((check) => check.verb))].join(', ')} ` +
      `meets ${first.code}: ${first.message}`
    );
  }
  const byActors = new Map<string, string[]>();
  for (const what of new Set(checks.map((check) => wordingOf(check, subject)))) {
    const who = checks
      .filter((check) => wordingOf(check, subject) === what)
      .map((check) => check.actor)
      .join(', ');
    byActors.set(who, [...(byActors.get(who) ?? []), what]);
  }
  return [...byActors].map(([who, what]) => `${who} ${what.join(', ')}`).join('; ');
}

/** What the actor does, and to rows in which state, if not to every row of A. */
function wordingOf(check: Check, subject: Subject | undefined): string {
  const { wording, letter } = verbs[check.verb];
  const rows = rowsOfA(check.rows ?? '');
  const states =
    subject === undefined || rows.includes('a')
      ? []
      : labelledRows(subject).flatMap(([label, { state }]) =>
          rows.includes(label) && state !== undefined ? [state] : [],
        );
  if (states.length > 0) return `${wording} where ${[...new Set(states)].join(' or ')}`;
  const columns = subject?.scope.kind === 'unowned' && letter === 'S' ? personalColumns(subject) : [];
  return columns.length === 0 ? wording : `${wording} with ${columns.join(', ')}`;
}
