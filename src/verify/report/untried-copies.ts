/** Triggers that may copy a row to where strangers read, and did so for no row that was tried. */
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { onlyCounts } from '../catalog/trigger-values.ts';
import { rowsOfA } from '../probes/labels.ts';
import type { Proof } from '../probes/prove.ts';
import type { Subject } from '../probes/subject.ts';
import type { Gap } from './report.ts';

/** A gap for each table with such triggers, with the first of them. */
export function untriedCopies(proof: Proof): Gap[] {
  const { subjects, copies, model, copied } = proof;
  const byName = new Map(subjects.map((subject) => [subject.name, subject]));
  return subjects.flatMap((subject): Gap[] => {
    const texts = copies.get(subject.name);
    const seen = copied.get(subject.name);
    if (texts === undefined || texts.size === 0 || (seen === undefined && !isStopped(subject, proof))) return [];
    const untried = model.dependencies.sideEffects(subject.name).find(({ table }) => {
      const other = byName.get(table);
      return (
        other !== undefined &&
        seen?.get(table) !== true &&
        isShown(other, proof) &&
        !onlyCounts(subject, other.table, model)
      );
    });
    if (untried === undefined) return [];
    return [
      {
        object: subject.name,
        reason:
          `its trigger ${untried.trigger} may copy rows into ${untried.table}, where others read them, ` +
          'and did so for no row that was tried',
        suggestion:
          'Look at what the trigger asks first, such as a setting or a row of configuration, and at whose rows it copies.',
        isDefiner: true,
      },
    ];
  });
}

/** A stranger reads rows of A in it. */
function isShown({ table }: Subject, { actors, probes, answer }: Proof): boolean {
  const name = qualifiedName(table);
  return answer.cells.some(
    (cell) =>
      probes[cell.probe]!.subject === name &&
      probes[cell.probe]!.verb === 'select' &&
      probes[cell.probe]!.mode === 'read' &&
      actors[cell.actor]!.relation === 'none' &&
      !('code' in cell) &&
      rowsOfA(cell.answer) !== '',
  );
}

/** The policies let its owner write, and then something else ended that: without it, nothing would have to be copied. */
function isStopped({ name }: Subject, { actors, probes, answer }: Proof): boolean {
  return answer.cells.some(
    (cell) =>
      probes[cell.probe]!.subject === name &&
      probes[cell.probe]!.mode === 'write' &&
      actors[cell.actor]!.relation === 'self' &&
      'code' in cell &&
      cell.code !== '42501',
  );
}
