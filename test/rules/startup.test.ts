/** Rules are loaded lazily: neither help nor a run with nothing to do waits for them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const source = join(import.meta.dirname, '../../src');

/** The files that a file loads when it is imported: its static imports and theirs, without dynamic imports. */
function loadedBy(file: string, loaded = new Set<string>()): Set<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, names = '', path = ''] of text.matchAll(/^(?:import|export)\s+([^;'"]*?)\s*from\s*'(\.[^']+)';/gms)) {
    const onlyTypes = names.startsWith('type ') || /^\{\s*(?:type [^,}]+,?\s*)+\}$/.test(names);
    if (!onlyTypes) loadedBy(join(dirname(file), path), loaded);
  }
  return loaded;
}

it.each([
  'cli/muse.ts',
  'cli/create-muse.ts',
  'cli/help.ts',
  'cli/commands/migrate.ts',
  'cli/muse-context.ts',
  'muse/migrate.ts',
  'muse/muse-json.ts',
  'muse/muse-schema.ts',
  'migrations/apply.ts',
  'migrations/read.ts',
])('%s loads no rule', (file) => {
  const loaded = [...loadedBy(join(source, file))].map((path) => path.slice(source.length + 1).replaceAll('\\', '/'));
  // The list of names loads no rule.
  expect(loaded.filter((path) => path.startsWith('rules/') && path !== 'rules/names.ts')).toEqual([]);
});

it('and the test detects loaded rules', () => {
  expect([...loadedBy(join(source, 'muse/lint.ts'))].some((path) => path.endsWith('anon-read.ts'))).toBe(true);
});
