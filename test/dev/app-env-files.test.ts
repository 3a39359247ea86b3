import { lstatSync, readFileSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Filled, fillSecretsFiles } from '../../src/dev/env-file.ts';
import { createKeys, generateKeys } from '../../src/dev/keys.ts';
import { parseEnvironment } from '../../src/kit/environment-file.ts';
import { sampleOf } from '../support/sample.ts';
import { type Files, git, put, temporary } from '../kit/repository.ts';

const url = 'http://127.0.0.1:54321';
const theirs = 'https://mine.supabase.co';
const kept = await generateKeys();
const keys = await createKeys(kept);

/** Values that are made at each start, by the names that the tables below have for them. */
const made: Readonly<Record<string, string>> = {
  ANON: keys.anonToken,
  PUBLISHABLE: keys.publishable,
  SERVICE: keys.serviceToken,
  DATABASE: `postgresql://postgres:${keys.databasePassword}@127.0.0.1:54322/postgres`,
};

interface Outcome extends Filled {
  directory: string;
  notes: string[];
}

async function fillIn(directory: string, at = url): Promise<Outcome> {
  const notes: string[] = [];
  const filled = await fillSecretsFiles(directory, 'development', { url: at, keys, databasePort: 54_322 }, (text) =>
    notes.push(text),
  );
  return { ...filled, directory, notes };
}

/** A product with these files, in which a server started once. */
async function started(files: Files, tracked: readonly string[] = []): Promise<Outcome> {
  const directory = temporary('muse');
  git(directory, 'init', '--quiet');
  put(directory, { '.gitignore': '/.env.local\n/.muse\n', ...files });
  for (const file of tracked) git(directory, 'add', '--force', file);
  return fillIn(directory);
}

const variablesOf = (directory: string, file: string): Record<string, string> =>
  parseEnvironment(readFileSync(join(directory, file), 'utf8'));

describe('the secrets file of an app in a folder', () => {
  it.each<[string, Files, Record<string, Record<string, string>>]>([
    [
      'is made from the template beside it',
      { 'app/.env.example': `VITE_SUPABASE_URL=\nVITE_SUPABASE_ANON_KEY=your-key\nDATABASE_URL=\nPORT=5173\n` },
      {
        'app/.env.local': {
          VITE_SUPABASE_URL: url,
          VITE_SUPABASE_ANON_KEY: 'ANON',
          DATABASE_URL: 'DATABASE',
          PORT: '5173',
        },
      },
    ],
    [
      'is made for each app of a monorepo, each with its own names',
      {
        'apps/web/.env.local.example': 'NEXT_PUBLIC_SUPABASE_URL=https://YOURS.supabase.co\n',
        'apps/mobile/.env.template': 'EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY=\n',
        'packages/api/.env.sample': 'SUPABASE_SERVICE_ROLE_KEY=xxx\n',
        'web/env.example': 'REACT_APP_SUPABASE_URL=\nPRIVATE_SUPABASE_SERVICE_KEY=\n',
      },
      {
        'apps/mobile/.env.local': { EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY: 'PUBLISHABLE' },
        'apps/web/.env.local': { NEXT_PUBLIC_SUPABASE_URL: url },
        'packages/api/.env.local': { SUPABASE_SERVICE_ROLE_KEY: 'SERVICE' },
        'web/.env.local': { REACT_APP_SUPABASE_URL: url, PRIVATE_SUPABASE_SERVICE_KEY: 'SERVICE' },
      },
    ],
    [
      'comes from the first template that names Supabase',
      { 'app/.env.example': 'REDIS_URL=\n', 'app/.env.local.example': 'VITE_SUPABASE_URL=\n' },
      { 'app/.env.local': { VITE_SUPABASE_URL: url } },
    ],
    [
      'keeps what a person wrote, and gets what is empty, missing, or as in the template',
      {
        'app/.env.example': 'VITE_SUPABASE_URL=\nVITE_SUPABASE_ANON_KEY=your-key\nSUPABASE_SERVICE_ROLE_KEY=\nPORT=1\n',
        'app/.env.local': `# mine\nVITE_SUPABASE_URL=${theirs}\nVITE_SUPABASE_ANON_KEY=your-key\n`,
      },
      {
        'app/.env.local': {
          VITE_SUPABASE_URL: theirs,
          VITE_SUPABASE_ANON_KEY: 'ANON',
          SUPABASE_SERVICE_ROLE_KEY: 'SERVICE',
        },
      },
    ],
    [
      'does not hide what a person wrote in .env, which it comes before',
      {
        'app/.env.example': 'VITE_SUPABASE_URL=\nVITE_SUPABASE_ANON_KEY=your-key\nSTRIPE_KEY=your-key\n',
        'app/.env': `VITE_SUPABASE_URL=${theirs}\nVITE_SUPABASE_ANON_KEY=your-key\nSTRIPE_KEY=sk_test_1\n`,
      },
      { 'app/.env.local': { VITE_SUPABASE_ANON_KEY: 'ANON' } },
    ],
    [
      'is made beside a folder of the name .env',
      { 'app/.env.example': 'SUPABASE_URL=\n', 'app/.env/bin/python': '' },
      { 'app/.env.local': { SUPABASE_URL: url } },
    ],
    [
      'is not made where all is a person’s',
      { 'app/.env.example': 'SUPABASE_URL=\n', 'app/.env': 'SUPABASE_URL=x' },
      {},
    ],
    ['is not made for other services', { 'app/.env.example': 'DATABASE_URL=\nSUPABASE_SOMETHING=\n' }, {}],
    [
      'is not made where no app of this product is',
      Object.fromEntries(
        [
          'supabase/functions',
          'node_modules/one',
          'app/node_modules/one',
          '.next/one',
          'apps/web/too/deep',
          'other',
          'others/one',
        ]
          .map((folder): [string, string] => [`${folder}/.env.example`, 'SUPABASE_URL=\n'])
          .concat([
            ['other/.git', 'gitdir: ../.git/modules/other\n'],
            ['others/one/.git/HEAD', 'ref: refs/heads/main\n'],
          ]),
      ),
      {},
    ],
  ])('%s', async (_, files, expected) => {
    const { directory, ...outcome } = await started(files);
    const names = Object.keys(expected);
    expect(outcome.notes).toEqual([]);
    expect(outcome.files.map(({ file }) => file)).toEqual(['.env.local', ...names]);
    for (const file of names) {
      const values = Object.entries(expected[file]!).map(([name, value]) => [name, made[value] ?? value]);
      expect(variablesOf(directory, file), file).toEqual(Object.fromEntries(values));
      if (process.platform !== 'win32') expect(statSync(join(directory, file)).mode & 0o777, file).toBe(0o600);
    }
    const seen = git(directory, 'status', '--porcelain', '--untracked-files=all');
    expect(seen).not.toMatch(/\.env\.local$/m);
    // A second start has nothing to do.
    const before = names.map((file) => statSync(join(directory, file)).mtimeMs);
    expect((await fillIn(directory)).files).toEqual(outcome.files);
    expect(names.map((file) => statSync(join(directory, file)).mtimeMs)).toEqual(before);
  });

  it.each<[string, Files, string[], RegExp, string | undefined]>([
    [
      'tracked by git',
      { 'app/.env.local': 'SUPABASE_URL=\n' },
      ['app/.env.local'],
      /git already tracks app/,
      undefined,
    ],
    [
      'not text',
      { 'app/.env.local': Buffer.from([0xff, 0xfe, 0x41]) },
      [],
      /app.\.env\.local cannot be read/,
      undefined,
    ],
    ['a link', { 'app/.env.local': { link: '../.env.local' } }, [], /^$/, undefined],
    ['a folder', { 'app/.env.local/note.txt': '' }, [], /^$/, undefined],
  ])('is left alone where it is %s, and the server starts', async (_, files, tracked, note) => {
    const { directory, notes, ...outcome } = await started(
      { 'app/.env.example': 'SUPABASE_URL=\n', ...files },
      tracked,
    );
    expect(notes.join('\n')).toMatch(note);
    expect(outcome.files.map(({ file }) => file)).toEqual(['.env.local']);
    for (const [path, content] of Object.entries(files)) {
      if (typeof content === 'object' && 'link' in content)
        expect(lstatSync(join(directory, path)).isSymbolicLink()).toBe(true);
      else expect(readFileSync(join(directory, path))).toEqual(Buffer.from(content));
    }
  });

  it.each<[string, Files, string, string]>([
    ['the product’s', {}, '.gitignore', '/.env.local\n/.muse\n/apps/web/.env.local\n'],
    [
      'the nearest, which comes last',
      { 'apps/.gitignore': '!.env*', 'apps/web/.gitignore': 'dist\r\n' },
      'apps/web/.gitignore',
      'dist\r\n/.env.local\r\n',
    ],
    ['none, where one covers it', { 'apps/web/.gitignore': '.env*.local\n' }, '.gitignore', '/.env.local\n/.muse\n'],
    [
      'none, where the product’s covers all',
      { '.gitignore': '/.muse\n.env.local\n' },
      '.gitignore',
      '/.muse\n.env.local\n',
    ],
  ])('is ignored by git: adds a line to %s', async (_, files, file, expected) => {
    const { directory } = await started({ 'apps/web/.env.example': 'SUPABASE_URL=\n', ...files });
    expect(await readFile(join(directory, file), 'utf8')).toBe(expected);
    expect(git(directory, 'check-ignore', 'apps/web/.env.local').trim()).toBe('apps/web/.env.local');
  });

  it
    .runIf(process.platform !== 'win32')
    .each(sampleOf(['[web]', 'a b (1)', 'Füße', '#1', '!x', 'a*', String.raw`a\b`], 3))(
    'is ignored by git in a folder of the name %j',
    async (name) => {
      const { directory, notes } = await started({ [`${name}/.env.example`]: 'SUPABASE_URL=\n' });
      expect(notes).toEqual([]);
      expect(variablesOf(directory, `${name}/.env.local`)).toEqual({ SUPABASE_URL: url });
      const before = await readFile(join(directory, '.gitignore'), 'utf8');
      await fillIn(directory, 'http://127.0.0.1:54330');
      expect(await readFile(join(directory, '.gitignore'), 'utf8')).toBe(before);
    },
  );

  it('follows the port as long as nobody else writes the variable, in each folder by itself', async () => {
    const names = 'VITE_SUPABASE_URL=\nSUPABASE_URL=\n';
    const { directory } = await started({ 'one/.env.example': names, 'two/.env.example': names });
    const path = join(directory, 'one/.env.local');
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replace(`\nSUPABASE_URL=${url}`, '\nSUPABASE_URL=http://mine'),
    );
    const next = 'http://127.0.0.1:54330';
    await fillIn(directory, next);
    expect(variablesOf(directory, 'one/.env.local')).toEqual({ VITE_SUPABASE_URL: next, SUPABASE_URL: 'http://mine' });
    expect(variablesOf(directory, 'two/.env.local')).toEqual({ VITE_SUPABASE_URL: next, SUPABASE_URL: next });
  });

  it('says where the app is', async () => {
    const { siteUrl } = await started({
      '.env.local': 'A=1\n',
      'app/.env.example': 'SUPABASE_URL=\nNEXT_PUBLIC_SITE_URL=http://localhost:5173\n',
    });
    expect(siteUrl).toBe('http://localhost:5173');
  });
});
