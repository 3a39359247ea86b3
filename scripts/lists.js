// Writes the lists of src/rules/ and src/targets/ from their files: names.ts and kinds.ts load nothing, list.ts and
// targets.ts load every rule and every target. `npm run build` runs it before it compiles; a test tells when it was forgotten.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ours = join(dirname(import.meta.dirname), 'src');
const note = '// Written by scripts/lists.js from the files of this folder: do not edit.';
const camel = (name) => name.replaceAll(/-([a-z])/g, (_, letter) => letter.toUpperCase());

/** The names of the files of a folder, without `.ts`, whose text matches. */
function modules(source, folder, exported) {
  return readdirSync(join(source, folder))
    .filter((file) => file.endsWith('.ts') && exported.test(readFileSync(join(source, folder, file), 'utf8')))
    .map((file) => file.slice(0, -3))
    .sort();
}

/** A constant with the names, and their type. */
const names = (about, constant, type, list) => [
  note,
  '',
  ...about,
  `export const ${constant} = [`,
  ...list.map((name) => `  '${name}',`),
  '] as const;',
  '',
  `export type ${type} = (typeof ${constant})[number];`,
  '',
];

function ruleLists(source) {
  const list = modules(source, 'rules', /^export const rule: /m);
  return {
    'rules/names.ts': names(
      ['/** The name of every rule. Loads no rule: for what only has to know whether a name is one. */'],
      'ruleNames',
      'RuleName',
      list,
    ),
    'rules/list.ts': [
      note,
      ...list.map((name) => `import { rule as ${camel(name)} } from './${name}.ts';`),
      "import type { Rule } from './engine/rule.ts';",
      "import type { RuleName } from './names.ts';",
      '',
      '/** Every rule by its name. */',
      'export const rules: Readonly<Record<RuleName, Rule>> = {',
      ...list.map((name) => `  '${name}': ${camel(name)},`),
      '};',
      '',
    ],
  };
}

function targetLists(source) {
  const list = modules(source, 'targets', /^export const target: Target = /m);
  return {
    'targets/kinds.ts': names(
      ['/** The name of every target, as in `muse.json` and `--target`. Loads no target: for help and questions. */'],
      'targetKinds',
      'TargetKind',
      list,
    ),
    'targets/targets.ts': [
      note,
      ...list.map((name) => `import { target as ${camel(name)} } from './${name}.ts';`),
      "import type { TargetKind } from './kinds.ts';",
      "import type { Target } from './target.ts';",
      '',
      '/** Every target by its name. */',
      'export const targets: Readonly<Record<TargetKind, Target>> = {',
      ...list.map((name) => `  '${name}': ${camel(name)},`),
      '};',
      '',
    ],
  };
}

/** The texts of the lists, by their path in the folder `source`, which is src/. */
export function generatedLists(source = ours) {
  return Object.fromEntries(
    Object.entries({ ...ruleLists(source), ...targetLists(source) }).map(([path, lines]) => [path, lines.join('\n')]),
  );
}

/** Writes the lists that differ from what is there. */
export function writeLists() {
  for (const [name, text] of Object.entries(generatedLists())) {
    const path = join(ours, name);
    let known;
    try {
      known = readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
    } catch {
      known = undefined;
    }
    if (known !== text) writeFileSync(path, text);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeLists();
