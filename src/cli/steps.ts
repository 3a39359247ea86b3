import type { StepEvents } from '../create/step.ts';
import type { Output } from './output.ts';
import { wrap } from '../shared/wrap.ts';

/** Shows each step as it runs, with its time: a live line in a terminal, a line at its end anywhere else. */
export function stepEvents(output: Output): StepEvents {
  let title = '';
  return {
    onStep(event) {
      title = event.title;
      if (event.status === 'started') output.transient(`${output.paint('cyan', '…')} ${event.title}`);
      else if (event.status === 'skipped') output.progress(`${output.paint('gray', '·')} ${event.title} ${output.paint('gray', 'done before')}`);
      else if (event.status === 'failed') output.progress(`${output.paint('red', '✗')} ${event.title}`);
      else {
        const title = event.title.padEnd(38);
        const time = `${((event.ms ?? 0) / 1000).toFixed(2)} s`;
        const { note = '' } = event;
        const fits = note !== '' && title.length + time.length + note.length + 6 <= output.width;
        output.progress(`${output.paint('green', '✓')} ${title} ${output.paint('gray', fits ? `${time} (${note})` : time)}`);
        // What does not fit is said below, in full: what a plan costs is not to be cut off.
        if (note !== '' && !fits) for (const line of wrap(note, output.width - 4)) output.progress(output.paint('gray', `    ${line}`));
      }
    },
    onProgress(text) {
      // Text that begins with a line feed is a list: a line for each thing that is waited for.
      const [first = '', ...rest] = text.split('\n');
      const head = cut(first === '' ? title : `${title}: ${first}`, output.width - 3);
      output.transient([`${output.paint('cyan', '…')} ${head}`, ...rest.map((line) => output.paint('gray', `    ${cut(line, output.width - 5)}`))].join('\n'));
    },
  };
}

/** At most `width` characters, the last of them … where something was left out. */
function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
