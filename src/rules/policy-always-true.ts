import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { at, policyObject } from './engine/check.ts';
import type { Located } from './engine/check.ts';
import { example } from './engine/example.ts';
import { policyOf, problemsOf } from './engine/fix/fix.ts';
import type { Decision, Edit, FixResult, Situation } from './engine/fix/fix.ts';
import type { Texts } from './engine/fix/place.ts';
import { inFile, replaceTrue, rolesOf, saidOf, setRoles, withPlaced } from './engine/fix/policy-edits.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import { isDeclared } from './engine/live/expectations.ts';
import { isAlwaysTrue as isAlwaysTrueLive } from './engine/live/expression.ts';
import { isForUsers as isForUsersLive } from './engine/live/policies.ts';
import { commandsOf, isAlwaysTrue, isForUsers, namesService, policiesOf } from './engine/policies.ts';
import type { Rule } from './engine/rule.ts';
import { conditionFor, mayWrite, ownerOf } from './engine/suggest.ts';
import { declared } from './engine/tables.ts';

/** Narrows policies that let everyone write: to the server where they speak of it, else to whose row it is. */
function apply(situation: Situation): FixResult {
  const texts: Texts = new Map();
  const edits: Edit[] = [];
  const decisions: Decision[] = [];
  for (const problem of problemsOf(situation, 'policy-always-true')) {
    const policy = problem.severity === 'error' ? policyOf(situation, problem) : undefined;
    if (problem.severity !== 'error') declareShared(situation, problem, edits, decisions);
    const table = policy === undefined ? undefined : situation.catalog.tables.get(policy.table);
    if (policy === undefined || table === undefined) continue;
    const owner = ownerOf(table, situation.catalog);
    const late = owner.kind !== 'service' && (table.columns.get(owner.column)?.site?.piece.order ?? 0) > policy.site.piece.order;
    const service = namesService(saidOf(policy)) || owner.kind === 'service' || late || !mayWrite(table, owner);
    const condition = owner.kind === 'service' ? '' : conditionFor(owner);
    if (service) edits.push(...setRoles(situation, policy, 'service_role', texts));
    else {
      edits.push(...replaceTrue(situation, policy, condition, texts));
      if (policy.roles.length === 0 && owner.kind !== 'session') edits.push(...setRoles(situation, policy, 'authenticated', texts));
    }
    decisions.push({
      file: problem.source.migration.file,
      object: policyObject(policy),
      before: `${rolesOf(policy)}: any row`,
      after: service ? 'service_role' : `${owner.kind === 'session' ? 'signed-in users' : 'authenticated'}: rows with ${condition}`,
      reason: namesService(saidOf(policy)) ? 'its name or comment speaks of the service role' : service ? 'no column tells whose a row is, or only the server can vouch for it' : `column ${owner.column}`,
    });
  }
  return withPlaced(situation, edits, texts, decisions);
}

/** Says in the file what a policy that lets everyone read means: its rows are for all whom it names. */
function declareShared(situation: Situation, problem: Located, edits: Edit[], decisions: Decision[]): void {
  const policy = policyOf(situation, problem);
  // Without a role it is for `policy-without-role` to decide first who that is.
  if (policy === undefined || policy.roles.length === 0 || !inFile(situation, policy)) return;
  const { file } = problem.source.migration;
  const { start } = policy.site.piece.statement;
  edits.push({ file, start, end: start, text: '-- muse: public-read\n' });
  decisions.push({ file, object: policyObject(policy), before: `${rolesOf(policy)}: every row`, after: 'the same, declared: -- muse: public-read', reason: 'USING (true) is what the file says' });
}

export const rule: Rule = {
  name: 'policy-always-true',
  severity: 'error',
  unless: 'a warning for a policy that only reads',
  found: ['static', 'live'],
  means: 'USING (true) or WITH CHECK (true): the policy lets every row through',
  doc: {
    why: 'USING (true) on a write lets everyone the policy is for change every row. Under the name "service role can manage" it is most often a misunderstanding: the service role needs no policy, and this one opens the table to everyone else.',
    bad: example.replace('USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id)', 'USING (true)'),
    good: example,
  },
  check: {
    end(catalog, report, run) {
      for (const each of policiesOf(catalog)) {
        if (!isForUsers(each) || !each.permissive) continue;
        const commands = commandsOf(each);
        const reads = isAlwaysTrue(each.using) && commands.includes('select');
        const writes =
          (isAlwaysTrue(each.using) && commands.some((command) => command === 'update' || command === 'delete')) ||
          (isAlwaysTrue(each.check ?? (each.command === 'insert' ? undefined : each.using)) && commands.some((command) => command === 'insert' || command === 'update'));
        if (!writes && (!reads || declared(run, each.table, 'public-read'))) continue;
        const who = each.roles.length === 0 ? 'anyone, signed in or not,' : each.roles.join(' and ');
        report({
          ...at(each.site),
          object: policyObject(each),
          severity: writes ? 'error' : 'warning',
          message: writes ? `Policy "${each.name}" lets ${who} write any row of ${each.table}.` : `Policy "${each.name}" lets ${who} read every row of ${each.table}.`,
          suggestion: writes ? `ALTER POLICY ${quoteIdentifier(each.name)} ON ${quoteQualified(each.table)} TO service_role;` : '-- muse: public-read',
        });
      }
    },
  },
  live: {
    policy({ policy, table, object, using, check }, { catalog, expectations }, report) {
      if (!policy.permissive || !isForUsersLive(policy, catalog)) return;
      const clauses = [...(isAlwaysTrueLive(using) ? ['USING (true)'] : []), ...(isAlwaysTrueLive(check) ? ['WITH CHECK (true)'] : [])];
      const name = qualifiedName(table);
      const reads = policy.command === 'r';
      if (clauses.length === 0 || (reads && isDeclared(expectations.declarations, name, 'public-read'))) return;
      report({
        object,
        severity: reads ? 'warning' : 'error',
        message: `Policy "${policy.name}" on ${name} is ${clauses.join(' and ')}: it lets every role that it applies to ${reads ? 'read' : 'write'} every row.`,
        suggestion: reads
          ? 'Compare the row\'s owner or organization, or write -- muse: public-read beside the table if everyone may read it.'
          : `ALTER POLICY ${quoteIdentifier(policy.name)} ON ${relation(table)} TO service_role; or compare the row's owner or organization.`,
      });
    },
  },
  fix: { does: 'narrows writes to the row\'s owner or organization where the columns tell whose it is, else TO service_role', stage: 'policies', apply },
};
