import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replaceSection } from '../../src/scaffold/docs.ts';
import { copyBuiltin, ownVersion } from '../../src/kit/builtin.ts';
import { addIgnoredLines, renderReadme, writeMuseFiles } from '../../src/kit/muse-files.ts';
import type { MuseFile } from '../../src/shared/muse-file.ts';
import { put, temporary } from './repository.ts';

const muse: MuseFile = {
  version: 1,
  name: 'realty-muse',
  kit: { source: './a `kit` | b', ref: 'v1', commit: 'a'.repeat(40), layout: 'musekit' },
  migrations: {
    core: ['migrations/core'],
    extensions: ['migrations/extensions'],
    rollback: 'migrations/rollback',
    archive: 'migrations/archive',
    order: 'number',
  },
  isolation: 'auth-uid',
  prefix: '',
  presets: [],
  environments: {
    development: { target: 'embedded' },
    production: { target: 'supabase', ref: 'abc', region: 'eu-central-1' },
  },
};

describe('renderReadme', () => {
  it('describes the muse in correct Markdown', async () => {
    const place = temporary();
    put(place, { 'package.json': '{"scripts":{"dev":"next"}}', 'docs/KIT_README.md': '#' });
    const text = await renderReadme(place, muse, { tagline: 'One\n# line <b>' });
    expect(text).toContain('# Realty Muse\n\nOne # line <b>\n');
    expect(text).toContain('`` ./a `kit` \\| b ``');
    expect(text).toContain('npm install\n');
    expect(text).toContain('npm run dev\n');
    expect(text).toContain('[docs/KIT_README.md](docs/KIT_README.md)');
    expect(text).toContain('- development: embedded\n- production: supabase, project `abc` in `eu-central-1`\n');
    expect(text).toContain('| `migrations/extensions` |');
    expect(text).not.toMatch(/\{\{|undefined|\n\n\n/);
    expect(text.endsWith('\n')).toBe(true);
  });

  it('has the section for the list of tables', async () => {
    const text = await renderReadme(temporary(), muse);
    const section = '<!-- muse:tables -->\n## Tables\n\nthree\n<!-- /muse:tables -->';
    const filled = replaceSection(text, section);
    expect(filled.match(/## Tables/g)).toHaveLength(1);
    expect(await renderReadme(temporary(), muse, { tables: section })).toBe(filled);
  });
});

describe('addIgnoredLines', () => {
  it('adds what is missing, once', async () => {
    const text = await addIgnoredLines('node_modules\r\n/.env.local\r\n');
    expect(text).toBe(
      'node_modules\r\n/.env.local\r\n\r\n# create-muse\r\n.env*.local\r\n.muse/\r\n.DS_Store\r\n*.log\r\n.*.tmp\r\n',
    );
    expect(await addIgnoredLines(text)).toBe(text);
    const fresh = await addIgnoredLines('');
    expect(fresh).toContain('\n.muse/\n');
    expect(await addIgnoredLines(fresh)).toBe(fresh);
  });
});

it('writeMuseFiles changes nothing the second time', async () => {
  const place = temporary();
  put(place, { '.gitignore': 'dist' });
  const files = await writeMuseFiles(place, muse);
  const read = () => files.map((file) => readFileSync(join(place, file), 'utf8'));
  const first = read();
  await writeMuseFiles(place, muse);
  expect(read()).toEqual(first);
});

it('the built-in kit includes its .gitignore', async () => {
  const place = temporary();
  expect(await copyBuiltin(place)).toBe(`create-muse@${await ownVersion()}`);
  expect(readFileSync(join(place, '.gitignore'), 'utf8')).toContain('.muse/');
  expect(readFileSync(join(place, 'migrations/core/001_foundation.sql'), 'utf8')).not.toBe('');
});

describe('the hook', () => {
  it.each([
    ['is there, for its owner to turn on', {}, true],
    ["is left to a kit's own", { '.githooks/pre-commit': '#!/bin/sh\nexec lint-staged\n' }, false],
  ])('%s', async (_, files, ours) => {
    const place = temporary();
    put(place, files);
    const written = await writeMuseFiles(place, muse, { hook: true });
    expect(written.includes('.githooks/pre-commit')).toBe(ours);
    const text = readFileSync(join(place, '.githooks/pre-commit'), 'utf8');
    expect(text.includes('npx --no-install muse lint')).toBe(ours);
    expect(readFileSync(join(place, 'README.md'), 'utf8').includes('core.hooksPath')).toBe(ours);
  });

  it('is not there without a repository', async () => {
    const place = temporary();
    expect(await writeMuseFiles(place, muse)).toEqual(['.gitignore', 'README.md', '.github/workflows/muse.yml']);
  });
});

it.each([
  [
    'pnpm-lock.yaml',
    ['pnpm install', 'pnpm run status', '`pnpm exec muse lint`'],
    ['corepack enable', 'pnpm exec muse lint'],
  ],
  ['yarn.lock', ['yarn install', 'yarn run status', '`yarn run muse lint`'], ['corepack enable', 'yarn run muse lint']],
  ['bun.lock', ['bun install', 'bun run status', '`bun run muse lint`'], ['bun install', 'bun run muse lint']],
])('a kit with %s is called by its own package manager', async (lock, readme, workflow) => {
  const place = temporary();
  put(place, { [lock]: '', 'package.json': '{"scripts":{"status":"muse status"}}' });
  await writeMuseFiles(place, muse);
  for (const words of readme) expect(readFileSync(join(place, 'README.md'), 'utf8')).toContain(words);
  for (const words of workflow)
    expect(readFileSync(join(place, '.github/workflows/muse.yml'), 'utf8')).toContain(words);
});
