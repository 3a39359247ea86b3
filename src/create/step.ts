import { cancelled } from '../shared/error.ts';
import type { Answers } from './answers.ts';
import type { StepOutput } from './journal.ts';

/** What a running step reports while the user waits. */
export interface StepEvents {
  onStep?(event: {
    id: string;
    title: string;
    status: 'started' | 'done' | 'skipped' | 'failed';
    ms?: number;
    note?: string;
  }): void;
  /** A line of progress within a step. */
  onProgress?(text: string): void;
}

interface StepBase<From, Adds> {
  id: string;
  /** For people, e.g. "Rehearse on a shadow database". */
  title: string;
  /**
   * Does the work.
   * @param context what the run and the steps before have made
   * @param output what the report is to say about this step; journaled with it
   * @returns what the steps after this one find in their context
   */
  run: (context: From, output: StepOutput) => Promise<Adds>;
}

/** Says whether later steps can do without what a step adds: it adds nothing, or only optional things. */
type MayBeAbsent<Adds> = [Adds] extends [void] ? true : Partial<Adds> extends Adds ? true : false;

/**
 * One step: a function from the context `From` to what it adds to the context of the steps after it. A step that some
 * runs leave out can only add optional things.
 */
export type Step<From, Adds extends object | void = void> = StepBase<From, Adds> &
  (MayBeAbsent<Adds> extends true
    ? {
        /** The step is left out where this is false. */
        applies?: (answers: Answers) => boolean;
      }
    : { applies?: never });

/** How a step ended in this run; `skipped` is done by an earlier run. */
export interface StepResult {
  id: string;
  status: 'done' | 'skipped' | 'failed';
  ms: number;
}

/**
 * The answer to a question that came up during the run.
 * @throws MuseError `cancelled` if there was no answer
 */
export async function answerOf<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    throw cancelled(error);
  }
}
