import type { MuseError } from '../error.ts';
import type { Output } from './output.ts';

/** The exit code that an error's code stands for: the table of exits in README. */
export function exitCodeOf(code: string): number {
  if (code.startsWith('bad-')) return 2;
  if (code === 'findings') return 3;
  return code === 'cancelled' ? 130 : 1;
}

/** An error as text for people: what happened, more of it, what to do next. */
export function formatError(error: MuseError, output: Output): string {
  const lines = [`${output.paint(['red', 'bold'], '✗')} ${error.message}`];
  if (error.detail !== undefined && error.detail !== '') lines.push('', ...error.detail.trimEnd().split('\n').map((line) => `  ${line}`), '');
  lines.push(`${output.paint('cyan', '→')} ${error.suggestion}`);
  return lines.join('\n');
}
