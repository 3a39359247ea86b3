/** What a member sees once it has deleted a mark that hid rows of another. */
import { columnsIn, policiesFor } from '../catalog/scope.ts';
import type { FirstRound } from './paths.ts';

/**
 * The reads of rows that name a person, who reads them while the member does not, and whose policies ask for one of the tables that are
 * changed: a mark that makes the rows private may have been deleted.
 */
export function uncoveredReads(
  member: number,
  changed: readonly string[],
  { model, subjects, cells, actors, probes }: FirstRound,
): number[] {
  const asking = model.dependencies.dependents(changed);
  const hidden = new Set(
    subjects
      .filter(
        ({ name, kind, table }) =>
          kind === 'table' &&
          asking.has(name) &&
          !changed.includes(name) &&
          policiesFor(table, 'S', model).some(({ using }) =>
            [...columnsIn(using, table, model)].some((column) =>
              table.columns.some((one) => one.name === column && model.meaningOf(table, one) === 'user'),
            ),
          ),
      )
      .map(({ name }) => name),
  );
  const isSeen = (number: number, isBy: (actor: number) => boolean): boolean =>
    cells.some((cell) => cell.probe === number && isBy(cell.actor) && !('code' in cell) && cell.answer.includes('a'));
  return probes.flatMap(({ subject, verb, mode, actors: by, alike }, number) => {
    const isTried = by.includes(member) || alike?.others.includes(member) === true;
    return hidden.has(subject) &&
      verb === 'select' &&
      mode === 'read' &&
      isTried &&
      isSeen(number, (actor) => actors[actor]!.relation === 'self') &&
      !isSeen(number, (actor) => actor === member)
      ? [number]
      : [];
  });
}
