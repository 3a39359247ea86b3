import type { Actor } from './actors.ts';
import type { Model } from '../catalog/model.ts';
import { isMightyRole, mightyColumn } from './probe-raise.ts';
import type { Check } from '../report/report.ts';
import type { Subject } from './subject.ts';
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Verb } from './verbs.ts';

type Expected = Check['expected'];

const writesInOwnName = new Set<Verb>(['insert', 'insert-returning', 'insert-as', 'insert-cross', 'relink', 'relink-all']);

/** What the scope of the subject says of a verb by an actor. */
export function expectedOf(subject: Subject, actor: Actor, verb: Verb, model: Model): Expected {
  const { scope } = subject;
  if (verb === 'promote') return isRuler(actor) ? 'may' : 'no';
  if (scope.kind === 'service-only') return 'no';
  // Who holds rows in both organizations may move them, as far as policies allow it.
  if (actor.isBridge && scope.owner === 'organization') return 'may';
  if (verb === 'select') return expectedRead(subject, actor);
  if (verb === 'insert-forged' || verb === 'give' || verb === 'give-all' || verb === 'take' || verb === 'take-all') return 'no';
  if (actor.isAnonymous || scope.owner === undefined) return 'no';
  if (isRoleTable(subject, model)) return 'no';
  // In its own name anyone may add rows, if the policies let it.
  if (writesInOwnName.has(verb)) return membershipWrite(subject, actor, verb, model);
  if (actor.relation === 'none') return 'no';
  if (actor.relation === 'fellow' && scope.owner === 'user') return scope.fellowsWrite ? 'may' : 'no';
  return membershipWrite(subject, actor, verb, model);
}

function expectedRead({ scope }: Subject, actor: Actor): Expected {
  if (scope.kind === 'public-read') return 'may';
  if (actor.isAnonymous) return 'no';
  if (scope.kind === 'unowned' || actor.relation === 'self') return 'may';
  if (actor.relation === 'fellow') return scope.kind === 'organization' || scope.fellowsRead ? 'may' : 'no';
  return 'no';
}

function isRuler(actor: Actor): boolean {
  return isMightyRole(actor.name.split(':')[1]);
}

/** Ordinary members of an organization do not decide who is in it, with which role. */
function membershipWrite(subject: Subject, actor: Actor, verb: Verb, model: Model): Expected {
  const { membership } = model.tenancy;
  const decides = actor.relation === 'self' || isRuler(actor) || membership?.role === undefined || actor.name === 'member';
  if (subject.table === membership?.table && !decides) return verb === 'insert-cross' || verb.startsWith('relink') ? 'may' : 'no';
  if (subject.table === model.tenancy.organizations && actor.relation === 'fellow' && verb.startsWith('delete') && !decides) return 'no';
  return 'may';
}

/** A table that gives users roles over the whole product: nobody writes its own. */
function isRoleTable(subject: Subject, model: Model): boolean {
  return subject.scope.owner === 'user' && /role|admin/.test(subject.table.name) && mightyColumn(subject, model) !== undefined
    && !model.tenancy.userTables.has(qualifiedName(subject.table));
}
