import { describe, expect, it } from 'vitest';
import type { Run } from '../../src/create/context.ts';
import type { Journal } from '../../src/create/journal.ts';
import { ResumableSequence, runSequence, type Sequence, WholeSequence } from '../../src/create/sequence.ts';
import type { Step } from '../../src/create/step.ts';

let ran: string[] = [];

const first: Step<Run, { kit: string }> = {
  id: 'first',
  title: 'First',
  async run(_, output) {
    ran.push('first');
    output.notes.push('fetched');
    return { kit: 'a kit' };
  },
};
const second: Step<Run & { kit: string }> = {
  id: 'second',
  title: 'Second',
  async run({ kit }, output) {
    ran.push('second');
    output.proven.push(`${kit} runs`);
  },
};
const failing: Step<Run> = {
  id: 'failing',
  title: 'Fails the first time',
  async run(_, output) {
    ran.push('failing');
    output.notes.push('tried');
    if (ran.filter((id) => id === 'failing').length === 1) throw new Error('no');
  },
};

/** Runs a sequence with an in-memory journal, and returns the output of its steps. */
async function run(
  sequence: Sequence,
  steps: Journal['steps'] = [],
): Promise<Pick<Run, 'results'> & { steps: Journal['steps']; notes: string[] }> {
  const journal = { version: 2, pipeline: 'create', answers: {}, steps, data: {} } as unknown as Journal;
  const context = {
    answers: journal.answers,
    journal,
    results: [],
    signal: new AbortController().signal,
    save: async () => undefined,
  } as unknown as Run;
  await runSequence(sequence, context).catch(() => undefined);
  return { results: context.results, steps: journal.steps, notes: journal.steps.flatMap(({ output }) => output.notes) };
}

describe('the order of steps', () => {
  it('is enforced by the compiler', () => {
    expect(new WholeSequence().step(first).step(second).listed).toHaveLength(2);
    expect(new ResumableSequence().always(first).step(second).listed).toHaveLength(2);
    // @ts-expect-error: nothing has added the kit.
    new WholeSequence().step(second);
    // @ts-expect-error: it comes too late.
    new WholeSequence().step(second).step(first);
    // @ts-expect-error: a resumed run skips the step that adds the kit.
    new ResumableSequence().step(first).step(second);
    // @ts-expect-error: a step that some runs leave out must not add what later steps need.
    const left: Step<Run, { kit: string }> = { ...first, applies: () => false };
    expect(left.id).toBe('first');
  });
});

describe('a resumed run', () => {
  it('restarts a sequence until all of it is done, then skips it', async () => {
    ran = [];
    const sequence = new WholeSequence().step(first).step(second).step(failing);
    const stopped = await run(sequence);
    expect(ran).toEqual(['first', 'second', 'failing']);
    const resumed = await run(sequence, stopped.steps);
    expect(ran.slice(3)).toEqual(['first', 'second', 'failing']);
    expect(resumed.notes).toEqual(['fetched', 'tried']);
    const again = await run(sequence, resumed.steps);
    expect(ran).toHaveLength(6);
    expect(again.results.map(({ status }) => status)).toEqual(['skipped', 'skipped', 'skipped']);
    expect(again.notes).toEqual(['fetched', 'tried']);
  });

  it('skips the finished steps of a resumable sequence, except those that always run', async () => {
    ran = [];
    const sequence = new ResumableSequence().always(first).step(second).step(failing);
    const stopped = await run(sequence);
    const resumed = await run(sequence, stopped.steps);
    expect(ran).toEqual(['first', 'second', 'failing', 'first', 'failing']);
    expect(resumed.results.map(({ id, status }) => `${id} ${status}`)).toEqual([
      'first done',
      'second skipped',
      'failing done',
    ]);
    expect(resumed.notes).toEqual(['fetched', 'tried']);
    expect(resumed.steps.flatMap(({ output }) => output.proven)).toEqual(['a kit runs']);
  });
});
