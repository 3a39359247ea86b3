import type { RunOptions } from '../create/create.ts';
import type { CommandContext } from './run.ts';
import { stepEvents } from './steps.ts';
import { wrap } from '../shared/wrap.ts';

/** How a run is watched, stopped, and asked on the way: by this terminal, where there is one. */
export function runOptions({ ask, environment, output, signal }: CommandContext): RunOptions {
  const agree = async (question: string): Promise<boolean> => {
    const lines = question.split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines.flatMap((text) => wrap(text, output.width))) output.progress(line);
    // Enter alone deletes nothing and touches nothing.
    return (await ask!()).confirm(last, false);
  };
  return { signal, environment, ...stepEvents(output), ...(ask === undefined ? {} : { agree }) };
}
