import type { Finding } from '../finding.ts';
import type { Actor } from './actors.ts';
import { makeFinding } from './make-finding.ts';
import type { Model } from './model.ts';
import type { TableReport } from './report.ts';
import { policiesFor } from './scope.ts';
import type { Subject } from './subject.ts';
import type { Verb } from './verbs.ts';

const verbs: readonly { letter: 'S' | 'I' | 'U' | 'D'; verbs: readonly Verb[]; word: string }[] = [
  { letter: 'S', verbs: ['select'], word: 'read' },
  { letter: 'I', verbs: ['insert'], word: 'insert' },
  { letter: 'U', verbs: ['update', 'update-all', 'upsert'], word: 'update' },
  { letter: 'D', verbs: ['delete', 'delete-all'], word: 'delete' },
];

/**
 * What policies or grants mean to allow and nobody whose rows they are can do. A policy is always meant; a grant alone is meant
 * where it was given by hand: older projects grant everything, TRUNCATE included, to everybody.
 */
export function lockedOut(subject: Subject, report: TableReport, actors: readonly Actor[], model: Model): Finding[] {
  const holders = new Set(actors.filter((actor) => isHolder(actor, subject)).map((actor) => actor.name));
  const grants = subject.table.grants[model.userRole] ?? '';
  const columns = subject.table.columnGrants[model.userRole] ?? {};
  const isHandMade = !grants.includes('T');
  const shut = verbs.filter(({ letter, verbs }) => {
    const isGranted = grants.includes(letter) || (letter !== 'D' && columns[letter] !== undefined);
    const isMeant = policiesFor(subject.table, letter, model).length > 0 || (isGranted && isHandMade);
    const tries = report.checks.filter((check) => verbs.includes(check.verb) && holders.has(check.actor));
    return isMeant && tries.length > 0 && tries.every((check) => check.outcome !== 'allowed' && check.code?.startsWith('P0') !== true);
  });
  if (shut.length === 0 || subject.scope.kind === 'service-only') return [];
  const words = shut.map(({ word }) => word).join(', ');
  return [makeFinding(
    'owner-locked-out', subject.name,
    `${subject.name} (${subject.scope.text}): policies or grants mean users to ${words}, but nobody whose row it is can.`,
    `Give ${model.userRole} both: the privilege (GRANT ${shut.map(({ letter }) => grantWord[letter]).join(', ')}) and a policy that lets the owner in; or take both away.`,
  )];
}

const grantWord = { S: 'SELECT', I: 'INSERT', U: 'UPDATE', D: 'DELETE' };

/** Whose row it is; where a row is nobody's, everyone who is signed in. */
function isHolder(actor: Actor, subject: Subject): boolean {
  if (actor.isAnonymous) return false;
  return subject.scope.owner === undefined || actor.relation === 'self' || (actor.relation === 'fellow' && subject.scope.owner === 'organization');
}
