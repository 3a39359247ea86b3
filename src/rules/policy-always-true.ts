import type { Policy, Table } from '../sql/catalog/model.ts';
import { quoteIdentifier, quoteQualified } from '../shared/quote.ts';
import { at, policyObject } from './engine/check.ts';
import { example } from './engine/example.ts';
import { policyOf, problemsOf } from './engine/fix/fix.ts';
import type { Decision, Edit, FixResult, Left, Situation } from './engine/fix/fix.ts';
import { declarePublicRead, publicReadWords } from './engine/fix/intent.ts';
import type { Texts } from './engine/fix/place.ts';
import { inFile, replaceTrue, rolesOf, saidOf, setRoles, withPlaced } from './engine/fix/policy-edits.ts';
import { qualifiedName, relation } from './engine/live/catalog.ts';
import { isDeclared } from './engine/live/expectations.ts';
import { isAlwaysTrue as isAlwaysTrueLive } from './engine/live/expression.ts';
import { isForUsers as isForUsersLive } from './engine/live/policies.ts';
import { commandsOf, isAlwaysTrue, isForUsers, namesService, policiesOf } from './engine/policies.ts';
import { type Provided, supabase } from './engine/provided.ts';
import type { Rule } from './engine/rule.ts';
import { conditionFor, isNameable, mayWrite, ownerOf } from './engine/suggest.ts';
import type { Owner } from './engine/suggest.ts';
import { declared, isGranted } from './engine/tables.ts';

/**
 * Narrows policies that let everyone write: to the service role if their words mention it, otherwise to the row's
 * owner.
 */
function apply(situation: Situation): FixResult {
  const texts: Texts = new Map();
  const edits: Edit[] = [];
  const decisions: Decision[] = [];
  const left: Left[] = [];
  for (const problem of problemsOf(situation, 'policy-always-true')) {
    const policy = policyOf(situation, problem);
    const table = policy === undefined ? undefined : situation.catalog.tables.get(policy.table);
    if (policy === undefined) continue;
    if (problem.severity !== 'error') {
      declareShared(situation, policy, table, edits, decisions);
      continue;
    }
    if (table === undefined) continue;
    const { file } = problem.source.migration;
    const to = narrowed(situation, policy, table);
    if ('why' in to) {
      left.push({
        rule: 'policy-always-true',
        file,
        why:
          `${policyObject(policy)} lets ${rolesOf(policy)} write any row, and ${to.why}: decide who may write, or ` +
          'write -- muse: ignore policy-always-true because <reason>.',
      });
      continue;
    }
    if ('service' in to) edits.push(...setRoles(situation, policy, 'service_role', texts));
    else {
      edits.push(...replaceTrue(situation, policy, to.condition, texts));
      if (policy.roles.length === 0 && to.owner.kind !== 'session')
        edits.push(...setRoles(situation, policy, 'authenticated', texts));
    }
    decisions.push({
      file,
      object: policyObject(policy),
      before: `${rolesOf(policy)}: any row`,
      after:
        'service' in to
          ? 'service_role'
          : `${to.owner.kind === 'session' ? 'signed-in users' : 'authenticated'}: rows with ${to.condition}`,
      reason: 'service' in to ? to.service : `column ${to.owner.column}`,
    });
  }
  return { ...withPlaced(situation, edits, texts, decisions), left };
}

/** What to do about a policy that lets everyone write: who should, only its author knows. */
function whoWrites(policy: string, table: string, provided: Provided = supabase): string {
  const server = provided.roles.has('service_role')
    ? `If only the server writes: ALTER POLICY ${policy} ON ${table} TO service_role; if`
    : 'If';
  return (
    `Compare the row's owner or organization in the policy. ${server} all of those may write any row, as colleagues who share it: ` +
    '-- muse: ignore policy-always-true because <reason>'
  );
}

type Narrowed =
  { service: string } | { owner: Exclude<Owner, { kind: 'service' }>; condition: string } | { why: string };

/** Whom a policy that lets everyone write should be for, or why that needs a manual decision. */
function narrowed(situation: Situation, policy: Policy, table: Table): Narrowed {
  const provided = situation.examined.provided();
  const server = provided.roles.has('service_role');
  if (namesService(saidOf(policy)) && server) return { service: 'its name or comment mentions the service role' };
  if (isUnused(policy, table) && server)
    return { service: 'users have other privileges on the table but none for this, so no one loses access' };
  const owner = ownerOf(table, situation.catalog);
  if (owner.kind === 'service') return { why: 'no column tells who owns a row' };
  if (!isNameable(owner, provided)) return { why: 'the kit has no function that returns the signed-in user' };
  if ((table.columns.get(owner.column)?.site?.piece.order ?? 0) > policy.site.piece.order)
    return { why: `column ${owner.column}, which holds the owner of a row, is added only after it` };
  if (!mayWrite(table, owner))
    return { why: `even in their own rows, users could then write what only the server should` };
  return { owner, condition: conditionFor(owner) };
}

/** Returns whether the files grant users something on the table, but nothing that the policy is for. */
function isUnused(policy: Policy, table: Table): boolean {
  return (
    isGranted(table) &&
    commandsOf(policy).every((command) =>
      ['anon', 'authenticated', 'public'].every((role) => table.grants.get(role)?.has(command) !== true),
    )
  );
}

/** Declares public-read for a policy that lets anonymous visitors read, if its author's words say so. */
function declareShared(
  situation: Situation,
  policy: Policy,
  table: Table | undefined,
  edits: Edit[],
  decisions: Decision[],
): void {
  // Without a role, `policy-without-role` has to decide first.
  if (!policy.roles.includes('anon') || !inFile(situation, policy)) return;
  const words = publicReadWords(policy, table);
  if (words === undefined) return;
  const { source, statement } = policy.site.piece;
  edits.push({
    file: source.migration.file,
    start: statement.start,
    end: statement.start,
    text: declarePublicRead(words),
  });
  decisions.push({
    file: source.migration.file,
    object: policyObject(policy),
    before: `${rolesOf(policy)}: every row`,
    after: 'the same, declared: -- muse: public-read',
    reason: words.quoted,
  });
}

export const rule: Rule = {
  name: 'policy-always-true',
  severity: 'error',
  unless: 'a warning for a policy that only reads',
  found: ['static', 'live'],
  means: 'USING (true) or WITH CHECK (true): the policy lets every row through',
  doc: {
    why:
      'USING (true) on a write lets everyone the policy is for change every row. A policy with a name like ' +
      '"service role can manage" is usually a misunderstanding: the service role needs no policy, and this one ' +
      'opens the table to everyone else.',
    bad: example.replace(
      'USING ((SELECT auth.uid()) = user_id) WITH CHECK ((SELECT auth.uid()) = user_id)',
      'USING (true)',
    ),
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
          (isAlwaysTrue(each.check ?? (each.command === 'insert' ? undefined : each.using)) &&
            commands.some((command) => command === 'insert' || command === 'update'));
        if (!writes && (!reads || declared(run, each.table, 'public-read'))) continue;
        const who = each.roles.length === 0 ? 'anyone, signed in or not,' : each.roles.join(' and ');
        report({
          ...at(each.site),
          object: policyObject(each),
          severity: writes ? 'error' : 'warning',
          message: writes
            ? `Policy "${each.name}" lets ${who} write any row of ${each.table}.`
            : `Policy "${each.name}" lets ${who} read every row of ${each.table}.`,
          suggestion: writes
            ? whoWrites(quoteIdentifier(each.name), quoteQualified(each.table), run.provided())
            : '-- muse: public-read',
        });
      }
    },
  },
  live: {
    policy({ policy, table, object, using, check }, { catalog, expectations }, report) {
      if (!policy.permissive || !isForUsersLive(policy, catalog)) return;
      const clauses = [
        ...(isAlwaysTrueLive(using) ? ['USING (true)'] : []),
        ...(isAlwaysTrueLive(check) ? ['WITH CHECK (true)'] : []),
      ];
      const name = qualifiedName(table);
      const reads = policy.command === 'r';
      if (clauses.length === 0 || (reads && isDeclared(expectations.declarations, name, 'public-read'))) return;
      report({
        object,
        severity: reads ? 'warning' : 'error',
        message:
          `Policy "${policy.name}" on ${name} is ${clauses.join(' and ')}: it lets every role that it applies to ` +
          `${reads ? 'read' : 'write'} every row.`,
        suggestion: reads
          ? "Compare the row's owner or organization, or write -- muse: public-read above the table if everyone may read it."
          : whoWrites(quoteIdentifier(policy.name), relation(table), expectations.provided),
      });
    },
  },
  fix: {
    does:
      "narrows writes to the row's owner or organization if the columns tell who that is, or to service_role if " +
      'its name or comment says so; the rest needs a manual fix',
    stage: 'policies',
    apply,
  },
};
