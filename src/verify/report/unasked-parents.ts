/** Rows that strangers add under what is another's and what they cannot even see, and which appear there. */
import type { Finding } from '../../shared/finding.ts';
import { type ConstraintRow, qualifiedName, relation, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Model } from '../catalog/model.ts';
import { policiesFor } from '../catalog/scope.ts';
import { ownedParents } from '../probes/moved.ts';
import type { Proof } from '../probes/prove.ts';
import type { Subject } from '../probes/subject.ts';
import { makeFinding } from './make-finding.ts';
import type { Check, TableReport } from './report.ts';

/**
 * The warnings about a table: a stranger links a row of its own to a parent of A that it does not read, while A reads such rows.
 * Users, organizations and public rows may be linked to by anyone: that is how friends and invitations are asked for.
 */
export function unaskedParents(subject: Subject, reports: readonly TableReport[], proof: Proof): Finding[] {
  const { model, actors } = proof;
  const checksOf = (name: string): readonly Check[] => reports.find(({ table }) => table === name)?.checks ?? [];
  const checks = checksOf(subject.name);
  const isSeen = checks.some(
    ({ actor, verb, outcome, rows }) =>
      verb === 'select' &&
      outcome === 'allowed' &&
      rows?.includes('m') === true &&
      actors.some(({ name, relation: related }) => name === actor && related === 'self'),
  );
  // The row that is partly A's differs from what the stranger adds where more than the user says whose it is.
  const isUsers = subject.scope.owner === 'user' && subject.scope.parent === undefined;
  if (subject.kind !== 'table' || !isUsers || !isSeen) return [];
  return ownedParents(subject, model).flatMap(({ key, parent }): Finding[] => {
    const isBlind = (actor: string): boolean => {
      const reads = checksOf(qualifiedName(parent)).filter((check) => check.actor === actor && check.verb === 'select');
      return (
        reads.length > 0 && !reads.some(({ outcome, rows }) => outcome === 'allowed' && rows?.includes('a') === true)
      );
    };
    const who = checks
      .filter(({ verb, outcome, expected }) => verb === 'insert-cross' && outcome === 'allowed' && expected === 'may')
      .map(({ actor }) => actor)
      .filter((name) => actors.some((one) => one.name === name && one.relation === 'none') && isBlind(name));
    if (who.length === 0) return [];
    // Who does not even read what it adds there writes into a place of others.
    const isUnseen = who.every((name) =>
      checks.some(({ actor, verb, code }) => actor === name && verb === 'insert-unseen' && code === '42501'),
    );
    return [unaskedParent(subject, { key, parent, who, isUnseen }, model)];
  });
}

/** The same of a tree: a stranger adds a row of its own below a row of A of the same table. */
export function unaskedPlaces({ below, actors, model }: Proof): Finding[] {
  return below.map(({ tree, key, actor, isUnseen }) =>
    unaskedParent(tree, { key, parent: tree.table, who: [actors[actor]!.name], isUnseen }, model),
  );
}

function unaskedParent(
  subject: Subject,
  {
    key,
    parent,
    who,
    isUnseen,
  }: { key: ConstraintRow; parent: RelationRow; who: readonly string[]; isUnseen: boolean },
  model: Model,
): Finding {
  const [policy] = policiesFor(subject.table, 'I', model).map(({ name }) => name);
  return {
    ...makeFinding(
      'isolation-insert',
      subject.name,
      `${subject.name}: ${who.join(', ')} adds rows under rows of ${qualifiedName(parent)} that it cannot see, and their owner ` +
        `reads them there${isUnseen ? ', which it does not itself' : ''}.${policy === undefined ? '' : ` Policy ${policy} lets it.`}`,
      `Let the WITH CHECK ask about the parent as well: EXISTS (SELECT FROM ${relation(parent)} as parent WHERE ` +
        `${matching(key, 'parent', subject)}) — it finds only rows that the user may ` +
        'read. Or, if anyone may write there, as in a mailbox, write: -- muse: ignore isolation-insert because <reason>',
      isUnseen ? undefined : 'warning',
    ),
    ...(policy === undefined ? {} : { policy }),
  };
}

function matching(
  { columns, targetColumns }: Subject['table']['constraints'][number],
  alias: string,
  { table }: Subject,
): string {
  return columns.map((name, index) => `${alias}.${targetColumns?.[index] ?? ''} = ${table.name}.${name}`).join(' AND ');
}
