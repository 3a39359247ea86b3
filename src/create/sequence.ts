/**
 * The order of the steps, held by the compiler: a sequence accepts a step only if the steps before it make everything
 * that the step reads from its context.
 */
import { cancelled } from '../shared/error.ts';
import type { Run } from './context.ts';
import { emptyOutput, type JournalStep, type StepOutput } from './journal.ts';
import type { Step } from './step.ts';
import type { Answers } from './answers.ts';

type With<Has, Adds> = Adds extends object ? Has & Adds : Has;

/** A step in a sequence, its types checked. */
interface ListedStep {
  id: string;
  title: string;
  applies?: (answers: Answers) => boolean;
  run: (context: never, output: StepOutput) => Promise<object | void>;
}

interface Listed {
  step: ListedStep;
  /** Runs in a resumed run although an earlier run completed it. */
  always: boolean;
}

/** Steps in order, as the runner sees them. */
export interface Sequence {
  readonly listed: readonly Listed[];
  /** Done as a whole or not at all. */
  readonly whole: boolean;
}

/**
 * Steps that build on each other's results in memory: until all of them are done, a resumed run starts at the first one
 * again. So each step finds everything that the ones before it added.
 */
export class WholeSequence<Has extends Run = Run> implements Sequence {
  readonly listed: readonly Listed[];
  readonly whole = true;

  constructor(listed: readonly Listed[] = []) {
    this.listed = listed;
  }

  step<Adds extends object | void>(step: Step<Has, Adds>): WholeSequence<With<Has, Adds>> {
    return new WholeSequence([...this.listed, { step, always: false }]);
  }

  /** Runs the steps without a journal and returns the context that the last of them leaves. */
  async perform(run: Run, output: StepOutput): Promise<Has> {
    return (await perform(this, run, output)) as Has;
  }
}

/**
 * Steps whose effects stay: a resumed run skips those that are done. So what a `step` adds may be absent for the ones
 * after it, while a step that `always` runs adds the same in a resumed run.
 */
export class ResumableSequence<Has extends Run = Run> implements Sequence {
  readonly listed: readonly Listed[];
  readonly whole = false;

  constructor(listed: readonly Listed[] = []) {
    this.listed = listed;
  }

  step<Adds extends object | void>(step: Step<Has, Adds>): ResumableSequence<With<Has, Partial<Adds>>> {
    return new ResumableSequence([...this.listed, { step, always: false }]);
  }

  always<Adds extends object | void>(step: Step<Has, Adds>): ResumableSequence<With<Has, Adds>> {
    return new ResumableSequence([...this.listed, { step, always: true }]);
  }
}

/** The steps of a sequence that apply to these answers. */
export function stepsOf(sequence: Sequence, answers: Answers): { id: string; title: string }[] {
  return sequence.listed
    .filter(({ step }) => step.applies?.(answers) !== false)
    .map(({ step: { id, title } }) => ({ id, title }));
}

/**
 * Runs the steps of a sequence without a journal.
 * @returns the context that the last of them leaves
 */
export async function perform({ listed }: Sequence, run: Run, output: StepOutput): Promise<Run> {
  const context: Run = { ...run };
  for (const { step } of listed) {
    run.signal.throwIfAborted();
    if (step.applies?.(run.answers) !== false) Object.assign(context, await step.run(context as never, output));
  }
  return context;
}

/**
 * Runs a sequence: each step is journaled before and after, with its output, and what it adds goes into the context.
 * @throws MuseError `cancelled` when the signal is aborted, and whatever a step throws
 */
export async function runSequence({ listed, whole }: Sequence, context: Run): Promise<void> {
  const { answers, journal } = context;
  const isDone = (id: string): boolean => journal.steps.some((entry) => entry.id === id && entry.status === 'done');
  const applying = listed.filter(({ step }) => step.applies?.(answers) !== false);
  const allDone = applying.every(({ step }) => isDone(step.id));
  for (const { step, always } of applying) {
    if (whole ? allDone : isDone(step.id) && !always) {
      context.results.push({ id: step.id, status: 'skipped', ms: 0 });
      context.onStep?.({ id: step.id, title: step.title, status: 'skipped' });
    } else {
      await runStep(step, context);
    }
  }
}

async function runStep(step: ListedStep, context: Run): Promise<void> {
  const { id, title } = step;
  context.signal.throwIfAborted();
  context.onStep?.({ id, title, status: 'started' });
  // An earlier attempt's output is dropped: this one says it all again.
  const entry: JournalStep = { id, status: 'started', output: emptyOutput() };
  const known = context.journal.steps.findIndex((one) => one.id === id);
  if (known === -1) context.journal.steps.push(entry);
  else context.journal.steps[known] = entry;
  await context.save();
  const start = performance.now();
  try {
    Object.assign(context, await step.run(context as never, entry.output));
    context.signal.throwIfAborted();
    const ms = Math.round(performance.now() - start);
    Object.assign(entry, { status: 'done', ms });
    await context.save();
    context.results.push({ id, status: 'done', ms });
    const { summary } = entry.output;
    context.onStep?.({ id, title, status: 'done', ms, ...(summary === undefined ? {} : { note: summary }) });
  } catch (error) {
    const ms = Math.round(performance.now() - start);
    context.results.push({ id, status: 'failed', ms });
    context.onStep?.({ id, title, status: 'failed', ms });
    throw context.signal.aborted ? cancelled(error) : error;
  }
}
