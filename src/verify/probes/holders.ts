/** Who may do something with a row, as far as its owner columns tell. */
import type { Actor } from './actors.ts';
import type { Subject } from './subject.ts';

/** The owners of a row; if rows have no owner, every signed-in user. */
export function isHolder(actor: Actor, subject: Subject): boolean {
  if (actor.isAnonymous) return false;
  return (
    subject.scope.owner === undefined ||
    actor.relation === 'self' ||
    (actor.relation === 'co-member' && subject.scope.owner === 'organization')
  );
}
