// Writes the lists of src/rules/ from its files: names.ts, which loads nothing, and list.ts, which loads every rule.
// `npm run build` runs it before it compiles; a test tells when it was forgotten.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = join(dirname(import.meta.dirname), 'src', 'rules');
/** Files of the folder that are not a rule. */
const others = ['list.ts', 'names.ts', 'registry.ts'];

const camel = (name) => name.replaceAll(/-([a-z])/g, (_, letter) => letter.toUpperCase());
const note = '// Written by scripts/rule-list.js from the files of this folder: do not edit.';

/** The texts of the lists, by file name. */
export function ruleLists() {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !others.includes(file))
    .map((file) => file.slice(0, -3))
    .sort();
  return {
    'names.ts': [
      note,
      '',
      '/** The name of every rule. Loads no rule: for what only has to know whether a name is one. */',
      'export const ruleNames = [',
      ...names.map((name) => `  '${name}',`),
      '] as const;',
      '',
      'export type RuleName = (typeof ruleNames)[number];',
      '',
    ].join('\n'),
    'list.ts': [
      note,
      ...names.map((name) => `import { rule as ${camel(name)} } from './${name}.ts';`),
      "import type { Rule } from './engine/rule.ts';",
      "import type { RuleName } from './names.ts';",
      '',
      '/** Every rule by its name. */',
      'export const rules: Readonly<Record<RuleName, Rule>> = {',
      ...names.map((name) => `  '${name}': ${camel(name)},`),
      '};',
      '',
    ].join('\n'),
  };
}

/** Writes the lists that differ from what is there. */
export function writeRuleLists() {
  for (const [name, text] of Object.entries(ruleLists())) {
    const path = join(folder, name);
    let known;
    try {
      known = readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
    } catch {
      known = undefined;
    }
    if (known !== text) writeFileSync(path, text);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeRuleLists();
