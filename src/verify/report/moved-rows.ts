/** Rows that strangers move under what is another's, where the policies would let them add none. */
import type { Finding } from '../../shared/finding.ts';
import { policiesFor } from '../catalog/scope.ts';
import type { Proof } from '../probes/prove.ts';
import type { Subject } from '../probes/subject.ts';
import { makeFinding } from './make-finding.ts';
import { rowsOfA } from '../probes/labels.ts';
import { cellsOf } from './reports.ts';

/** A link that no new row of the actor's may have, by the policies, was made by an update of the row that the actor has. */
export function movedRows(subject: Subject, proof: Proof): Finding[] {
  const cells = cellsOf(subject.name, proof);
  const isAdding = (name: string): boolean =>
    cells.some(
      ({ actor, verb, cell }) => actor.name === name && verb === 'insert' && !('code' in cell) && cell.touched > 0,
    );
  const nobodyAdds = policiesFor(subject.table, 'I', proof.model).length === 0;
  /** It reads nothing there, so that what it puts there is gone for it. */
  const isBlindTo = (name: string): boolean =>
    cells.some(
      ({ actor, verb, cell }) =>
        actor.name === name && verb === 'select' && !('code' in cell) && rowsOfA(cell.answer) === '',
    );
  const moved = cells.filter(
    ({ actor, verb, cell, probe: { state } }) =>
      verb === 'move' &&
      !('code' in cell) &&
      cell.touched > 0 &&
      cell.state === 'true' &&
      (nobodyAdds
        ? isBlindTo(actor.name)
        : isAdding(actor.name) &&
          cells.some(
            (other) =>
              other.verb === 'insert-moved' &&
              other.actor === actor &&
              other.probe.state === state &&
              'code' in other.cell &&
              other.cell.code === '42501',
          )),
  );
  const [first] = moved;
  if (first === undefined) return [];
  const columns = [...new Set(moved.map(({ probe: { state } }) => state.slice(subject.name.length + 1)))];
  const who = [...new Set(moved.map(({ actor }) => actor.name))];
  const [inserting, updating] = (['I', 'U'] as const).map(
    (letter) => policiesFor(subject.table, letter, proof.model).map(({ name }) => name)[0] ?? '',
  );
  return [
    {
      ...makeFinding(
        'isolation-reassign',
        subject.name,
        `${subject.name}: ${who.join(', ')} moves its own row under a row of others by ${columns.join(', ')}, where it may ` +
          `${nobodyAdds ? 'read' : 'add'} none. Policy ${updating} lets it.`,
        `Let the WITH CHECK of policy ${updating} ask what ${nobodyAdds ? 'its USING' : `that of policy ${inserting}`} asks about ` +
          `${columns.join(', ')}, or grant ` +
          'UPDATE on the other columns only.',
      ),
      policy: updating ?? '',
      probe: `${first.probe.sql};`,
    },
  ];
}
