import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fillReference } from '../../scripts/cli-docs.js';
import { createFlags } from '../../src/cli/create-muse.ts';
import { museFlags } from '../../src/cli/flags.ts';
import { commandNames, loadEveryCommand } from '../../src/cli/muse-command.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('docs/cli.md', () => {
  it('has the current flags and commands (to update: npm run build && node scripts/cli-docs.js)', async () => {
    const commands = await loadEveryCommand();
    expect(fillReference(read('docs/cli.md'), { createFlags, globalFlags: museFlags, commands })).toBe(
      read('docs/cli.md'),
    );
  });
});

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'docs/api.md',
  'docs/app.md',
  'docs/cli.md',
  'docs/comparison.md',
  'docs/kits.md',
  'docs/lint-precision.md',
  'docs/portfolio.md',
  'docs/supabase.md',
  'docs/verify.md',
];

describe('pages', () => {
  it.each(pages)('%s links to files that exist', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !/^[a-z]+:/.test(link));
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  // The comparison names flags of other tools.
  it.each(pages.filter((page) => page !== 'docs/comparison.md'))(
    '%s names only commands and flags that exist',
    async (page) => {
      const names = commandNames();
      const flags = new Set(
        [...createFlags, ...museFlags, ...(await loadEveryCommand()).flatMap((command) => command.flags)].map(
          ({ name }) => name,
        ),
      );
      const blocks = /^```[^\n]*\n([^]*?)^```/gm;
      const code = [
        ...read(page).matchAll(blocks),
        ...read(page)
          .replaceAll(blocks, '')
          .matchAll(/`([^`]+)`/g),
      ].map((match) => match[1] ?? '');
      const lines = code.flatMap((block) => block.split('\n'));
      const commands = lines.flatMap((line) =>
        [...line.matchAll(/(?:^|\s)muse ([a-z][a-z-]*)/g)].map((match) => match[1] ?? ''),
      );
      expect(commands.filter((name) => !names.includes(name))).toEqual([]);
      const own = lines.filter((line) => /^(npx )?(create-)?muse |^--/.test(line));
      const used = own.flatMap((line) =>
        [...line.matchAll(/(?<=\s|^)--([a-z][a-z-]*)/g)].map((match) => match[1] ?? ''),
      );
      expect(used.filter((name) => !flags.has(name))).toEqual([]);
    },
  );
});

describe('README.md', () => {
  it('has the two commands, each in its own block', () => {
    for (const command of ['npm ci && npx create-muse realtymuse --yes --preset realty', 'npm ci && npm test']) {
      expect(read('README.md')).toContain(`\n\`\`\`\n${command}\n\`\`\`\n`);
    }
  });
});
