import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fillEnvironment,
  parseEnvironment,
  readEnvironmentTemplate,
  updateEnvironment,
  writeEnvironmentFile,
} from '../../src/kit/environment-file.ts';
import { errorOf, rejectionOf } from './errors.ts';
import { git, put, temporary } from './repository.ts';

describe('parseEnvironment', () => {
  it.each([
    ['A=1', { A: '1' }],
    ['export A = b c  # comment', { A: 'b c' }],
    ['\uFEFFA=1\r\nB="2"\r\n', { A: '1', B: '2' }],
    ["A='x # y' # z", { A: 'x # y' }],
    [String.raw`A="a\nb"`, { A: 'a\nb' }],
    ['A="a\nb"\nC=d', { A: 'a\nb', C: 'd' }],
    [String.raw`A='a\nb'`, { A: String.raw`a\nb` }],
    ['A=`it\'s "so"`', { A: 'it\'s "so"' }],
    ["A='x\nB='y'", { A: "'x", B: 'y' }],
    ["A=it's", { A: "it's" }],
    [String.raw`A='c:\dir\'` + "\nB='2'", { A: 'c:\\dir\\', B: '2' }],
    ['# A=1\n  \nnot a line\nB=\nA.b-c=3', { B: '', 'A.b-c': '3' }],
    ['A=1\nA=2', { A: '2' }],
    ['A=x#y', { A: 'x' }],
    ['', {}],
  ])('reads %j', (text, expected) => {
    expect(parseEnvironment(text)).toEqual(expected);
  });

  it('reads common templates like Node', () => {
    const line = fc.oneof(
      fc
        .tuple(fc.stringMatching(/^[A-Z_]{1,8}$/), fc.stringMatching(/^[ -~]{0,20}$/))
        .map(([name, value]) => `${name}=${value.replace(/['"`]/g, '')}`),
      fc.stringMatching(/^# [ -<>-~]{0,20}$/),
      fc.constant(''),
    );
    const same = fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n');
      return (
        JSON.stringify(Object.entries(parseEnvironment(text)).sort()) ===
        JSON.stringify(Object.entries(parseEnv(text)).sort())
      );
    });
    expect(fc.check(same, { numRuns: 500 })).toMatchObject({ failed: false });
  });
});

const template =
  '# Supabase\nNEXT_PUBLIC_SUPABASE_URL=https://your-project.supabase.co  # the URL\nOTHER="keep me"\n# GOOGLE_ID=\n';

describe('updateEnvironment', () => {
  it('changes the named lines and nothing else', () => {
    expect(updateEnvironment(template, { NEXT_PUBLIC_SUPABASE_URL: 'https://x.co', GOOGLE_ID: 'g g' })).toBe(
      `${template.replace('https://your-project.supabase.co', 'https://x.co')}GOOGLE_ID='g g'\n`,
    );
    expect(updateEnvironment('A=1\r\nB=2', { B: '3', C: '4' })).toBe('A=1\r\nB=3\r\nC=4\r\n');
    expect(updateEnvironment('A=1\nB=x\nA=2\n', { A: '' })).toBe('A=\nB=x\nA=\n');
    expect(updateEnvironment(template, {})).toBe(template);
  });

  it.each([
    'plain',
    'p#ss',
    '$HOME',
    'a b',
    ' lead',
    "it's",
    'say "x"',
    'both \' and "',
    '',
    'a=b',
    'back\\slash',
    'end\\',
    'line\nend',
    '"line\nend"',
    'ünï',
    '`tick`',
    '#',
  ])('writes %j so that Node and a shell-like reader read it back', (value) => {
    const text = updateEnvironment('Z=1\n', { A: value, B: 'after' });
    expect(parseEnvironment(text)).toEqual({ Z: '1', A: value, B: 'after' });
    expect(parseEnv(text)).toEqual({ Z: '1', A: value, B: 'after' });
  });

  it.each(['q\'e"`x', "end '\\", 'a\rb', 'a\0b'])('refuses %j, which cannot be quoted', (value) => {
    const error = errorOf(() => updateEnvironment('', { A: value }));
    expect(error).toMatchObject({ code: 'bad-environment-value' });
    expect(`${error?.message}${error?.detail}${error?.suggestion}`).not.toContain(value);
  });

  it('reads any value back, here and in Node, or refuses it', () => {
    const value = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom("'", '"', '`', '\\', '#', ' ', '\n', '\r', '$', 'a', '=', '{') }),
      fc.string({ unit: 'grapheme' }),
    );
    const roundTrip = fc.property(value, value, (first, second) => {
      const values = { A: first, B: second };
      const written: { text?: string } = {};
      const error = errorOf(() => (written.text = updateEnvironment('# top\nA=old\nC=3 # three\n', values)));
      if (written.text === undefined) return error?.code === 'bad-environment-value';
      const expected = JSON.stringify({ A: first, C: '3', B: second });
      const own = parseEnvironment(written.text);
      const nodes = parseEnv(written.text);
      return (
        JSON.stringify(own) === expected &&
        [own, nodes].every((read) => read['A'] === first && read['B'] === second && read['C'] === '3')
      );
    });
    expect(fc.check(roundTrip, { numRuns: 3000 })).toMatchObject({ failed: false });
  });
});

describe('fillEnvironment', () => {
  it('keeps the template, fills it, and adds missing variables', () => {
    const text = fillEnvironment(template, {
      NEXT_PUBLIC_SUPABASE_URL: 'https://x.co',
      DATABASE_URL: 'postgresql://a:b%23@h/d',
      MORE: 'm',
    });
    expect(text.startsWith(template.replace('https://your-project.supabase.co', 'https://x.co'))).toBe(true);
    expect(parseEnvironment(text)).toMatchObject({
      NEXT_PUBLIC_SUPABASE_URL: 'https://x.co',
      OTHER: 'keep me',
      DATABASE_URL: 'postgresql://a:b%23@h/d',
      MORE: 'm',
      SUPABASE_SERVICE_ROLE_KEY: 'your-service-role-key',
      STRIPE_SECRET_KEY: 'sk_test_xxx',
      SESSION_SECRET: 'change-me',
    });
    expect(fillEnvironment(text, {})).toBe(text);
  });

  it('works without a template', () => {
    expect(fillEnvironment('', {})).toMatch(/^# Supabase[^\n]*\nNEXT_PUBLIC_SUPABASE_URL=/);
  });
});

describe('readEnvironmentTemplate', () => {
  it.each([
    [{ '.env.template': 'T=1', '.env.example': 'E=1' }, 'T=1'],
    [{ '.env.example': 'E=1', 'apps/web/.env.template': 'W=1' }, 'E=1'],
    [{ 'apps/web/.env.local.example': 'W=1' }, 'W=1'],
    [{ '.env.example': { link: '/etc/hostname' } }, ''],
    [{}, ''],
  ])('%j gives %j', async (files, expected) => {
    const place = temporary();
    put(place, files);
    expect(await readEnvironmentTemplate(place)).toBe(expected);
  });
});

describe('writeEnvironmentFile', () => {
  it('writes a private file, after adding it to .gitignore', async () => {
    const place = temporary();
    put(place, { '.gitignore': 'dist\r\n' });
    writeFileSync(join(place, '.env.local'), 'old', { mode: 0o644 });
    await writeEnvironmentFile(place, '.env.local', 'A=1\n');
    expect(readFileSync(join(place, '.gitignore'), 'utf8')).toBe('dist\r\n/.env.local\r\n');
    expect(readFileSync(join(place, '.env.local'), 'utf8')).toBe('A=1\n');
    // Windows has no such bits, only a read-only flag.
    const expected = process.platform === 'win32' ? '666' : '600';
    expect((statSync(join(place, '.env.local')).mode & 0o777).toString(8)).toBe(expected);
    expect(readdirSync(place).sort()).toEqual(['.env.local', '.gitignore']);
  });

  it.each(['.env.local\n', '.env*.local\n', '.env.*\n!.env.example\n', '.env*\n', '/.env.local'])(
    'does not change a .gitignore of %j',
    async (text) => {
      const place = temporary();
      git(place, 'init', '--quiet');
      put(place, { '.gitignore': text });
      await writeEnvironmentFile(place, '.env.local', 'A=1\n');
      expect(readFileSync(join(place, '.gitignore'), 'utf8')).toBe(text);
      expect(execFileSync('git', ['status', '--porcelain'], { cwd: place, encoding: 'utf8' })).not.toContain('.env');
    },
  );

  it.each(['.env*\n!.env.local\n', '.env.local\n!.env*\n', '*.txt'])(
    'appends itself to a .gitignore of %j',
    async (text) => {
      const place = temporary();
      git(place, 'init', '--quiet');
      put(place, { '.gitignore': text });
      await writeEnvironmentFile(place, '.env.local', 'A=1\n');
      expect(git(place, 'status', '--porcelain', '--untracked-files=all')).toBe('?? .gitignore\n');
    },
  );

  it('refuses a file that git tracks', async () => {
    const place = temporary();
    git(place, 'init', '--quiet');
    put(place, { '.env.local': 'A=0\n' });
    git(place, 'add', '--force', '.env.local');
    expect(await rejectionOf(writeEnvironmentFile(place, '.env.local', 'A=secret\n'))).toMatchObject({
      code: 'environment-not-ignored',
    });
    expect(readFileSync(join(place, '.env.local'), 'utf8')).toBe('A=0\n');
  });

  it('refuses to write through a link', async () => {
    const outside = temporary('outside');
    const place = temporary();
    put(place, { '.env.local': { link: join(outside, 'secret') } });
    expect(await rejectionOf(writeEnvironmentFile(place, '.env.local', 'A=1\n'))).toMatchObject({
      code: 'path-outside',
    });
    expect(readdirSync(outside)).toEqual([]);
  });
});
