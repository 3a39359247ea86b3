import type { StepEvents } from '../create/step.ts';
import type { Output } from './output.ts';

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
        const time = output.paint('gray', `${((event.ms ?? 0) / 1000).toFixed(2)} s`);
        const note = event.note === undefined ? '' : output.paint('gray', ` (${event.note})`);
        output.progress(`${output.paint('green', '✓')} ${event.title.padEnd(38)} ${time}${note}`);
      }
    },
    onProgress(text) {
      const line = `${output.paint('cyan', '…')} ${title}: ${text}`;
      output.transient(line.length > output.width ? `${line.slice(0, output.width - 1)}…` : line);
    },
  };
}
