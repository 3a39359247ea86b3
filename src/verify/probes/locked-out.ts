import type { Finding } from '../../shared/finding.ts';
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Actor } from './actors.ts';
import { makeFinding } from '../report/make-finding.ts';
import { notProven } from '../report/not-proven.ts';
import type { Model } from '../catalog/model.ts';
import type { Check, TableReport } from '../report/report.ts';
import { policiesFor } from '../catalog/scope.ts';
import type { Subject } from './subject.ts';
import type { Verb } from './verbs.ts';

const verbs: readonly { letter: 'S' | 'I' | 'U' | 'D'; verbs: readonly Verb[]; word: string }[] = [
  { letter: 'S', verbs: ['select'], word: 'read' },
  { letter: 'I', verbs: ['insert'], word: 'insert' },
  { letter: 'U', verbs: ['update', 'update-all', 'upsert'], word: 'update' },
  { letter: 'D', verbs: ['delete', 'delete-all'], word: 'delete' },
];

/**
 * What policies or grants allow but none of the rows' owners can do. A policy is always intentional, so this is an
 * error. A grant alone is a warning if it was given explicitly (older projects grant everything, TRUNCATE included, to
 * everyone).
 */
export function lockedOut(subject: Subject, report: TableReport, actors: readonly Actor[], model: Model): Finding[] {
  if (subject.scope.kind === 'service-only') return [];
  const holders = new Set(actors.filter((actor) => isHolder(actor, subject)).map((actor) => actor.name));
  const shut = verbs.filter(({ verbs }) => {
    const tries = report.checks.filter((check) => verbs.includes(check.verb) && holders.has(check.actor));
    return tries.length > 0 && tries.every(isShut);
  });
  // A policy FOR ALL is intended for reading, and for as much of the rest as the grants allow.
  const byPolicy = shut.filter(({ letter }) =>
    policiesFor(subject.table, letter, model).some(
      (policy) => policy.command !== '*' || letter === 'S' || hasPrivilege(subject, letter, model.userRole),
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
  return [
    ...(byPolicy.length === 0
      ? []
      : [
          makeFinding(
            'owner-locked-out',
            subject.name,
            `${subject.name} (${subject.scope.text}): policies let users ${words(byPolicy)}, but the row's own owner cannot.`,
            `Give ${model.userRole} the privilege as well (${grantWords(byPolicy)}), and make the policy let the row's owner in.`,
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

type Shut = (typeof verbs)[number];

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

/** Errors have their own findings, and a refusal by a trigger is intentional. */
function isShut(check: Check): boolean {
  return (check.outcome === 'refused' || check.outcome === 'filtered') && check.code?.startsWith('P0') !== true;
}

const grantWord = { S: 'SELECT', I: 'INSERT', U: 'UPDATE', D: 'DELETE' };

/** The owners of a row; if rows have no owner, every signed-in user. */
function isHolder(actor: Actor, subject: Subject): boolean {
  if (actor.isAnonymous) return false;
  return (
    subject.scope.owner === undefined ||
    actor.relation === 'self' ||
    (actor.relation === 'co-member' && subject.scope.owner === 'organization')
  );
}
