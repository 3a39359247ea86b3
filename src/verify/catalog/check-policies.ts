import { quoteIdentifier as identifier } from '../../shared/quote.ts';
import type { Finding } from '../../shared/finding.ts';
import { type Catalog, isPlatformSchema, type PolicyRow, qualifiedName, type RelationRow } from './catalog.ts';
import { isForUsers } from './check-access.ts';
import { type Expectations, isDeclared } from './expectations.ts';
import { isAlwaysTrue, type Node, type ParseExpression } from './expression.ts';
import { makeFinding } from '../report/make-finding.ts';
import { comparedColumns } from './policy-columns.ts';
import { perRowCalls } from './policy-calls.ts';
import { indexName, relation } from './sql.ts';

/** The rules that read a table's policies: roles, `true`, calls once a row, columns without an index. */
export function checkPolicies(table: RelationRow, catalog: Catalog, expectations: Expectations, parse: ParseExpression): Finding[] {
  const findings = table.policies.flatMap((policy) => {
    const using = policy.using === null ? undefined : parse(policy.using);
    const check = policy.check === null ? undefined : parse(policy.check);
    return [
      ...withoutRole(policy, table, expectations.userRole),
      ...alwaysTrue(policy, table, catalog, expectations, using, check),
      ...perRow(policy, table, catalog, [using, check]),
    ];
  });
  return [...findings, ...columnsWithoutIndex(table, parse)];
}

function policyName(policy: PolicyRow, table: RelationRow): string {
  return `policy "${policy.name}" on ${qualifiedName(table)}`;
}

function withoutRole(policy: PolicyRow, table: RelationRow, userRole = 'authenticated'): Finding[] {
  if (!policy.roles.includes('public')) return [];
  return [makeFinding(
    'policy-without-role', policyName(policy, table),
    `The policy "${policy.name}" on ${qualifiedName(table)} names no role, so it applies to anon as well.`,
    `ALTER POLICY ${identifier(policy.name)} ON ${relation(table)} TO ${identifier(userRole)};`,
  )];
}

function alwaysTrue(
  policy: PolicyRow, table: RelationRow, catalog: Catalog, expectations: Expectations, using?: Node, check?: Node,
): Finding[] {
  if (!policy.permissive || !isForUsers(policy, catalog)) return [];
  const clauses = [
    ...(isAlwaysTrue(using) ? ['USING (true)'] : []),
    ...(isAlwaysTrue(check) ? ['WITH CHECK (true)'] : []),
  ];
  const reads = policy.command === 'r';
  if (clauses.length === 0 || (reads && isDeclared(expectations.declarations, qualifiedName(table), 'public-read'))) return [];
  return [makeFinding(
    'policy-always-true', policyName(policy, table),
    `The policy "${policy.name}" on ${qualifiedName(table)} is ${clauses.join(' and ')}: it lets every role that it applies to `
    + `${reads ? 'read' : 'write'} every row.`,
    reads
      ? `Compare the row's owner or organization, or write -- muse: public-read beside the table if everybody may read it.`
      : `ALTER POLICY ${identifier(policy.name)} ON ${relation(table)} TO service_role; or compare the row's owner or organization.`,
    reads ? 'warning' : 'error',
  )];
}

function perRow(policy: PolicyRow, table: RelationRow, catalog: Catalog, expressions: (Node | undefined)[]): Finding[] {
  const calls = [...new Set(expressions.flatMap((expression) => perRowCalls(expression, catalog)))];
  if (calls.length === 0) return [];
  return [makeFinding(
    'policy-per-row-call', policyName(policy, table),
    `The policy "${policy.name}" on ${qualifiedName(table)} calls ${calls.join(', ')} once for each row.`,
    `Write the call as (select …), so that it runs once a query; compare a column with = ANY ((select helper())::uuid[]) `
    + `instead of handing the column to the helper.`,
  )];
}

function columnsWithoutIndex(table: RelationRow, parse: ParseExpression): Finding[] {
  // Indexes on the platform's own tables are not the muse's to add.
  if (isPlatformSchema(table.schema)) return [];
  const leading = new Set(table.indexes.filter((index) => index.valid).map((index) => index.columns[0]));
  return [...comparedColumns(table, parse)].filter(([column]) => !leading.has(column)).map(([column, policy]) => makeFinding(
    'policy-column-without-index', policyName(policy, table),
    `Policies on ${qualifiedName(table)} compare ${column}, which no index begins with: every query reads the whole table.`,
    `CREATE INDEX IF NOT EXISTS ${indexName(table.name, [column])} ON ${relation(table)} (${identifier(column)});`,
  ));
}
