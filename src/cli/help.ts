import { fit, wrap } from '../shared/wrap.ts';
import type { Flag } from './flags.ts';

/** A list of commands in help, under a heading. */
export interface CommandList {
  heading: string;
  commands: readonly { name: string; about: string }[];
}

/** What a page of help is made from. */
export interface HelpPage {
  about: string;
  /** Lines after "Usage:", e.g. `create-muse [name] [flags]`. */
  usage: readonly string[];
  flags: readonly Flag[];
  lists?: readonly CommandList[];
  /** Columns to write in. */
  width: number;
}

/** Below this width, in columns, what is explained and its explanation are on lines of their own. */
const narrow = 64;

/** Help text, no line of it wider than its width. */
export function formatHelp({ about, usage, flags, lists = [], width }: HelpPage): string {
  const rows = (left: string, right: string, leftWidth: number): string => twoColumns(left, right, leftWidth, width);
  const lines = [about, '', 'Usage:', ...usage.map((line) => `  ${line}`)];
  for (const { heading, commands } of lists) {
    lines.push('', `${heading}:`, ...commands.map((command) => rows(command.name, command.about, 14)));
  }
  for (const group of new Set(flags.map((flag) => flag.group))) {
    lines.push('', `${group} flags:`);
    for (const flag of flags) if (flag.group === group) lines.push(rows(label(flag), flag.about, 26));
  }
  return `${fit(lines.join('\n'), width)}\n`;
}

function label(flag: Flag): string {
  return `${flag.short === undefined ? '' : `-${flag.short}, `}--${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`;
}

/** A left column that is too wide gets a line of its own. */
function twoColumns(left: string, right: string, leftWidth: number, width: number): string {
  const beside = width < narrow ? 4 : leftWidth + 4;
  const rows = wrap(right, width - beside);
  const indent = ' '.repeat(beside);
  const first = left.length > leftWidth || width < narrow ? `  ${left}\n${indent}` : `  ${left.padEnd(leftWidth + 2)}`;
  return first + rows.join(`\n${indent}`);
}
