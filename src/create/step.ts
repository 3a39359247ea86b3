import { MuseError } from '../shared/error.ts';
import { type Journal, writeJournal } from './journal.ts';

/** What a running step tells the person who waits. */
export interface StepEvents {
  onStep?(event: { id: string; title: string; status: 'started' | 'done' | 'skipped' | 'failed'; ms?: number; note?: string }): void;
  /** A line of progress within a step. */
  onProgress?(text: string): void;
}

/** One step of the pipeline over the part `C` of the context that it uses. */
export interface Step<C> {
  id: string;
  /** For people, as "Rehearse on a throw-away database". */
  title: string;
  /** Left out of the run where it says no. */
  applies?(context: C): boolean;
  /** May return a few words that say what came of it. */
  run(context: C): Promise<string | undefined>;
  /** Runs again in a resumed run although it is done, to fill the context for the steps after it. */
  always?: boolean;
}

export interface StepResult {
  id: string;
  status: 'done' | 'skipped' | 'failed';
  ms: number;
}

interface Running extends StepEvents {
  directory: string;
  journal: Journal;
  signal: AbortSignal;
  /** Gets each result as it comes, so that a failure can tell how far it got. */
  results: StepResult[];
}

/**
 * Runs steps in order, each journaled before and after. A step that the journal has as done is skipped, unless it always
 * runs.
 * @throws MuseError `cancelled` when the signal is aborted, and whatever a step throws
 */
export async function runSteps<C extends Running>(steps: readonly Step<C>[], context: C): Promise<void> {
  for (const step of steps) {
    const entry = context.journal.steps.find((known) => known.id === step.id);
    if (step.applies?.(context) === false) continue;
    if (entry?.status === 'done' && step.always !== true) {
      context.results.push({ id: step.id, status: 'skipped', ms: 0 });
      context.onStep?.({ id: step.id, title: step.title, status: 'skipped' });
      continue;
    }
    context.signal.throwIfAborted();
    context.onStep?.({ id: step.id, title: step.title, status: 'started' });
    await mark(context, step.id, { status: 'started' });
    const start = performance.now();
    try {
      const note = await step.run(context);
      context.signal.throwIfAborted();
      const ms = Math.round(performance.now() - start);
      await mark(context, step.id, { status: 'done', ms });
      context.results.push({ id: step.id, status: 'done', ms });
      context.onStep?.({ id: step.id, title: step.title, status: 'done', ms, ...(note === undefined ? {} : { note }) });
    } catch (error) {
      const ms = Math.round(performance.now() - start);
      context.results.push({ id: step.id, status: 'failed', ms });
      context.onStep?.({ id: step.id, title: step.title, status: 'failed', ms });
      throw context.signal.aborted ? cancelled(error) : error;
    }
  }
}

/** The error of a run that its user stopped. */
export function cancelled(cause: unknown): MuseError {
  return new MuseError({ code: 'cancelled', message: 'Cancelled.', suggestion: 'Run the same command again.', cause });
}

/**
 * The answer to a question on the way.
 * @throws MuseError `cancelled` where there was none
 */
export async function answerOf(agree: (question: string) => Promise<boolean>, question: string): Promise<boolean> {
  try {
    return await agree(question);
  } catch (error) {
    throw cancelled(error);
  }
}

async function mark(context: Running, id: string, change: { status: 'started' | 'done'; ms?: number }): Promise<void> {
  const entry = context.journal.steps.find((known) => known.id === id);
  if (entry === undefined) context.journal.steps.push({ id, ...change });
  else Object.assign(entry, change);
  await writeJournal(context.directory, context.journal);
}
