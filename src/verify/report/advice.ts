import { type PolicyRow, qualifiedName, relation, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import type { RuleName } from '../../rules/registry.ts';
import { walk } from '../../rules/engine/live/expression.ts';
import { endedColumns } from '../catalog/ended-seats.ts';
import { isFormer } from '../fixtures/people.ts';
import { isWhoAsks, type Model } from '../catalog/model.ts';
import { isAddressName } from '../catalog/personal-names.ts';
import { rowsOfA } from '../probes/labels.ts';
import { labelledRows, userColumnsOf, type Subject } from '../probes/subject.ts';
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
      suggestion:
        'Turn row-level security on, and write policies for those who may use the table: ' +
        `ALTER TABLE ${relation(table)} ENABLE ROW LEVEL SECURITY;`,
    };
  }
  const letters = [...new Set(checks.map(({ verb }) => verbs[verb].letter))].filter((letter) => letter !== 'X');
  const held = letters.flatMap((letter) => policiesOf(table, clauses[letter][0], isAnonymous, model));
  const loose = held.filter((policy) => !looksAtAsker(policy, table, model));
  const policies = [...new Set((loose.length > 0 ? loose : held).map(({ name }) => name))];
  if (policies.length === 0) return undefined;
  const named = policies.map((name) => quoteIdentifier(onOneLine(name))).join(', ');
  const clause = [...new Set(letters.map((letter) => clauses[letter][1]))].join(' and ');
  const many = policies.length > 1;
  if (letters.every((letter) => letter === 'R') && checks.every((check) => meetsOwnerless(check, subject)))
    return {
      policies,
      suggestion:
        `${takenByWhom(subject.table, subject.scope.columns)} in the USING of ${many ? 'policies' : 'policy'} ${named}. ` +
        `Or, if anyone may take any of them, write: -- muse: ignore ${rule} because <reason>`,
    };
  const left = checks.every(({ actor }) => isFormer(actor)) ? endedColumns(model).map(({ name }) => name) : [];
  const ended = left.map((name) => `${quoteIdentifier(name)} IS NULL`).join(' AND ');
  const closing =
    left.length > 0
      ? `Let ${many ? 'policies' : 'policy'} ${named}, or a helper, ask of the membership: ${ended}.`
      : isAnonymous
        ? `Give ${many ? 'policies' : 'policy'} ${named} TO ${model.userRole}.`
        : `Compare ${ownerOf(subject, letters, model)} in the ${clause} of ${many ? 'policies' : 'policy'} ${named}.`;
  // Of a policy that means its own users, the line would silence the very mistake in it.
  const isMeant = left.length === 0 && loose.length > 0 && letters.every((letter) => letter === 'S');
  return {
    policies,
    suggestion: isMeant
      ? `${closing} Or, if everyone may read what ${many ? 'they let' : 'it lets'} through, write above CREATE POLICY: -- muse: public-read`
      : closing,
  };
}

/** It only takes rows that have no owner. */
function meetsOwnerless({ rows = '' }: Check, subject: Subject): boolean {
  const states = new Map(labelledRows(subject));
  const letters = [...rowsOfA(rows)];
  return letters.length > 0 && letters.every((letter) => states.get(letter)?.isOwnerless === true);
}

/** Who may take a row without an owner: who was told its code, or has the address in it. */
function takenByWhom({ columns }: RelationRow, owners: readonly string[]): string {
  const address = columns.find(({ name, category }) => category === 'S' && isAddressName(name))?.name;
  const isFree = owners.map((name) => `${quoteIdentifier(name)} IS NULL`).join(' AND ');
  const by =
    address === undefined
      ? 'a code that the row has and only they were told'
      : `their own address (${quoteIdentifier(address)} = (select auth.jwt() ->> 'email'))`;
  return `Beside ${isFree}, ask those who take such a row for ${by}`;
}

/** A name may hold line breaks. */
export function onOneLine(name: string): string {
  return name.replaceAll(/\s+/g, ' ').trim();
}

/** The policies that let such users do a command, but for those beside which it is declared that everyone may read. */
function policiesOf(table: RelationRow, command: string, isAnonymous: boolean, model: Model): PolicyRow[] {
  const declared = new Set(
    model.declarations.flatMap((one) =>
      one.scope === 'public-read' && one.table === qualifiedName(table) ? [one.policy ?? ''] : [],
    ),
  );
  return table.policies.filter(
    (policy) =>
      policy.permissive &&
      policy.using !== 'false' &&
      (policy.command === command || policy.command === '*') &&
      !(command === 'r' && declared.has(policy.name)) &&
      policy.roles.some((role) => role === 'public' || role === (isAnonymous ? 'anon' : model.userRole)),
  );
}

/** Who asks decides what it lets through; to be signed in is not enough for that. */
function looksAtAsker(policy: PolicyRow, table: RelationRow, model: Model): boolean {
  const facts = model.policyFacts(table).find((one) => one.policy === policy);
  if (facts !== undefined && (facts.userColumns.length > 0 || facts.membership)) return true;
  let looks = false;
  for (const sql of [policy.using, policy.check])
    walk(sql === null ? undefined : model.parse(sql), (type, node) => {
      looks ||= type === 'FuncCall' && isWhoAsks({ FuncCall: node }, model);
      return !looks && type !== 'NullTest';
    });
  return looks;
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
  if (subject.kind === 'bucket')
    return scope.columns.includes('name')
      ? 'the folder in the name with who asks'
      : `${scope.columns.join(', ')} with (select auth.uid())`;
  const users = subject.isTenants && letters.includes('I') ? askedOf(subject, model) : [];
  const columns = users.length > 0 ? users : scope.columns;
  if (columns.length === 0) return 'the row with who asks';
  const text = columns.map(quoteIdentifier).join(', ');
  if (scope.parent !== undefined) return `who owns the row of ${scope.parent} that ${text} points at with who asks`;
  return scope.owner === 'user' || users.length > 0
    ? `${text} with (select auth.uid())`
    : `${text} with the organizations of who asks`;
}
