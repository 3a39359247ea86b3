/** What is known of the first round of a proof, by what later rounds ask for. */
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Callable } from '../catalog/functions.ts';
import type { FirstRound, Path } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Cell } from './run-script.ts';
import type { Subject } from './subject.ts';
import { verbs } from './verbs.ts';

export class Round {
  protected readonly first: FirstRound;
  protected readonly subjects: ReadonlyMap<string, Subject>;
  protected readonly callables: ReadonlyMap<string, Callable>;
  /** By the numbers of the actor and the probe. */
  protected readonly cells: ReadonlyMap<string, Cell>;

  constructor(first: FirstRound) {
    this.first = first;
    this.subjects = new Map(first.subjects.map((subject) => [subject.name, subject]));
    this.callables = new Map(first.callables.map((callable) => [callable.name, callable]));
    this.cells = new Map(first.cells.map((cell) => [`${cell.actor} ${cell.probe}`, cell]));
  }

  protected tableOf(probe: NamedProbe): string | undefined {
    const subject = this.subjects.get(probe.subject);
    return subject === undefined ? undefined : qualifiedName(subject.table);
  }

  /**
   * Changing a row that was just added, e.g. accepting one's own request, counts even if users may change their own
   * rows.
   */
  protected isOnNewRow(path: Path, probe: NamedProbe): boolean {
    const last = this.first.probes[path.probes.at(-1)!]!;
    return probe.subject === last.subject && verbs[last.verb].letter === 'I' && verbs[probe.verb].letter === 'U';
  }
}
