import { type PolicyRow, qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import type { RuleName } from '../../rules/registry.ts';
import type { Model } from '../catalog/model.ts';
import { userColumnsOf, type Subject } from '../probes/subject.ts';
import { verbs } from '../probes/verbs.ts';
import type { Check } from './report.ts';

/** The policies that let something through that they should not, and what to write instead in the table's own terms. */
export interface Advice {
  policies: string[];
  suggestion: string;
}

/** What is checked of which row, by the letter of the verb. */
const clauses = {
  S: ['r', 'USING'],
  I: ['a', 'WITH CHECK'],
  U: ['w', 'USING'],
  D: ['d', 'USING'],
  R: ['w', 'WITH CHECK'],
} as const;

/**
 * What to do about broken checks of one rule on a table or bucket; undefined where no policy is to blame: of a view, a function,
 * an error.
 */
export function adviceOn(
  rule: RuleName,
  checks: readonly Check[],
  subject: Subject | undefined,
  isAnonymous: boolean,
  model: Model,
): Advice | undefined {
  if (subject === undefined || subject.kind === 'view' || rule === 'policy-error') return undefined;
  const { table } = subject;
  if (!table.rls) {
    return {
      policies: [],
      suggestion: `Turn row-level security on, and write policies for those who may use the table: ALTER TABLE ${relation(table)} ENABLE ROW LEVEL SECURITY;`,
    };
  }
  const letters = [...new Set(checks.map(({ verb }) => verbs[verb].letter))].filter((letter) => letter !== 'X');
  const blamed = letters.flatMap((letter) => blame(table.policies, clauses[letter][0], isAnonymous, subject, model));
  const policies = [...new Set(blamed.map(({ name }) => name))];
  if (policies.length === 0) return undefined;
  const named = `policy ${policies.map(quoteIdentifier).join(', ')}`;
  const clause = [...new Set(letters.map((letter) => clauses[letter][1]))].join(' and ');
  const role = isAnonymous
    ? `give it TO ${model.userRole}`
    : `compare ${ownerOf(subject, letters, model)} in its ${clause}`;
  const each = policies.length === 1 ? role : role.replace('give it', 'give each').replace('its', 'their');
  return {
    policies,
    suggestion: letters.every((letter) => letter === 'S')
      ? `If everyone may read what ${named} lets through, write this line above its CREATE POLICY: -- muse: public-read. If not, ${each}.`
      : `In ${named}: ${each}.`,
  };
}

/** Of the policies that hold for a command and are not declared to be for everyone, those which do not look at who asks; where all do, all of them. */
function blame(
  policies: readonly PolicyRow[],
  command: string,
  isAnonymous: boolean,
  { table }: Subject,
  model: Model,
): PolicyRow[] {
  const declared = new Set(
    model.declarations.flatMap((one) =>
      one.scope === 'public-read' && one.table === qualifiedName(table) ? [one.policy ?? ''] : [],
    ),
  );
  const facts = new Map(model.policyFacts(table).map((one) => [one.policy, one]));
  const held = policies.filter(
    (policy) =>
      policy.permissive &&
      policy.using !== 'false' &&
      (policy.command === command || policy.command === '*') &&
      !(command === 'r' && declared.has(policy.name)) &&
      policy.roles.some((role) => role === 'public' || role === (isAnonymous ? 'anon' : model.userRole)),
  );
  const loose = held.filter((policy) => {
    const { userColumns = [], membership = false } = facts.get(policy) ?? {};
    return userColumns.length === 0 && !membership;
  });
  return loose.length > 0 ? loose : held;
}

/** The columns of users, and those alone where there are any that policies compare with who asks. */
function askedOf(subject: Subject, model: Model): string[] {
  const all = userColumnsOf(subject, model);
  const asked = new Set(model.policyFacts(subject.table).flatMap(({ userColumns }) => userColumns));
  return all.some((name) => asked.has(name)) ? all.filter((name) => asked.has(name)) : all;
}

/** What is to be compared with whom. */
function ownerOf(subject: Subject, letters: readonly string[], model: Model): string {
  const { scope } = subject;
  if (subject.kind === 'bucket') return 'the folder in the name with who asks';
  const users = subject.isTenants && letters.includes('I') ? askedOf(subject, model) : [];
  const columns = users.length > 0 ? users : scope.columns;
  if (columns.length === 0) return 'the row with who asks';
  const text = columns.map(quoteIdentifier).join(', ');
  if (scope.parent !== undefined) return `who owns the row of ${scope.parent} that ${text} points at with who asks`;
  return scope.owner === 'user' || users.length > 0
    ? `${text} with (select auth.uid())`
    : `${text} with the organizations of who asks`;
}
