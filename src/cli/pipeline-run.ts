import { relative } from 'node:path';
import type { RunOptions } from '../create/create.ts';
import type { CreateReport } from '../create/create-report.ts';
import type { StepEvents } from '../create/step.ts';
import { shellPath } from '../shared/shell.ts';
import { wrap } from '../shared/wrap.ts';
import type { Output } from './output.ts';
import type { CommandContext, CommandResult } from './run.ts';
import type { SoFar } from './so-far.ts';
import { shorten } from './text.ts';
import { counted } from '../shared/printable.ts';

/** How a run of the pipeline is shown, stopped, and asks on the way: by this terminal, where there is one. */
export function runOptions({ ask, environment, output, signal, soFar }: CommandContext): RunOptions {
  const agree = async (question: string): Promise<boolean> => {
    const lines = question.split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines.flatMap((text) => wrap(text, output.width))) output.progress(line);
    // Enter alone deletes nothing and touches nothing.
    return (await ask!()).confirm(last, false);
  };
  const choose = async (question: string, choices: readonly string[]): Promise<number> => {
    const listed = choices.map((name, index) => ({ name, value: String(index) }));
    return Number(await (await ask!()).one(question, listed));
  };
  return { signal, environment, ...stepEvents(output, soFar), ...(ask === undefined ? {} : { agree, choose }) };
}

/** Shows each step as it runs, with its time: a live line in a terminal, a line at its end anywhere else. */
function stepEvents(output: Output, soFar: SoFar): StepEvents {
  let current = '';
  return {
    onStep({ id, title, status, ms = 0, note = '' }) {
      current = title;
      if (status === 'started') soFar.now = title;
      else if (status === 'done') soFar.add({ list: 'steps', text: title, entry: { id, status, ms } });
      if (status === 'started') output.transient(`${output.paint('cyan', '…')} ${title}`);
      else if (status === 'skipped')
        output.progress(`${output.paint('gray', '·')} ${title} ${output.paint('gray', 'already done')}`);
      else if (status === 'failed') {
        output.progress(`${output.paint('red', '✗')} ${title}`);
        // Removing thousands of files takes seconds.
        output.transient(`${output.paint('cyan', '…')} Clean up`);
      } else {
        const padded = title.padEnd(38);
        const time = `${(ms / 1000).toFixed(2)} s`;
        const fits = note !== '' && padded.length + time.length + note.length + 6 <= output.width;
        output.progress(
          `${output.paint('green', '✓')} ${padded} ${output.paint('gray', fits ? `${time} (${note})` : time)}`,
        );
        // What does not fit goes below, in full: the price of a plan must not be cut off.
        if (note !== '' && !fits)
          for (const line of wrap(note, output.width - 4)) output.progress(output.paint('gray', `    ${line}`));
      }
    },
    onProgress(text) {
      // Text that begins with a line feed is a list: one line for each thing that is waited for.
      const [first = '', ...rest] = text.split('\n');
      const head = shorten(first === '' ? current : `${current}: ${first}`, output.width - 3);
      output.transient(
        [
          `${output.paint('cyan', '…')} ${head}`,
          ...rest.map((line) => output.paint('gray', `    ${shorten(line, output.width - 5)}`)),
        ].join('\n'),
      );
    },
  };
}

/** A report as a command's result: its JSON, and the summary. */
export function finishReport(report: CreateReport, context: CommandContext): CommandResult {
  const { error, adminPassword: _password, ok: _ok, ...json } = report;
  return error === undefined ? { json, text: formatSummary(report, context) } : { json, error };
}

/** The end of a successful run, for 80 columns: where it is, what it has, what was proven, what to type next. */
function formatSummary(report: CreateReport, { output, directory }: CommandContext): string {
  const { paint } = output;
  const lines = [
    '',
    `${paint(['green', 'bold'], report.name)} is ready in ${shellPath(shownPath(directory, report.directory))}`,
  ];
  if (report.tables.length > 0) {
    const width = Math.max(...report.tables.map(({ name }) => name.length));
    lines.push(
      '',
      'Tables of the extension:',
      ...report.tables.flatMap(({ name, scope, open }) => {
        const words = `${scopeWords[scope] ?? scope}${open === true ? '; everyone reads some' : ''}`;
        const [first = '', ...rest] = wrap(words, Math.max(output.width - width - 4, 20));
        return [
          `  ${name.padEnd(width)}  ${paint('gray', first)}`,
          ...rest.map((line) => `  ${' '.repeat(width)}  ${paint('gray', line)}`),
        ];
      }),
    );
  }
  lines.push('', 'Proven:');
  for (const fact of report.proven) {
    const [first, ...rest] = wrap(fact, output.width - 4);
    lines.push(`  ${paint('green', '✓')} ${first}`, ...rest.map((line) => `    ${line}`));
  }
  const warnings = report.findings.filter(({ severity }) => severity === 'warning');
  if (warnings.length > 0) {
    const rules = [...new Set(warnings.map(({ rule }) => rule))].join(', ');
    lines.push('', ...wrap(`${counted(warnings.length, 'warning')} (${rules}). Details: muse lint`, output.width));
  }
  for (const note of report.notes) lines.push('', ...wrap(note, output.width));
  if (report.adminPassword !== undefined) {
    lines.push('', `The admin's password, shown only once: ${paint('bold', report.adminPassword.reveal())}`);
  }
  lines.push('', 'Next:', ...report.next.map((command) => `  ${paint('cyan', command)}`));
  return lines.join('\n');
}

const scopeWords: Record<string, string> = {
  owner: 'rows are private to their owner',
  organization: 'rows are private to their organization',
  'public-read': 'anyone can read',
  'service-only': 'only the service role has access',
};

/** The shorter of the two ways to write the path. */
function shownPath(from: string, path: string): string {
  const near = relative(from, path);
  return near !== '' && near.length < path.length && !near.startsWith('../..')
    ? `./${near}`.replace(/^\.\/\.\./, '..')
    : path;
}
