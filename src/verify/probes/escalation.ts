import type { Finding } from '../../shared/finding.ts';
import { quoteIdentifier } from '../../shared/quote.ts';
import { settingOf } from '../catalog/settings.ts';
import { policiesFor } from '../catalog/scope.ts';
import { type FunctionRow, qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import { authUsers, metadataRoutines, userMetadata } from '../catalog/user-metadata.ts';
import { makeFinding } from '../report/make-finding.ts';
import { type Actor, sqlAs } from './actors.ts';
import type { Gap } from '../report/report.ts';
import type { Obstacle, Opening, Path } from './paths.ts';
import { byHand, type NamedProbe } from './probes.ts';
import type { Proof } from './prove.ts';
import type { Subject } from './subject.ts';
import { isMetadata, verbs } from './verbs.ts';

const ruleOf = {
  reads: 'isolation-escalation',
  writes: 'isolation-escalation',
  loses: 'isolation-write',
  copies: 'isolation-read',
  raises: 'isolation-escalation',
} as const;

/**
 * The findings for what permitted writes opened: one for each rule and each table or function that is written first.
 */
export function escalations(proof: Proof): Finding[] {
  const groups = new Map<string, Opening[]>();
  for (const opening of inOrder(proof.openings, proof)) {
    const probe = firstProbe(opening, proof);
    const what = isMetadata(probe.verb) ? trusting(opening, probe, proof) : probe.subject;
    const key = `${ruleOf[opening.how]} ${what}`;
    groups.set(key, [...(groups.get(key) ?? []), opening]);
  }
  return [...groups.values()].map((openings) => findingOf(openings, proof));
}

/** The story to tell is the shortest, and a stranger's before a member's. */
function inOrder<T extends { path: Path }>(all: readonly T[], { actors }: Proof): T[] {
  const rank = ({ path }: T): number => path.probes.length * 2 + (actors[path.actor]!.relation === 'none' ? 0 : 1);
  return all.toSorted((x, y) => rank(x) - rank(y));
}

function firstProbe(opening: Opening, proof: Proof): NamedProbe {
  return proof.probes[opening.path.probes[0]!]!;
}

function findingOf(openings: readonly Opening[], proof: Proof): Finding {
  const told = openings[0]!;
  const probe = firstProbe(told, proof);
  if (isMetadata(probe.verb)) return metadataFinding(told, probe, proof);
  const subject = proof.subjects.find(({ name }) => name === probe.subject);
  const actor = proof.actors[told.path.actor]!;
  const letter = verbs[probe.verb].letter;
  const policies =
    subject === undefined || letter === 'X' || letter === 'R'
      ? []
      : policiesFor(subject.table, letter, proof.model).map(({ name }) => name);
  const sameStory = openings.filter(
    (one) =>
      one.how === told.how && one.path.actor === told.path.actor && one.path.probes.length === told.path.probes.length,
  );
  const objects = [...new Set(sameStory.map((one) => endOf(one, proof)))];
  const by = policies.length === 0 ? '' : ` Policy ${policies.join(', ')} on ${probe.subject} lets it.`;
  return {
    ...makeFinding(
      ruleOf[told.how],
      probe.subject,
      `${storyOf(told, proof)} ${list(objects)}.${by}`,
      suggestionFor(told, probe, subject, policies, proof),
    ),
    ...(policies[0] === undefined ? {} : { policy: policies[0] }),
    probe: sqlOf(told, actor, proof),
  };
}

/** The function that trusts what users write about themselves: one that a trigger runs, or else one that policies call. */
function trusting(opening: Opening, { verb }: NamedProbe, { model }: Proof): string {
  const { triggers, readers } = metadataRoutines(model);
  const fired = triggers.filter(({ events }) => events.includes(verbs[verb].letter)).map(({ routine }) => routine);
  const asked = model.dependencies;
  const isBehind = (routine: FunctionRow): boolean =>
    [...asked.writtenBy(routine)].some(
      (table) => table === opening.object || asked.dependents([table]).has(opening.object),
    );
  const routine = fired.find(isBehind) ?? readers[0] ?? fired[0];
  return routine === undefined ? authUsers : qualifiedName(routine);
}

function metadataFinding(told: Opening, probe: NamedProbe, proof: Proof): Finding {
  const object = trusting(told, probe, proof);
  return {
    ...makeFinding(
      'policy-trusts-user-metadata',
      object,
      `${storyOf(told, proof)} ${endOf(told, proof)}. ${object} takes that from ${userMetadata}, which users write themselves.`,
      `Let ${object} read raw_app_meta_data, which only the server writes, or an invitation: ${userMetadata} is for names ` +
        'and pictures.',
    ),
    probe: sqlOf(told, proof.actors[told.path.actor]!, proof),
  };
}

/** What is not known of each object, since an error came in the way. */
export function obstacleGaps(proof: Proof): Gap[] {
  const first = new Map<string, Obstacle>();
  for (const obstacle of inOrder(proof.obstacles, proof)) {
    const { subject } = proof.probes[obstacle.probe]!;
    if (!first.has(subject)) first.set(subject, obstacle);
  }
  return [...first].map(([object, { path, probe, code, message }]) => ({
    object,
    reason:
      `${stepsOf(path, proof)}, then meets an error when it ${verbs[proof.probes[probe]!.verb].step} ${object}, ` +
      `so what that opens was not seen: ${message} (${code})`,
    suggestion: `Make what the policies of ${object} call return false instead of an error, and prove it again.`,
  }));
}

/** Who an actor is, in words. */
function wordFor(actor: Actor): string {
  if (actor.isAnonymous) return 'an anonymous visitor';
  if (actor.relation === 'self') return 'the owner';
  if (actor.relation === 'none') return 'a stranger';
  if (actor.relation === 'guest') return 'a guest';
  return actor.memberRole === undefined ? 'a member' : `a member (${actor.memberRole})`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Describes a path: "A stranger adds a row to public.members, then …", up to what is finally reached. */
function storyOf(opening: Opening, proof: Proof): string {
  const isInvited = opening.how === 'raises' && proof.actors[opening.by]!.relation === 'none';
  const told = isInvited
    ? `A user who was invited ${stepsOf(opening.path, proof, '')}`
    : capital(stepsOf(opening.path, proof));
  if (opening.how === 'loses') return `${told}, and rows of others are changed or deleted in`;
  if (opening.how === 'copies') return `${told}, and ${wordFor(proof.actors[opening.by]!)} reads a copy of the row in`;
  if (opening.how === 'raises') return `${told}, and has a privileged role in`;
  return opening.path.told === undefined ? `${told}, then` : told;
}

function stepsOf({ actor, probes, told }: Path, proof: Proof, who = `${wordFor(proof.actors[actor]!)} `): string {
  const stepOf = (number: number): string => {
    const { verb, subject, reads } = proof.probes[number]!;
    return `${reads === undefined ? '' : `reads ${reads.column} in ${reads.table}, then `}${verbs[verb].step} ${subject}`;
  };
  const ofOwner = told === undefined ? '' : `; the owner ${stepOf(told.probe)}, and the stranger`;
  return `${who}${probes.map(stepOf).join(', then ')}${ofOwner}`;
}

function endOf(opening: Opening, proof: Proof): string {
  if (opening.how === 'writes') return `${verbs[proof.probes[opening.probe!]!.verb].step} ${opening.object}`;
  return opening.how === 'reads' ? `reads ${opening.object}` : opening.object;
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function suggestionFor(
  opening: Opening,
  probe: NamedProbe,
  subject: Subject | undefined,
  policies: readonly string[],
  proof: Proof,
): string {
  const role = proof.model.userRole;
  if (opening.how === 'loses' || opening.how === 'copies') {
    const effect =
      subject === undefined
        ? undefined
        : proof.model.dependencies
            .sideEffects(`${subject.table.schema}.${subject.table.name}`)
            .find(({ table }) => table === opening.object);
    const isRule = subject?.table.rules.some(({ name }) => name === effect?.trigger) === true;
    const trigger = effect === undefined ? 'the trigger' : `trigger ${effect.trigger}`;
    const writer = isRule ? `rule ${effect!.trigger}` : `the function of ${trigger}`;
    return opening.how === 'loses'
      ? `Let ${writer} touch only rows of ${opening.object} that belong to the user who writes ${probe.subject}.`
      : `Let ${writer} copy nothing that is private, or narrow the SELECT policy of ` +
          `${opening.object} to those who may read ${probe.subject}.`;
  }
  const routine = proof.callables.find(({ name }) => name === probe.subject)?.routine;
  const settings =
    routine === undefined
      ? []
      : [...proof.model.dependencies.writtenBy(routine)].flatMap((node) => settingOf(node) ?? []);
  if (settings.length > 0)
    return (
      `Policies trust ${list(settings)}, which ${probe.subject} lets its caller write: read what they ask from a ` +
      `table or a signed claim, or revoke EXECUTE from ${role}.`
    );
  if (probe.reads !== undefined)
    return (
      `Let nobody read ${probe.reads.column} in ${probe.reads.table} but those who may give that role: GRANT SELECT on the other columns ` +
      `alone; or let ${probe.subject} ask whom the row is for.`
    );
  if (subject === undefined && opening.how === 'raises')
    return `Let ${probe.subject} take the role from the invitation, not from its caller.`;
  if (subject === undefined)
    return `Check in ${probe.subject} that the caller already belongs to what it is given, or revoke EXECUTE from ${role}.`;
  if (opening.how === 'reads' && opening.object === probe.subject && verbs[probe.verb].linksToA === true)
    return (
      `Let what the triggers of ${relation(subject.table)} read of other tables be only what the user who writes the row may ` +
      `read, or let the WITH CHECK of its policies ask whose the row is that ${relation(subject.table)} names.`
    );
  if (opening.how === 'raises')
    return (
      `Let the WITH CHECK of the policies of ${subject.name} ask whether the user may give that role, as those of ` +
      `${opening.object} do for changes.`
    );
  const asked = [
    ...proof.model.dependencies.decidingColumns(`${subject.table.schema}.${subject.table.name}`).named.keys(),
  ].filter((name) => probe.sql.includes(quoteIdentifier(name)));
  const columns = asked.length === 0 ? 'what the policies of other tables ask' : asked.join(', ');
  const named = policies.length === 0 ? `policies of ${subject.name}` : `policy ${policies.join(', ')}`;
  if (verbs[probe.verb].letter === 'D')
    return (
      `Other tables trust that the rows of ${relation(subject.table)} stay: let the USING of ${named} ask for more ` +
      'than now to delete one.'
    );
  return verbs[probe.verb].letter === 'U'
    ? `Other tables trust ${columns} in ${relation(subject.table)}: take UPDATE on it from ${role} and grant only ` +
        `the columns that users may choose, or hold it in the WITH CHECK of ${named}.`
    : `Other tables trust ${columns} in ${relation(subject.table)}: let the WITH CHECK of ${named} ask whether the ` +
        'user already belongs there, or was invited, or leave the write to a function that does.';
}

/** The statements, to try by hand as that user. */
function sqlOf(opening: Opening, actor: Actor, proof: Proof): string {
  const { probes, told } = opening.path;
  const numbers = opening.probe === undefined ? probes : [...probes, opening.probe];
  return [
    ...numbers.map((number) => [number, actor] as const),
    ...(told === undefined ? [] : [[told.probe, proof.actors[told.actor]!] as const]),
  ]
    .map(([number, by]) => `${sqlAs(byHand(proof.probes[number]!), by)};`)
    .join('\n');
}
