import type { Finding } from '../../../shared/finding.ts';
import { policyObject } from '../check.ts';
import type { Rule } from '../rule.ts';
import { isPlatformSchema, qualifiedName } from './catalog.ts';
import type { RelationRow } from './catalog.ts';
import type { LiveCheck, LivePolicy, LiveReport, LiveRun } from './check.ts';

/** Runs the rules over a catalog: findings of the whole database first, then by table, then by function. */
export function liveFindings(rules: readonly Rule[], live: LiveRun): Finding[] {
  const { catalog, expectations } = live;
  const findings: Finding[] = [];
  const active = rules.flatMap(({ name, severity, live: check }): { check: LiveCheck; report: LiveReport }[] =>
    check === undefined ? [] : [{ check, report: (problem) => findings.push({ rule: name, severity, ...problem }) }],
  );
  const isOurs = (schema: string): boolean => expectations.schemas?.includes(schema) ?? !isPlatformSchema(schema);
  // A muse may create policies on storage.objects; the rest of that table belongs to the platform.
  const hasOurPolicies = (schema: string): boolean =>
    isOurs(schema) || (schema === 'storage' && expectations.schemas === undefined);
  for (const { check, report } of active) check.database?.(live, report);
  for (const table of catalog.relations.filter(
    ({ kind, schema }) => (kind === 'r' || kind === 'p') && hasOurPolicies(schema),
  )) {
    const policies = policiesOf(table, live);
    for (const { check, report } of active) {
      if (isOurs(table.schema)) check.table?.(table, live, report);
      for (const policy of policies) check.policy?.(policy, live, report);
    }
  }
  for (const routine of catalog.functions.filter(({ schema }) => isOurs(schema))) {
    for (const { check, report } of active) check.routine?.(routine, live, report);
  }
  return findings;
}

function policiesOf(table: RelationRow, { parse }: LiveRun): LivePolicy[] {
  return table.policies.map((policy) => ({
    policy,
    table,
    object: policyObject({ name: policy.name, table: qualifiedName(table) }),
    using: policy.using === null ? undefined : parse(policy.using),
    check: policy.check === null ? undefined : parse(policy.check),
  }));
}
