import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readMuseFile, writeMuseFile } from '../../src/muse/muse-json.ts';
import { migrationOrders } from '../../src/shared/muse-file.ts';
import { museSchema } from '../../src/muse/muse-schema.ts';
import { rules } from '../../src/rules/registry.ts';
import type { MuseFile } from '../../src/shared/muse-file.ts';
import { schemaText } from '../../scripts/muse-schema.js';

const root = join(import.meta.dirname, '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'create-muse-json-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const good: MuseFile = {
  version: 1,
  name: 'realtymuse',
  kit: { source: 'builtin', commit: 'create-muse@0.1.0', layout: 'musekit' },
  migrations: {
    core: ['migrations/core'],
    extensions: ['migrations/extensions'],
    rollback: 'migrations/rollback',
    archive: 'migrations/archive',
    order: 'number',
  },
  isolation: 'auth-uid',
  prefix: '',
  presets: ['realty'],
  environments: { development: { target: 'embedded' } },
};
const session = { role: 'app', superadminRole: 'app_admin', organization: 'app.org', user: 'app.user' };
const ref = 'abcdefghijklmnopqrst';

/** Reads a `muse.json` with this content. */
async function read(content: unknown): Promise<MuseFile> {
  writeFileSync(join(directory, 'muse.json'), typeof content === 'string' ? content : JSON.stringify(content));
  return readMuseFile(directory);
}

describe('takes', () => {
  it.each<[string, Record<string, unknown>]>([
    ['what a creation writes', {}],
    ['$schema', { $schema: './somewhere.json' }],
    ['session variables', { isolation: 'session', session }],
    [
      'a Supabase project',
      {
        environments: {
          production: {
            target: 'supabase',
            ref,
            region: 'eu-central-1',
            organization: 'acme',
            databaseCa: 'certificates/production.crt',
          },
        },
      },
    ],
    ['a Supabase project that is not created yet', { environments: { development: { target: 'supabase' } } }],
    ['a server', { environments: { staging: { target: 'postgres', urlVariable: 'STAGING_URL' } } }],
    ['severities', { rules: { 'missing-header': 'off', 'enum-type': 'error' } }],
    ['more to prune', { prune: ['docs/old'] }],
  ])('%s', async (_, more) => {
    expect(await read({ ...good, ...more })).toEqual({ ...good, ...more });
  });
});

describe('refuses', () => {
  const environment = (development: unknown): Record<string, unknown> => ({ ...good, environments: { development } });
  const without = (key: keyof MuseFile): Record<string, unknown> =>
    Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));
  it.each<[string, unknown, string]>([
    ['what is not JSON', '{', 'it is not valid JSON'],
    ['a list', [], 'an object was expected, not a list'],
    [
      'another version',
      { ...good, version: 2 },
      'version: 1 was expected, not 2. Use the version of create-muse that wrote this file, or a later one.',
    ],
    [
      'an unknown target',
      environment({ target: 'neon' }),
      'environments.development.target: one of embedded, postgres, supabase was expected, not "neon"',
    ],
    [
      'a mistyped target',
      environment({ target: 'supabse' }),
      'environments.development.target: one of embedded, postgres, supabase was expected, not "supabse". Did you mean "supabase"?',
    ],
    [
      'a mistyped key',
      { ...good, environments: { staging: { traget: 'postgres' } } },
      'environments.staging.traget: unknown key. Did you mean "target"?',
    ],
    [
      'a mistyped environment',
      { ...good, environments: { prodution: { target: 'embedded' } } },
      'environments.prodution: unknown key. Did you mean "production"?',
    ],
    [
      'a mistyped rule',
      { ...good, rules: { 'mising-header': 'off' } },
      'rules.mising-header: unknown key. Did you mean "missing-header"?',
    ],
    [
      'a severity that there is not',
      { ...good, rules: { 'missing-header': 'of' } },
      'rules.missing-header: one of error, warning, off was expected, not "of". Did you mean "off"?',
    ],
    [
      'a mistyped isolation',
      { ...good, isolation: 'wat' },
      'isolation: one of auth-uid, session was expected, not "wat". Write one of auth-uid, session.',
    ],
    ['a mistyped key at the top', { ...good, preset: [] }, 'preset: unknown key. Did you mean "presets"?'],
    [
      'a key that is mistyped and required',
      { ...without('isolation'), isolaton: 'auth-uid' },
      'isolaton: unknown key. Did you mean "isolation"?',
    ],
    ['a missing key', without('kit'), 'kit is missing. Add kit.'],
    [
      'a missing key further in',
      { ...good, kit: { source: 'builtin', layout: 'musekit' } },
      'kit: commit is missing. Add commit.',
    ],
    [
      'a folder that is none',
      { ...good, migrations: { ...good.migrations, core: ['a', 5] } },
      'migrations.core[1]: a folder was expected, not 5',
    ],
    ['text for a list', { ...good, presets: 'realty' }, 'presets: a list was expected, not "realty"'],
    [
      'an order that there is not',
      { ...good, migrations: { ...good.migrations, order: 'numbers' } },
      `migrations.order: one of ${migrationOrders.join(', ')} was expected, not "numbers". Did you mean "number"?`,
    ],
    [
      'a ref that is none',
      environment({ target: 'supabase', ref: '../x' }),
      'environments.development.ref: a project ref: 20 letters a-z',
    ],
    [
      'a key of another target',
      environment({ target: 'postgres', ref }),
      'environments.development.ref: ref is a setting of the target supabase, not of postgres. Leave it out. Known here: urlVariable, databaseCa.',
    ],
    ['null for an environment', environment(null), 'environments.development: an object was expected, not null'],
    [
      'environments in a list',
      { ...good, environments: [{ target: 'embedded' }] },
      'environments: an object was expected, not a list',
    ],
    ['a prototype', `{"__proto__": {}, ${JSON.stringify(good).slice(1)}`, '__proto__: unknown key'],
    [
      'control characters, which it does not show',
      environment({ target: 'a\u001B[2J' }),
      'environments.development.target: one of embedded, postgres, supabase was expected, not "a\\u001b[2J"',
    ],
    ['control characters in a key', { ...good, 'a\u001B[2J': 1 }, 'a [2J: unknown key'],
  ])('%s', async (_, content, message) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'muse-json-unreadable',
      message: expect.stringContaining(`${join(directory, 'muse.json')} cannot be used: ${message}`),
      suggestion: expect.stringContaining('git checkout -- muse.json'),
    });
  });

  it('several errors at once, and names all of them', async () => {
    const error: unknown = await read({
      ...good,
      isolation: 'wat',
      environments: { development: { target: 'neon' } },
      extra: 1,
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringContaining('isolation'),
      detail: expect.stringMatching(/target: .*\nextra: unknown key/),
    });
  });
});

it('writes the name of its JSON Schema to every file that has none', async () => {
  await writeMuseFile(directory, good);
  expect(await readMuseFile(directory)).toEqual({ $schema: './node_modules/create-muse/muse.schema.json', ...good });
  await writeMuseFile(directory, { $schema: 'mine.json', ...good });
  expect((await readMuseFile(directory)).$schema).toBe('mine.json');
});

it('matches the JSON Schema in the package (to update: node scripts/muse-schema.js)', () => {
  expect(readFileSync(join(root, 'muse.schema.json'), 'utf8')).toBe(schemaText(museSchema, rules));
  expect((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }).files).toContain(
    'muse.schema.json',
  );
});

it.each(['create-muse.js', 'muse.js'])('the schema library is not loaded by %s --help', (command) => {
  const hook =
    "export async function resolve(name, context, next) { if (name === 'valibot') throw new Error('it is loaded'); return next(name, context); }";
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`;
  const run = (program: string): string =>
    execFileSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(register)}`, ...program.split(' ')],
      { cwd: root, encoding: 'utf8', stdio: 'pipe' },
    );
  expect(run(`bin/${command} --help`)).toContain('Usage');
  expect(() => run("--input-type=module -e import('valibot')")).toThrow('it is loaded');
});
