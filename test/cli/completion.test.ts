/** Shell completion, by the shells' own: a line is typed in a terminal, and Tab is pressed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createMuse, muse, temporaryDirectory } from '../support/cli.ts';
import { hasTerminal, openTerminal } from '../support/terminal.ts';

/** What is typed before Tab, and what the line is then. */
const lines: [string, string][] = [
  ['muse migr', 'muse migrate'],
  ['muse --env prod', 'muse --env production'],
  ['muse --env staging migr', 'muse --env staging migrate'],
  ['muse migrate --accept-e', 'muse migrate --accept-edited'],
  ['muse status --qu', 'muse status --quiet'],
  ['muse lint --format sar', 'muse lint --format sarif'],
  ['muse verify --format mark', 'muse verify --format markdown'],
  ['muse help bac', 'muse help backup'],
  ['muse restore save', 'muse restore saved.dump'],
  ['muse --dir fold', 'muse --dir folder/'],
  ['create-muse shop --target emb', 'create-muse shop --target embedded'],
  ['create-muse --kit-ext', 'create-muse --kit-extensions'],
];

const installed = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

/** A directory with a file, a folder, and the scripts of both programs for a shell. */
async function scripts(shell: string): Promise<string> {
  const cwd = await temporaryDirectory();
  writeFileSync(join(cwd, 'saved.dump'), '');
  mkdirSync(join(cwd, 'folder'));
  for (const [name, program] of [
    ['muse', muse],
    ['create-muse', createMuse],
  ] as const) {
    const { code, stdout } = await program(['completion', shell], { cwd });
    expect(code).toBe(0);
    writeFileSync(join(cwd, `${name}.script`), stdout);
  }
  return cwd;
}

const starts: Record<string, { argv: string[]; setUp: string }> = {
  bash: {
    argv: ['bash', '--norc', '--noprofile', '-i'],
    setUp: "PS1='> '; source muse.script; source create-muse.script",
  },
  zsh: {
    argv: ['zsh', '-f', '-i'],
    setUp: "PS1='> '; autoload -Uz compinit; compinit -D; source ./muse.script; source ./create-muse.script",
  },
};

describe.each(Object.keys(starts))('%s', (shell) => {
  it.runIf(hasTerminal && installed(shell))('completes commands, flags, values, files and folders', async () => {
    const { argv, setUp } = starts[shell]!;
    const cwd = await scripts(shell);
    const terminal = openTerminal(argv, { cwd, columns: 200, env: { HOME: cwd } });
    terminal.type(`${setUp}; echo rea""dy\n`);
    await terminal.shows((text) => text.includes('ready'));
    for (const [line, completed] of lines) {
      const before = terminal.text().length;
      terminal.type(`${line}\t`);
      await expect.poll(() => terminal.text().slice(before), { timeout: 10_000 }).toContain(completed);
      // Ctrl-C gives the line up.
      terminal.type('\x03');
      await expect.poll(() => terminal.text().slice(before).trimEnd(), { timeout: 10_000 }).toMatch(/>$/);
    }
    terminal.type('exit\n');
    await terminal.ended;
  });
});

describe('fish', () => {
  it.runIf(installed('fish'))('completes commands, flags, values, files and folders', async () => {
    const cwd = await scripts('fish');
    for (const [line, completed] of lines) {
      const command = `source muse.script; source create-muse.script; complete --do-complete=${JSON.stringify(line)}`;
      const { stdout } = spawnSync('fish', ['--no-config', '-c', command], {
        cwd,
        encoding: 'utf8',
        env: { ...process.env, HOME: cwd },
      });
      const offered = stdout.split('\n').map((row) => row.split('\t', 1)[0]);
      expect(offered, line).toContain(completed.split(' ').at(-1));
    }
  });
});

it.each([
  [['completion'], 'The shell is missing.'],
  [['completion', 'fsh'], 'There is no completion for "fsh". Known: bash, zsh, fish.'],
])('refuses muse %j', async (words, said) => {
  const { code, stderr } = await muse(words, { cwd: '/' });
  expect(code).toBe(2);
  expect(stderr).toContain(said);
});
