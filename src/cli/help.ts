import { wrap } from '../shared/wrap.ts';
import type { Flag } from './flags.ts';

/** A list of commands in help, under a heading. */
export interface CommandList {
  heading: string;
  commands: readonly { name: string; about: string }[];
}

/**
 * Help text for 80 columns.
 * @param usage lines after "Usage:", e.g. `create-muse [name] [flags]`
 */
export function formatHelp(
  about: string,
  usage: readonly string[],
  flags: readonly Flag[],
  lists: readonly CommandList[] = [],
): string {
  const lines = [about, '', 'Usage:', ...usage.map((line) => `  ${line}`)];
  for (const { heading, commands } of lists) {
    lines.push('', `${heading}:`, ...commands.map((command) => twoColumns(command.name, command.about, 14)));
  }
  for (const group of new Set(flags.map((flag) => flag.group))) {
    lines.push('', `${group} flags:`);
    for (const flag of flags) if (flag.group === group) lines.push(twoColumns(label(flag), flag.about, 26));
  }
  return `${lines.join('\n')}\n`;
}

function label(flag: Flag): string {
  return `${flag.short === undefined ? '' : `-${flag.short}, `}--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
}

/** Breaks the right column at 80; a left one that is too wide gets a line of its own. */
function twoColumns(left: string, right: string, width: number): string {
  const rows = wrap(right, 80 - width - 4);
  const indent = ' '.repeat(width + 4);
  const first = left.length > width ? `  ${left}\n${indent}` : `  ${left.padEnd(width + 2)}`;
  return first + rows.join(`\n${indent}`);
}
