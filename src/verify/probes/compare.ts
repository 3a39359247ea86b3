import type { Finding } from '../../shared/finding.ts';
import type { RuleName } from '../../rules/registry.ts';
import { type Actor, isPlainOwner, lacksClaims } from './actors.ts';
import { ruleOf } from './judge.ts';
import { makeFinding } from '../report/make-finding.ts';
import type { Check, TableReport } from '../report/report.ts';

/**
 * What an actor can do now but not in the expected matrix, or the other way round. A table that already has a finding
 * of the same rule is not reported twice.
 */
export function compareMatrix(
  expected: readonly TableReport[],
  found: readonly TableReport[],
  actors: readonly Actor[],
  known: readonly Finding[],
): Finding[] {
  const then = new Map(expected.map((report) => [report.table, report]));
  const now = new Set(found.map((report) => report.table));
  const findings = found.flatMap((report) => {
    const before = then.get(report.table);
    return before === undefined ? [] : differences(before, report, actors);
  });
  const gone = expected
    .filter((report) => !now.has(report.table))
    .map((report) =>
      makeFinding(
        'schema-drift',
        report.table,
        `${report.table} could be proven in the expected matrix, but does not exist now or cannot be reached.`,
        'Compare the database with the migrations: muse status shows what has drifted.',
      ),
    );
  return [...findings, ...gone].filter(
    (finding) => !known.some((one) => one.rule === finding.rule && one.object === finding.object),
  );
}

function differences(before: TableReport, after: TableReport, actors: readonly Actor[]): Finding[] {
  const byRule = new Map<RuleName, string[]>();
  const key = (check: Check): string => `${check.actor} ${check.verb}`;
  const now = withLacking(after, before);
  const then = new Map(withLacking(before, after).checks.map((check) => [key(check), check]));
  const add = (rule: RuleName, check: Check): void => {
    byRule.set(rule, [...(byRule.get(rule) ?? []), `${check.actor} ${check.verb}`]);
  };
  for (const check of now.checks) {
    const old = then.get(key(check));
    if (old === undefined) continue;
    const isAnonymous = actors.some((actor) => actor.name === check.actor && actor.isAnonymous);
    const [past, present] = [reach(old), reach(check)];
    const gained = present.some((part) => !past.includes(part));
    if (!gained && past.every((part) => present.includes(part))) continue;
    // The policies let it through and a constraint stopped it, so it is not known which rows it would have reached.
    if (!gained && check.outcome === 'allowed' && check.code !== undefined) continue;
    add(gained ? ruleOf(check.verb, isAnonymous) : 'owner-locked-out', check);
  }
  const roles = Object.keys(now.privileges ?? {}).filter(
    (role) => before.privileges?.[role] !== undefined && before.privileges[role] !== now.privileges?.[role],
  );
  const drift = roles.map((role) =>
    makeFinding(
      'schema-drift',
      now.table,
      `${role} has other privileges on ${now.table} than in the expected matrix: ` +
        `${now.privileges?.[role] || 'none'} instead of ${before.privileges?.[role] || 'none'}.`,
      'GRANT or REVOKE what the migrations say.',
    ),
  );
  return [
    ...drift,
    ...[...byRule].map(([rule, what]) =>
      makeFinding(
        rule,
        now.table,
        `${now.table} (${now.scope}): ${rule === 'owner-locked-out' ? 'no longer possible' : 'possible now'}, ` +
          `unlike in the expected matrix: ${what.join(', ')}.`,
        'Look for a policy, grant or function of this table that differs from the migrations, and write a migration that puts it right.',
      ),
    ),
  ];
}

/**
 * The report with an owner who lacks claims, if only the other report has one: no policy reads those claims here, so that
 * owner does what the owner does.
 */
function withLacking(report: TableReport, other: TableReport): TableReport {
  const lacking = other.checks.find(({ actor }) => lacksClaims(actor))?.actor;
  if (lacking === undefined || report.checks.some(({ actor }) => actor === lacking)) return report;
  const like = report.checks.some(({ actor }) => lacksClaims(actor)) ? lacksClaims : isPlainOwner;
  const added = report.checks.filter(({ actor }) => like(actor)).map((check) => ({ ...check, actor: lacking }));
  return { ...report, checks: [...report.checks, ...added] };
}

/**
 * What a check let the actor reach, as parts: one for each statement that was let through, the rows, the tables; or the code
 * of an error.
 */
function reach(check: Check): string[] {
  if (check.outcome === 'error') return [`error ${check.code ?? ''}`];
  if (check.outcome !== 'allowed') return [];
  const times = Array.from({ length: check.times ?? 1 }, (_, index) => `! ${index}`);
  return [...times, ...(check.rows ?? ''), ...(check.reached ?? [])];
}
