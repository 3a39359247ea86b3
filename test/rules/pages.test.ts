import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rulePages } from '../../src/rules/engine/pages.ts';
import { allRules } from '../../src/rules/registry.ts';

const folder = join(import.meta.dirname, '../../docs/rules');

it('docs/rules matches the rules (to update: run scripts/rule-docs.js after a build)', async () => {
  const pages = rulePages(allRules);
  expect((await readdir(folder)).sort()).toEqual([...pages.keys()].sort());
  for (const [name, text] of pages)
    expect((await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n')).toBe(text);
});
