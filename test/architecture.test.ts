import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedLists } from '../scripts/lists.js';
import { targetKinds } from '../src/targets/kinds.ts';

const source = join(import.meta.dirname, '..', 'src');

/** The modules from the top down, as in CONTRIBUTING.md: each imports only from rows below its own, and never from its own row. */
const rows: readonly (readonly string[])[] = [
  ['cli'],
  ['create', 'portfolio', 'dev'],
  ['muse'],
  ['targets'],
  ['kit', 'scaffold', 'publish', 'rehearsal', 'supabase', 'verify'],
  ['rules'],
  ['migrations'],
  ['sql'],
  ['database'],
  ['shared'],
];
const modules = rows.flat();
const rowOf = (name: string): number => rows.findIndex((row) => row.includes(name));

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => /\.(ts|js)$/.test(file))
  .sort();

/** The imports of a file, types included, as paths from src/ or as package names. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  const specifiers = [
    ...text.matchAll(/(?:^(?:import|export)\b[^;'"]*?from\s*|^import\s*|\bimport\(\s*|new URL\(\s*)'([^']+)'/gms),
  ].map((match) => match[1] ?? '');
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? posix.normalize(posix.join(dirname(file), specifier)) : specifier,
  );
}

const moduleOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '');
const graph = new Map(files.map((file) => [file, importsOf(file).filter((imported) => files.includes(imported))]));

/** Import cycles, each listed once (Tarjan's strongly connected components). */
function cycles(): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    low.set(file, order.get(file)!);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(file, Math.min(low.get(file)!, low.get(next)!));
    }
    if (low.get(file) !== order.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle);
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return found;
}

describe('imports point down', () => {
  it.each(files)('%s', (file) => {
    const from = moduleOf(file);
    // The public API is the one file above the modules.
    if (from === '') return expect(file).toBe('index.ts');
    for (const imported of graph.get(file) ?? []) {
      const to = moduleOf(imported);
      if (to !== from) expect(rowOf(to), `${file} imports ${imported}`).toBeGreaterThan(rowOf(from));
    }
  });

  it('without cycles', () => {
    expect(cycles()).toEqual([]);
  });

  it('and every folder of src/ is in the list', () => {
    expect([...new Set(files.map(moduleOf))].filter((name) => name !== '' && !modules.includes(name))).toEqual([]);
  });

  it('finds the imports of a file', () => {
    expect(importsOf('cli/parse.ts')).toEqual(['node:util', 'shared/error.ts', 'shared/nearest.ts', 'cli/flags.ts']);
  });
});

describe('rules and targets are listed from their files', () => {
  it.each(Object.entries(generatedLists()))('%s is up to date (to update: npm run build)', (path, text) => {
    expect(readFileSync(join(source, path), 'utf8').replaceAll('\r\n', '\n')).toBe(text);
  });

  it('so that a new one is one file', () => {
    const copy = mkdtempSync(join(tmpdir(), 'create-muse-lists-'));
    try {
      for (const folder of ['rules', 'targets']) cpSync(join(source, folder), join(copy, folder), { recursive: true });
      writeFileSync(join(copy, 'targets', 'neon.ts'), 'export const target: Target = {};\n');
      writeFileSync(join(copy, 'rules', 'money-as-float.ts'), 'export const rule: Rule = {};\n');
      const lists = generatedLists(copy);
      expect(lists['targets/kinds.ts']).toContain("  'neon',\n");
      expect(lists['targets/targets.ts']).toContain("  'neon': neon,\n");
      expect(lists['rules/list.ts']).toContain("  'money-as-float': moneyAsFloat,\n");
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});

describe('only targets compare kinds of targets', () => {
  const kinds = targetKinds.join('|');
  // The kind of a database (`database.kind`) is not a target.
  const comparison = new RegExp(
    `(?:target|(?<!database\\.)kind)\\b['"\\]]*\\s*[!=]==?\\s*['"\`](?:${kinds})['"\`]|['"\`](?:${kinds})['"\`]\\s*[!=]==?|\\bcase ['"\`](?:${kinds})['"\`]`,
  );
  it.each(files.filter((file) => moduleOf(file) !== 'targets'))('%s', (file) => {
    const lines = readFileSync(join(source, file), 'utf8').split('\n');
    expect(lines.filter((line) => comparison.test(line))).toEqual([]);
  });

  it.each([
    "if (target === 'embedded')",
    'entry?.target !== "postgres"',
    "'supabase' === answers.target",
    "case 'embedded':",
    "answers['target'] == 'supabase'",
  ])('finds %s', (line) => {
    expect(comparison.test(line)).toBe(true);
  });
});

describe('heavy packages are imported where they are used', () => {
  const heavy = [
    '@electric-sql/pglite',
    'pg',
    '@libpg-query/parser',
    'handlebars',
    '@supabase/supabase-js',
    'yaml',
    'execa',
    'inquirer',
    'jiti',
  ];
  it.each(files)('%s', (file) => {
    const text = readFileSync(join(source, file), 'utf8');
    // Type imports cost nothing, and the worker is loaded only to run the embedded database.
    if (file.endsWith('-worker.js')) return;
    const eager = [...text.matchAll(/^import (?!type)[^;]*?from '([^']+)'/gms)].map((match) => match[1] ?? '');
    expect(
      eager.filter((name) => heavy.some((packageName) => name === packageName || name.startsWith(`${packageName}/`))),
    ).toEqual([]);
  });
});

describe('files are as long as their subject', () => {
  it.each(files)('%s has at most 500 lines', (file) => {
    expect(readFileSync(join(source, file), 'utf8').split('\n').length).toBeLessThanOrEqual(501);
  });
});

describe('lines are at most 140 columns', () => {
  // A regular expression cannot be broken over lines.
  const regularExpression = /\/[^/]{80,}\/[a-z]*/;
  it.each(files)('%s', (file) => {
    const lines = readFileSync(join(source, file), 'utf8').split('\n');
    expect(lines.filter((line) => line.length > 140 && !regularExpression.test(line))).toEqual([]);
  });
});

describe('every module says what it is for', () => {
  it.each(modules.filter((name) => files.some((file) => moduleOf(file) === name)))('%s', (name) => {
    const own = files.filter((file) => moduleOf(file) === name);
    const opening = own.some((file) => readFileSync(join(source, file), 'utf8').startsWith(`/**\n * ${name}/:`));
    expect(opening, `no file of ${relative('.', join(source, name))} opens with "/** ${name}/: …"`).toBe(true);
  });
});

describe('what benchmarks and scripts load is there', () => {
  const root = join(import.meta.dirname, '..');
  const loaded = ['bench', 'scripts'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.js'))
      .flatMap((file) => {
        const text = readFileSync(join(root, folder, file), 'utf8');
        return [...text.matchAll(/'(?:dist\/)?([a-z-]+(?:\/[a-z-]+)+)\.js'/g)]
          .map((match) => match[1] ?? '')
          .filter((path) => modules.includes(path.split('/')[0] ?? ''))
          .map((path) => [`${folder}/${file.split(sep).join('/')}`, path] as const);
      }),
  );

  it.each(loaded)('%s: %s', (_file, path) => {
    expect(files).toContain(`${path}.ts`);
  });
});
