import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const source = join(import.meta.dirname, '..', 'src');

/** Which rooms each room may import, beside itself and the leaf files at the top of src/. */
const middle = ['kit', 'extension', 'migrations', 'supabase', 'verify', 'database'];
const mayImport: Record<string, string[]> = {
  cli: ['create', 'portfolio', ...middle],
  portfolio: ['create', ...middle],
  create: middle,
  kit: ['database'],
  extension: ['database'],
  migrations: ['database'],
  supabase: ['database'],
  verify: ['database'],
  database: [],
};

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => /\.(ts|js)$/.test(file))
  .sort();

/** What a file imports, as paths from src/ and as package names. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:^(?:import|export)\b[^;'"]*?from\s*|^import\s*|\bimport\(\s*|new URL\(\s*)'([^']+)'/gms)].map((match) => match[1] ?? '');
  return specifiers.map((specifier) => (specifier.startsWith('.') ? posix.normalize(posix.join(dirname(file), specifier)) : specifier));
}

const room = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '');

describe('imports go one way', () => {
  it.each(files)('%s', (file) => {
    const from = room(file);
    for (const imported of importsOf(file)) {
      if (!files.includes(imported)) continue;
      const to = room(imported);
      if (from === '') {
        // The public API is the one leaf that looks into the rooms.
        if (file !== 'index.ts') expect(to, `${file} imports ${imported}`).toBe('');
      } else if (to !== '' && to !== from) {
        expect(mayImport[from], `${file} imports ${imported}`).toContain(to);
      }
    }
  });

  it('sees the imports that it judges', () => {
    expect(importsOf('cli/parse.ts')).toEqual(['node:util', 'error.ts', 'nearest.ts', 'cli/flags.ts']);
  });
});

describe('heavy packages are imported where they are used', () => {
  const heavy = ['@electric-sql/pglite', 'pg', '@libpg-query/parser', 'handlebars', '@supabase/supabase-js', 'yaml', 'execa', 'inquirer', 'jiti'];
  it.each(files)('%s', (file) => {
    const text = readFileSync(join(source, file), 'utf8');
    // Type imports cost nothing; the worker is loaded only to run the embedded database.
    if (file.endsWith('-worker.js')) return;
    const eager = [...text.matchAll(/^import (?!type)[^;]*?from '([^']+)'/gms)].map((match) => match[1] ?? '');
    expect(eager.filter((name) => heavy.some((packageName) => name === packageName || name.startsWith(`${packageName}/`)))).toEqual([]);
  });
});

describe('files can be read in one go', () => {
  it.each(files)('%s has at most 250 lines', (file) => {
    expect(readFileSync(join(source, file), 'utf8').split('\n').length).toBeLessThanOrEqual(251);
  });
});

describe('every room says what it is for', () => {
  it.each(Object.keys(mayImport))('%s', (name) => {
    const own = files.filter((file) => room(file) === name);
    if (own.length === 0) return;
    const opening = own.some((file) => readFileSync(join(source, file), 'utf8').startsWith(`/**\n * ${name}/:`));
    expect(opening, `no file of ${relative('.', join(source, name))} opens with "/** ${name}/: …"`).toBe(true);
  });
});
