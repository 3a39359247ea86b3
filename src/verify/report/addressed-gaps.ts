/** Rows that anyone adds for another under its own name, which only the author can say is meant. */
import { senderColumns } from '../catalog/addressed.ts';
import type { Model } from '../catalog/model.ts';
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { takesHandedIn } from '../catalog/handed-in.ts';
import { policiesFor } from '../catalog/scope.ts';
import type { Proof } from '../probes/prove.ts';
import type { Subject } from '../probes/subject.ts';
import type { Gap, TableReport } from './report.ts';

/** The gap of a table in which users add rows for others; undefined where none does. */
export function addressedGap(subject: Subject, { checks }: TableReport, { model, actors }: Proof): Gap | undefined {
  const { table, scope, name } = subject;
  const parent = subject.kind === 'table' ? takesHandedIn(table, scope, model) : undefined;
  if (parent !== undefined) return handedInGap(subject, parent, checks, model);
  const senders = subject.kind === 'table' ? senderColumns(table, scope, model) : [];
  const who = checks.flatMap(({ verb, outcome, actor }) =>
    verb === 'insert-forged' && outcome === 'allowed' && actors.some((one) => one.name === actor && !one.isAnonymous)
      ? [actor]
      : [],
  );
  if (senders.length === 0 || who.length === 0) return undefined;
  const owner = scope.columns.join(', ');
  const policies = policiesFor(table, 'I', model).map((policy) => policy.name);
  return {
    object: name,
    reason:
      `${who.join(', ')} adds rows for ${scope.owner === 'user' ? 'any other user' : 'organizations that it is not in'}: policy ` +
      `${policies.join(', ')} asks for the caller in ${senders.join(', ')} and lets ${owner} be anyone's`,
    suggestion:
      `If anyone may write to others that way, as with messages and requests to join, say so: -- muse: ignore not-proven because ` +
      `<reason>. If not, compare ${owner} with ${scope.owner === 'user' ? 'the caller' : "the caller's organizations"} in the WITH CHECK.`,
  };
}

/** The same where anyone hands in rows for what is open. */
function handedInGap(
  { table, name }: Subject,
  parent: RelationRow,
  checks: TableReport['checks'],
  model: Model,
): Gap | undefined {
  const who = checks.flatMap(({ verb, outcome, actor }) =>
    /^insert(-forged)?$/.test(verb) && outcome === 'allowed' && actor !== 'owner' ? [actor] : [],
  );
  if (who.length === 0) return undefined;
  const policies = policiesFor(table, 'I', model).map((policy) => policy.name);
  return {
    object: name,
    reason:
      `${[...new Set(who)].join(', ')} adds rows for what is open in ${qualifiedName(parent)}: policy ` +
      `${policies.join(', ')} asks only whether it is open`,
    suggestion:
      'If anyone may hand in rows there, as answers to a form, say so: -- muse: ignore not-proven because <reason>. If not, compare ' +
      'who asks in the WITH CHECK.',
  };
}
