// Writes the reference of flags and commands into docs/cli.md, from the same data as --help. Run it after a build; a test
// tells when it was forgotten.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ name: string, type: string, short?: string, value?: string, about: string, group: string }} Flag
 * @typedef {{ name: string, about: string, usage: readonly string[], flags: readonly Flag[] }} Command
 */

/**
 * docs/cli.md with its generated parts brought up to date.
 * @param {string} text
 * @param {{ createFlags: readonly Flag[], globalFlags: readonly Flag[], commands: readonly Command[] }} data
 * @returns {string}
 */
export function fillReference(text, { createFlags, globalFlags, commands }) {
  const parts = {
    'create-muse': flagTable(createFlags),
    'global flags': flagTable(globalFlags),
    'muse commands': commands.map(commandText).join('\n\n'),
  };
  return Object.entries(parts).reduce((filled, [name, part]) => {
    const [start, end] = [`<!-- generated: ${name} -->`, '<!-- /generated -->'];
    const from = filled.indexOf(start);
    if (from === -1) throw new Error(`docs/cli.md has no ${start}`);
    const to = filled.indexOf(end, from);
    return `${filled.slice(0, from + start.length)}\n\n${part}\n\n${filled.slice(to)}`;
  }, text);
}

/** @param {readonly Flag[]} flags */
function flagTable(flags) {
  const rows = flags.map(({ name, short, value, about }) => {
    const label = `${short === undefined ? '' : `\`-${short}\`, `}\`--${name}${value === undefined ? '' : ` ${value}`}\``;
    return `| ${cell(label)} | ${cell(about.replaceAll('<', '&lt;'))} |`;
  });
  return ['| flag | meaning |', '|---|---|', ...rows].join('\n');
}

/** @param {Command} command */
function commandText({ name, about, usage, flags }) {
  const calls = usage.map((line) => `muse ${name} ${line}`.trim());
  const text = [
    `### \`muse ${name}\``,
    '',
    `${about.charAt(0).toUpperCase()}${about.slice(1)}.`,
    '',
    '```',
    ...calls,
    '```',
  ];
  return [...text, ...(flags.length === 0 ? [] : ['', flagTable(flags)])].join('\n');
}

/** In a cell of a table, a bar would end it. */
const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(import.meta.dirname);
  const [{ createFlags }, { museFlags }, { loadEveryCommand }] = await Promise.all(
    ['create-muse', 'flags', 'muse-command'].map((name) => import(`../build/cli/${name}.js`)),
  );
  const commands = await loadEveryCommand();
  const path = join(root, 'docs', 'cli.md');
  writeFileSync(path, fillReference(readFileSync(path, 'utf8'), { createFlags, globalFlags: museFlags, commands }));
}
