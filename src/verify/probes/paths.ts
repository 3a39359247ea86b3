import type { Callable } from '../catalog/functions.ts';
import type { Model } from '../catalog/model.ts';
import type { LeakFinder } from '../report/leaks.ts';
import type { Actor } from './actors.ts';
import type { NamedProbe } from './probes.ts';
import type { Cell } from './run-script.ts';
import type { Subject } from './subject.ts';

/** Writes by one actor that build on each other, as numbers of probes. */
export interface Path {
  actor: number;
  probes: readonly number[];
  /** What the owner then writes, of which triggers may tell the actor. */
  told?: { actor: number; probe: number };
}

/** What a path of permitted writes opened. */
export interface Opening {
  path: Path;
  /** The actor that then reaches it: the writer, or another one. */
  by: number;
  /**
   * The kind of access: `reads` and `writes` by a probe, `loses` if rows of A are lost without being named, `copies` if
   * rows that only A could read are copied, `raises` if a member has a privileged role.
   */
  how: 'reads' | 'writes' | 'loses' | 'copies' | 'raises';
  /** Name of what is reached, as in the report. */
  object: string;
  /** The write that was possible afterwards. */
  probe?: number;
}

/** An error that a path of permitted writes led to: what it opens there is not known. */
export interface Obstacle {
  path: Path;
  /** The probe that met it. */
  probe: number;
  code: string;
  message: string;
}

/** What the first round of probes was made of, and what came of it. */
export interface FirstRound {
  model: Model;
  actors: readonly Actor[];
  subjects: readonly Subject[];
  callables: readonly Callable[];
  probes: readonly NamedProbe[];
  /** Texts of A's rows that triggers may copy, by the name of the table. */
  copies: ReadonlyMap<string, ReadonlySet<string>>;
  /** The tables that each fully read view is based on, by the view's name. */
  behind: ReadonlyMap<string, ReadonlySet<string>>;
  /** Finds the owner of a value. */
  leaks: LeakFinder;
  /** The number of the probe that reads all rows of a table that triggers write, by the table's name. */
  copyLooks: ReadonlyMap<string, number>;
  cells: readonly Cell[];
  /** By the number of an owner's write: the one to repeat after writes of others. */
  repeats: ReadonlyMap<number, number>;
}
