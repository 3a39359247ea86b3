import type { Finding } from '../../shared/finding.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import { isPlatformSchema, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, nameParts, walk } from '../../rules/engine/live/expression.ts';
import { bodiesCalled, findStaff } from '../catalog/staff.ts';
import { isMoment } from '../fixtures/state-values.ts';
import { makeFinding } from '../report/make-finding.ts';
import { notProven } from '../report/not-proven.ts';
import { isWhoAsks, type Model } from '../catalog/model.ts';
import type { Check, TableReport } from '../report/report.ts';
import { policiesFor } from '../catalog/scope.ts';
import { isTable } from '../catalog/tenancy.ts';
import { isNever } from '../catalog/verb-policies.ts';
import type { Proof } from './prove.ts';
import { holdsRow, type Subject } from './subject.ts';
import { unmetBy } from './unmet.ts';
import { isHolder } from './holders.ts';
import { type Verb, verbs } from './verbs.ts';

const ways: readonly { letter: 'S' | 'I' | 'U' | 'D'; verbs: readonly Verb[]; word: string }[] = [
  { letter: 'S', verbs: ['select'], word: 'read' },
  { letter: 'I', verbs: ['insert', 'insert-state'], word: 'insert' },
  { letter: 'U', verbs: ['update', 'update-all', 'upsert'], word: 'update' },
  { letter: 'D', verbs: ['delete', 'delete-all'], word: 'delete' },
];

/**
 * What policies or grants allow but none of the rows' owners can do. A policy is always intentional, so this is an
 * error. A grant alone is a warning if it was given explicitly (older projects grant everything, TRUNCATE included, to
 * everyone).
 * @param unfilled tables, as `schema.name`, in which no row could be made
 */
export function lockedOut(
  subject: Subject,
  report: TableReport,
  { actors, model, answer }: Pick<Proof, 'actors' | 'model' | 'answer'>,
  unfilled: ReadonlySet<string> = new Set(),
): Finding[] {
  // The rows of a table of bans are not the actors'.
  if (subject.scope.kind === 'service-only' || findStaff(model).bans.has(subject.name)) return [];
  const holders = new Set(actors.filter((actor) => isHolder(actor, subject)).map((actor) => actor.name));
  const signedIn = new Set(actors.filter(({ isAnonymous }) => !isAnonymous).map(({ name }) => name));
  const shut = ways.filter(({ letter, verbs: own }) => {
    const tries = report.checks.filter((check) => own.includes(check.verb) && holders.has(check.actor));
    return tries.length > 0 && tries.every(isShut) && !isDone(letter, report.checks, signedIn);
  });
  // A policy FOR ALL is intended for reading, and for as much of the rest as the grants allow.
  const byPolicy = shut.filter(({ letter }) =>
    policiesFor(subject.table, letter, model).some(
      (policy) =>
        !isNever(policy, letter) &&
        (policy.command !== '*' || letter === 'S' || hasPrivilege(subject, letter, model.userRole)),
    ),
  );
  const byGrant = shut.filter((one) => !byPolicy.includes(one) && isGranted(subject, one.letter, model.userRole));
  const unknown = model.claims.all
    .filter((claim) => claim.isSigned && claim.isUnclear && claim.readers.has(qualifiedName(subject.table)))
    .map(({ name }) => name);
  if (byPolicy.length > 0 && unknown.length > 0) {
    return [
      notProven({
        object: subject.name,
        reason:
          `its policies read ${unknown.join(', ')} of the token, whose expected value is not known, so no one ` +
          `could ${words(byPolicy)}`,
        suggestion:
          `Compare ${unknown.join(', ')} with a constant or a column in the policy itself; or try ${subject.name} ` +
          'by hand with a token that has it.',
      }),
    ];
  }
  const empty = byPolicy.length === 0 ? [] : [...unfilled].filter((name) => isAsked(name, subject, model));
  if (empty.length > 0) {
    return [
      notProven({
        object: subject.name,
        reason: `its policies ask ${empty.join(', ')}, for which no row could be made, so nobody could ${words(byPolicy)}`,
        suggestion: `Prove ${empty.join(', ')} first, or try ${subject.name} by hand.`,
      }),
    ];
  }
  const asked = byPolicy.length === 0 ? [] : rightsAsked(subject, model);
  if (asked.length > 0) {
    return [
      notProven({
        object: subject.name,
        reason: `its policies ask ${asked.join(', ')}, and with the rows that were made up there nobody could ${words(byPolicy)}`,
        suggestion: `Try ${subject.name} by hand as a user to whom ${asked.join(', ')} gives the right.`,
      }),
    ];
  }
  const ranked = byPolicy.filter(({ letter }) => comparesRanks(subject, letter, model));
  if (ranked.length > 0 && ranked.length === byPolicy.length) {
    return [
      notProven({
        object: subject.name,
        reason: `its policies ask whose role is the greater, and with the roles that were made up nobody could ${words(byPolicy)}`,
        suggestion:
          'Try by hand whether an owner can change a membership with a lesser role, and whether a member cannot change ' +
          'one with a greater role.',
      }),
    ];
  }
  const hidden = byPolicy.filter(({ letter }) => comparesContent(subject, letter, model));
  if (hidden.length > 0 && hidden.length === byPolicy.length) {
    return [
      notProven({
        object: subject.name,
        reason:
          `its policies look for the user inside of a value, and in the rows that were made up nobody is there who ` +
          `could ${words(byPolicy)}`,
        suggestion: `Give ${subject.name} a column that holds the user's id; or try it by hand with a row that names a user.`,
      }),
    ];
  }
  const { schema } = subject.table;
  if (byPolicy.length > 0 && model.catalog.schemaUsage[model.userRole]?.includes(schema) !== true) {
    return [
      makeFinding(
        'owner-locked-out',
        subject.name,
        `${subject.name}: policies let users ${words(byPolicy)}, but ${model.userRole} may not use schema ${schema}, ` +
          'so nothing in it is open to users.',
        `If users are meant to: GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${model.userRole};`,
        'warning',
      ),
    ];
  }
  const isGone = !holdsRow(answer.states[subject.state] ?? '', 'a');
  if (isGone && byPolicy.some(({ letter }) => letter !== 'I')) {
    return [
      notProven({
        object: subject.name,
        reason: `the row that was made up is not there, or was deleted again, so nobody could ${words(byPolicy)}`,
        suggestion: `Make its triggers and those of what it refers to keep a plain row, or try ${subject.name} by hand.`,
      }),
    ];
  }
  const unmet = new Map(
    byPolicy
      .filter(({ letter }) => hasPrivilege(subject, letter, model.userRole))
      .map((one) => [one, unmetBy(subject.table, one.letter, model)] as const)
      .filter(([, asked]) => asked.length > 0),
  );
  // Where some of a table is granted and a verb is not, the author has decided, perhaps later than the policy.
  const isWithheld = ({ letter }: Shut): boolean =>
    letter !== 'S' &&
    !hasPrivilege(subject, letter, model.userRole) &&
    ways.some((other) => hasPrivilege(subject, other.letter, model.userRole));
  const withheld = byPolicy.filter(isWithheld);
  const certain = byPolicy.filter((one) => !unmet.has(one) && !isWithheld(one));
  return [
    ...(unmet.size === 0 ? [] : [notMet(subject.name, unmet)]),
    ...(certain.length === 0
      ? []
      : [
          makeFinding(
            'owner-locked-out',
            subject.name,
            `${subject.name} (${subject.scope.text}): policies let users ${words(certain)}, but the row's own owner cannot.`,
            `Give ${model.userRole} the privilege as well (${grantWords(certain)}), and make the policy let the row's owner in.`,
          ),
        ]),
    ...(withheld.length === 0
      ? []
      : [
          makeFinding(
            'owner-locked-out',
            subject.name,
            `${subject.name} (${subject.scope.text}): policies let users ${words(withheld)}, but ${model.userRole} ` +
              'has no privilege for that.',
            `If users are meant to: ${grantWords(withheld)} ON ${subject.into} TO ${model.userRole}; if not, drop the policies for it.`,
            'warning',
          ),
        ]),
    ...(byGrant.length === 0
      ? []
      : [
          makeFinding(
            'owner-locked-out',
            subject.name,
            `${subject.name} (${subject.scope.text}): ${model.userRole} has the privilege to ${words(byGrant)}, ` +
              "but no policy lets the row's owner do that.",
            'Add the policy, or revoke the privilege: REVOKE ' +
              `${byGrant.map(({ letter }) => grantWord[letter]).join(', ')} ON ${subject.into} FROM ` +
              `${model.userRole};`,
            'warning',
          ),
        ]),
  ];
}

/**
 * Tables that the policies ask for rights which a product hands out there, as roles and their permissions: those could be
 * anything. Of users and members it is known what makes them so, but for what a list or JSON says of them.
 */
function rightsAsked({ table }: Subject, model: Model): string[] {
  const { membership, organizations, userTables } = model.tenancy;
  const known = new Set([
    ...userTables,
    ...[membership?.table, organizations].flatMap((one) => (one === undefined ? [] : [qualifiedName(one)])),
  ]);
  const parents = new Set([qualifiedName(table), ...table.constraints.flatMap(({ target }) => target ?? [])]);
  return [...model.tables.values()]
    .filter((one) => isTable(one) && !isPlatformSchema(one.schema) && isAsked(qualifiedName(one), { table }, model))
    .filter((one) => (known.has(qualifiedName(one)) ? asksList(one, model) : !parents.has(qualifiedName(one))))
    .map(qualifiedName);
}

/** The policies ask the table. A bucket has a table of its own, with the policies that go for it. */
function isAsked(name: string, { table }: Pick<Subject, 'table'>, model: Model): boolean {
  return model.dependencies.askers(name).some((asker) => qualifiedName(asker) === qualifiedName(table));
}

function asksList(table: RelationRow, model: Model): boolean {
  const asked = model.dependencies.decidingColumns(qualifiedName(table));
  return table.columns.some(
    ({ name, base, category }) => asked.named.has(name) && (category === 'A' || /^jsonb?$/.test(base)),
  );
}

/** Of memberships: who may change or delete one hangs on which of two roles is the greater. */
function comparesRanks(subject: Subject, letter: Shut['letter'], model: Model): boolean {
  if (subject.table !== model.tenancy.membership?.table || !'UD'.includes(letter)) return false;
  const own = policiesFor(subject.table, letter, model).flatMap(({ using }) =>
    using === null ? [] : [model.parse(using)],
  );
  let found = false;
  walk([...own, ...bodiesCalled(own, model)], (type, node) => {
    found ||=
      type === 'A_Expr' &&
      /^[<>]=?$/.test(nameParts(node['name']).at(-1) ?? '') &&
      !isMoment([node['lexpr'], node['rexpr']]);
  });
  return found;
}

/** A policy looks for the user in a part of a column's value: in JSON, in a list, in a text. */
function comparesContent({ table }: Subject, letter: Shut['letter'], model: Model): boolean {
  const own = new Set(table.columns.map(({ name }) => name));
  let found = false;
  for (const { using, check } of policiesFor(table, letter, model)) {
    for (const sql of [using, check]) {
      walk(sql === null ? undefined : model.parse(sql), (type, node) => {
        if (type !== 'A_Expr' || nameParts(node['name']).at(-1) !== '=') return;
        for (const [side, other] of [
          [node['lexpr'], node['rexpr']],
          [node['rexpr'], node['lexpr']],
        ]) {
          found ||= isWhoAsks(side, model) && columnOf(other) === undefined && readsOwnColumn(other, own);
        }
      });
    }
  }
  return found;
}

function readsOwnColumn(expression: unknown, own: ReadonlySet<string>): boolean {
  let found = false;
  walk(expression, (type, node) => {
    if (type === 'SubLink') return false;
    found ||= type === 'ColumnRef' && own.has(columnOf({ ColumnRef: node })?.name ?? '');
    return undefined;
  });
  return found;
}

type Shut = (typeof ways)[number];

function words(shut: readonly Shut[]): string {
  return shut.map(({ word }) => word).join(', ');
}

function grantWords(shut: readonly Shut[]): string {
  return `GRANT ${shut.map(({ letter }) => grantWord[letter]).join(', ')}`;
}

function isGranted(subject: Subject, letter: Shut['letter'], role: string): boolean {
  return subject.table.grants[role]?.includes('T') !== true && hasPrivilege(subject, letter, role);
}

function hasPrivilege(subject: Subject, letter: Shut['letter'], role: string): boolean {
  return (
    subject.table.grants[role]?.includes(letter) === true ||
    (letter !== 'D' && subject.table.columnGrants[role]?.[letter] !== undefined)
  );
}

/** The gap of verbs whose policies ask for what the made-up rows may not have. */
function notMet(object: string, unmet: ReadonlyMap<Shut, readonly string[]>): Finding {
  const asked = [...new Set([...unmet.values()].flat())].join(', ');
  return notProven({
    object,
    reason: `nobody could ${words([...unmet.keys()])}: no made-up row or user has what its policies ask of ${asked}`,
    suggestion: `Try ${object} by hand with rows and a user that have what its policies ask of ${asked}.`,
  });
}

/** Any user did it, be it to a row of another or under one: the policies do let a user. */
function isDone(letter: Shut['letter'], checks: readonly Check[], users: ReadonlySet<string>): boolean {
  return checks.some(
    ({ verb, actor, outcome }) => verbs[verb].needs === letter && users.has(actor) && outcome === 'allowed',
  );
}

/** Errors have their own findings, and a refusal by a trigger is intentional. */
function isShut(check: Check): boolean {
  return (check.outcome === 'refused' || check.outcome === 'filtered') && check.code?.startsWith('P0') !== true;
}

const grantWord = { S: 'SELECT', I: 'INSERT', U: 'UPDATE', D: 'DELETE' };
