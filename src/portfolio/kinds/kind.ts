/** What a run can do to each of its muses. A kind is data: one more is one more entry in the table of kinds. */
import type { EnvironmentName, Muse } from '../../shared/muse-file.ts';
import type { Outcome } from '../engine/items.ts';
import type { MuseState } from '../registry/muses.ts';

/** What the muses of one worker share: what was found out for one of them need not be found out for another. */
export interface Shared {
  /**
   * What was made for a key; made once, however many ask at the same time. A failure is not kept.
   */
  once<T>(key: string, make: () => Promise<T>): Promise<T>;
  /**
   * The same for what a shadow database finds out, of which few work at a time.
   * @param signal of who asks: where another one's ended what was being made, it is made again
   */
  onShadow<T>(key: string, make: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** What a kind gets to work with, for one muse. */
export interface ItemContext {
  muse: { id: string; name: string };
  environmentName: EnvironmentName;
  /** The muse on this machine, its clone brought up to date. */
  open(): Promise<Muse>;
  /** The variables for this environment, secrets among them. */
  variables: NodeJS.ProcessEnv;
  /** What the run says about this muse. */
  input: unknown;
  /** What an earlier worker wrote down, if there was one. */
  journal: unknown;
  /**
   * Writes down how far the item got, so that another worker continues from there.
   * @throws MuseError `item-lost` where another worker has it by now: stop at once
   */
  saveJournal(journal: object, state?: MuseState): Promise<void>;
  /** The data directory of this machine. */
  directory: string;
  shared: Shared;
  signal: AbortSignal;
  onNote(text: string): void;
}

/** One kind of run. */
export interface Kind {
  /** What happens to a muse, for people: `migrate`, `verify`. */
  title: string;
  /** The waves where none are named. */
  waves: string;
  /** Whether it changes databases: production has to be confirmed then. */
  changes: boolean;
  /** Whether every muse must have the environment already. */
  needsEnvironment: boolean;
  /**
   * Does the work for one muse. Run again after a worker died, it must do nothing twice.
   * @throws MuseError why it failed, or could not be reached
   */
  run(context: ItemContext): Promise<Outcome>;
}

/** Every kind of run that a portfolio knows, by its name. */
export type Kinds = Readonly<Record<string, Kind>>;
