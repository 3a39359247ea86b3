import type { MuseError } from '../shared/error.ts';
import type { Output } from './output.ts';
import { wrap } from '../shared/wrap.ts';

/** The exit code that an error's code stands for: the table of exits in README. */
export function exitCodeOf(code: string): number {
  if (code.startsWith('bad-')) return 2;
  if (code === 'findings') return 3;
  return code === 'cancelled' ? 130 : 1;
}

/** An error as text for people: what happened, more of it, what to do next. */
export function formatError(error: MuseError, output: Output): string {
  // In a terminal words stay whole. What follows the arrow holds commands, which are copied: they stay as they are.
  const message = output.live ? error.message.split('\n').flatMap((line) => wrap(line, output.width - 2)).join('\n') : error.message;
  const lines = [`${output.paint(['red', 'bold'], '✗')} ${message}`];
  if (error.detail !== undefined && error.detail !== '') lines.push('', ...error.detail.trimEnd().split('\n').map((line) => `  ${line}`), '');
  lines.push(`${output.paint('cyan', '→')} ${error.suggestion}`);
  return lines.join('\n');
}
