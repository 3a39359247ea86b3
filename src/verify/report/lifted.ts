/** Rows that hold users back, as blocks and bans do, and that those can take off. */
import type { Finding } from '../../shared/finding.ts';
import { policiesFor } from '../catalog/scope.ts';
import { sqlAs } from '../probes/actors.ts';
import type { Lift } from '../probes/held.ts';
import { byHand } from '../probes/probes.ts';
import type { Proof } from '../probes/prove.ts';
import { verbs } from '../probes/verbs.ts';
import { makeFinding } from './make-finding.ts';
import type { Gap } from './report.ts';

/** One finding for each table of such rows. */
export function liftFindings(proof: Proof): Finding[] {
  return firstOfEach(proof.lifts.filter(({ isChosen }) => !isChosen)).map((lift): Finding => {
    const { subject, asker, column, probes, actor, isSeat } = lift;
    const probe = proof.probes[probes.lift]!;
    const letter = verbs[probe.verb].letter;
    const policies = policiesFor(subject.table, letter, proof.model).map(({ name }) => name);
    const by = policies.length === 0 ? '' : ` Policy ${policies.join(', ')} on ${subject.name} lets it.`;
    // The row of a ban is about the one who is banned, that of a block is the blocker's.
    const isOthers = subject.belongs.every((one) => one.column !== column);
    return {
      ...makeFinding(
        isOthers && !isSeat ? 'isolation-write' : 'isolation-escalation',
        subject.name,
        `A stranger whom a row of ${subject.name} ${isSeat ? 'no longer lets in' : 'holds back'} (${column}) ${whatItDoes(letter)}, then ` +
          `${verbs[proof.probes[probes.again]!.verb].step} ${asker.name} as before.${by}`,
        `Let only those who may hold a user back ${letter === 'I' ? 'add' : letter === 'U' ? 'change' : 'delete'} such a row: ` +
          `${letter === 'I' ? 'ask in the WITH CHECK for more than' : 'leave'} ${column} ${letter === 'I' ? '' : 'out of the USING '}` +
          `${policies.length === 0 ? 'there' : `of policy ${policies.join(', ')}`}.`,
      ),
      ...(policies[0] === undefined ? {} : { policy: policies[0] }),
      probe: [probes.lift, probes.again]
        .map((number) => `${sqlAs(byHand(proof.probes[number]!), proof.actors[actor]!)};`)
        .join('\n'),
    };
  });
}

/** What users may put there and take away themselves: only the author knows whether it is there to hold them back. */
export function liftGaps(proof: Proof): Gap[] {
  const told = new Set(proof.lifts.filter(({ isChosen }) => !isChosen).map(({ subject }) => subject));
  return firstOfEach(proof.lifts.filter(({ isChosen, subject }) => isChosen && !told.has(subject))).map(
    ({ subject, asker, column, probes }) => {
      const letter = verbs[proof.probes[probes.lift]!.verb].letter;
      const what = letter === 'D' ? 'delete such a row' : letter === 'U' ? 'change such a row' : 'add another such row';
      return {
        object: subject.name,
        reason:
          `a row of it keeps the user in ${column} from what ${asker.name} lets others do, and that user can make it and ${what}: ` +
          'whether it is there to hold users back is not known',
        suggestion:
          `If it is, take that from ${proof.model.userRole}; if it is the user's own choice, write: ` +
          '-- muse: ignore not-proven because <reason>',
      };
    },
  );
}

function firstOfEach(lifts: readonly Lift[]): Lift[] {
  return [...new Map(lifts.toReversed().map((lift) => [lift.subject.name, lift])).values()];
}

function whatItDoes(letter: string): string {
  if (letter === 'D') return 'deletes it';
  return letter === 'U' ? 'changes it' : 'adds another one that counts instead';
}
