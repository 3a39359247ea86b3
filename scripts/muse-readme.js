// The commands that the README of a muse has, as a reader finds them: the lines of its blocks, then the first column of
// its table of commands. `try-fresh.js` and `try-package.js` run them as they are.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} directory of the muse
 * @returns {{ install: string, blocks: string[], table: string[] }} the first command, which may need a network; the
 *   others of the blocks, and those of the table, which must not
 */
export function museCommands(directory) {
  const text = readFileSync(join(directory, 'README.md'), 'utf8');
  const blocks = [...text.matchAll(/^```\w*\n([^]*?)\n```$/gm)].flatMap(([, block = '']) => block.split('\n'));
  const table = [...text.matchAll(/^\| `([^`]* muse [^`]*)` \|/gm)].map(([, command = '']) => command);
  const [install, ...others] = blocks;
  if (install !== 'npm install' || others.length < 2 || table.length < 9)
    throw new Error(`The README of the muse no longer has its commands: ${[...blocks, ...table].join('; ')}`);
  return { install, blocks: others, table };
}
