import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownVersion } from '../../src/kit/builtin.ts';
import { putJsonString } from '../../src/kit/json-edit.ts';
import { ownDependency, writeManifest } from '../../src/kit/manifest.ts';
import { packageManagerOf } from '../../src/kit/package-manager.ts';
import { put, temporary } from './repository.ts';

describe('putJsonString', () => {
  it.each([
    ['{}', ['a'], '{"a":"new"}'],
    ['{"b": 1}', ['a'], '{"b": 1, "a": "new"}'],
    ['{"b":1}', ['a', 'c'], '{"b":1,"a":{"c":"new"}}'],
    ['{\n  "b": 1\n}\n', ['a'], '{\n  "b": 1,\n  "a": "new"\n}\n'],
    ['\uFEFF{\r\n\t"b": 1\r\n}', ['a', 'c'], '\uFEFF{\r\n\t"b": 1,\r\n\t"a": {\r\n\t\t"c": "new"\r\n\t}\r\n}'],
    ['{\n  "a": {}\n}', ['a', 'c'], '{\n  "a": {\n    "c": "new"\n  }\n}'],
    ['{\n  "a": { "b": "}" }\n}', ['a', 'c'], '{\n  "a": { "b": "}", "c": "new" }\n}'],
    [
      '{\n  "a": {\n    "b": "x"\n  },\n  "z": []\n}',
      ['a', 'c'],
      '{\n  "a": {\n    "b": "x",\n    "c": "new"\n  },\n  "z": []\n}',
    ],
    ['{\n  "a": "old"\n}', ['a'], '{\n  "a": "new"\n}'],
    ['{"a": []}', ['a', 'c'], undefined],
    ['{"a": 1}', ['a'], undefined],
    ['[]', ['a'], undefined],
  ])('%j at %j', (text, path, expected) => {
    expect(putJsonString(text, path, 'new')).toBe(expected);
  });

  it('adds that one string, whatever the file holds and however it is written', () => {
    const adds = fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.constantFrom(undefined, 0, 2, '\t'),
      fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
      fc.string(),
      (value, indent, path, text) => {
        const result = putJsonString(JSON.stringify(value, undefined, indent), path, text);
        if (result === undefined) return true;
        const expected = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        let at = expected;
        for (const key of path.slice(0, -1)) {
          if (!Object.hasOwn(at, key)) Object.defineProperty(at, key, { value: {}, enumerable: true, writable: true });
          at = at[key] as Record<string, unknown>;
        }
        Object.defineProperty(at, path.at(-1)!, { value: text, enumerable: true, writable: true, configurable: true });
        return JSON.stringify(JSON.parse(result)) === JSON.stringify(expected);
      },
    );
    expect(fc.check(adds, { numRuns: 500 })).toMatchObject({ failed: false });
  });
});

describe('writeManifest', () => {
  const own = {
    status: 'muse status',
    lint: 'muse lint',
    rehearse: 'muse rehearse',
    migrate: 'muse migrate',
    verify: 'muse verify',
    seed: 'muse seed',
  };
  const written = async (text: string | undefined) => {
    const place = temporary();
    if (text !== undefined) put(place, { 'package.json': text });
    const result = await writeManifest(place, 'mine', '1.2.3');
    const after = readFileSync(join(place, 'package.json'), 'utf8');
    await writeManifest(place, 'mine', '1.2.3');
    expect(readFileSync(join(place, 'package.json'), 'utf8')).toBe(after);
    return { ...result, after };
  };

  it('makes one where the kit has none', async () => {
    const { after, kept } = await written(undefined);
    expect(JSON.parse(after)).toEqual({
      name: 'mine',
      private: true,
      scripts: own,
      devDependencies: { 'create-muse': '1.2.3' },
    });
    expect(kept).toEqual([]);
  });

  it("keeps the kit's scripts of the same names, and every line that was there", async () => {
    const before =
      '{\n  "name": "mine",\n  "files": ["a", "b"],\n  "scripts": {\n    "lint": "eslint .",\n    "migrate": "drizzle-kit migrate"\n  }\n}\n';
    const { after, kept } = await written(before);
    expect(kept).toEqual(['lint', 'migrate']);
    expect(JSON.parse(after)).toMatchObject({ scripts: { ...own, lint: 'eslint .', migrate: 'drizzle-kit migrate' } });
    const lines = after.split('\n').map((line) => line.replace(/,$/, ''));
    for (const line of before.split('\n')) expect(lines).toContain(line.replace(/,$/, ''));
  });

  it.each(['dependencies', 'devDependencies'])('pins this version where a kit has another one in %s', async (group) => {
    const { after } = await written(JSON.stringify({ [group]: { 'create-muse': '^0.0.1', pg: '8' } }));
    const manifest = JSON.parse(after) as Record<string, unknown>;
    expect(manifest).toMatchObject({ [group]: { 'create-muse': '1.2.3', pg: '8' } });
    expect(['dependencies', 'devDependencies'].filter((key) => key in manifest)).toEqual([group]);
  });

  it.each(['{ not json', '{"scripts": []}', '[]'])('leaves a package.json of %j', async (text) => {
    expect(await written(text)).toEqual({ written: false, kept: [], after: text });
  });

  it('does not write through a link', async () => {
    const outside = temporary('outside');
    put(outside, { 'package.json': '{}' });
    const place = temporary();
    put(place, { 'package.json': { link: join(outside, 'package.json') } });
    expect(await writeManifest(place, 'mine', '1.2.3')).toEqual({ written: false, kept: [] });
    expect(readFileSync(join(outside, 'package.json'), 'utf8')).toBe('{}');
  });
});

describe('ownDependency', () => {
  /** A package in `node_modules` of a directory, installed from there. */
  function installed(resolved: string | undefined): { root: string; own: string } {
    const root = temporary();
    const own = join(root, 'node_modules', 'create-muse');
    mkdirSync(own, { recursive: true });
    const packages = { 'node_modules/create-muse': { resolved } };
    if (resolved !== undefined)
      writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
    writeFileSync(join(root, 'create-muse-0.1.0.tgz'), '');
    return { root, own };
  }

  it.each([
    ['the registry', 'https://registry.npmjs.org/create-muse/-/create-muse-0.1.0.tgz', undefined],
    ['somewhere that is not known', undefined, undefined],
    ['a tarball', 'file:create-muse-0.1.0.tgz', 'file:../create-muse-0.1.0.tgz'],
    ['a tarball that is gone', 'file:other.tgz', undefined],
    ['a repository', 'git+ssh://git@github.com/o/r.git#abc', 'git+ssh://git@github.com/o/r.git#abc'],
  ])('installed from %s', async (_, resolved, specifier) => {
    const { root, own } = installed(resolved);
    mkdirSync(join(root, 'mine'));
    expect(await ownDependency(join(root, 'mine'), own)).toEqual({ specifier: specifier ?? (await ownVersion()) });
  });

  it('from a checkout: its path', async () => {
    const checkout = temporary('Über mir');
    mkdirSync(join(checkout, 'mine'));
    expect(await ownDependency(join(checkout, 'mine'), checkout)).toEqual({ specifier: 'file:..', checkout });
  });
});

describe('packageManagerOf', () => {
  it.each([
    [{}, 'npm', undefined],
    [{ 'package-lock.json': '{}' }, 'npm', 'package-lock.json'],
    [{ 'pnpm-lock.yaml': '' }, 'pnpm', 'pnpm-lock.yaml'],
    [{ 'yarn.lock': '', 'package-lock.json': '{}' }, 'yarn', 'yarn.lock'],
    [{ 'package.json': '{"packageManager":"bun@1.2.0"}', 'package-lock.json': '{}' }, 'bun', undefined],
    [{ 'package.json': '{"packageManager":"pnpm@9.1.0+sha256.abc"}', 'pnpm-lock.yaml': '' }, 'pnpm', 'pnpm-lock.yaml'],
    [{ 'package.json': '{"packageManager":"constructor@1"}' }, 'npm', undefined],
  ])('%j: %s', async (files, name, lock) => {
    const place = temporary();
    put(place, files as Record<string, string>);
    expect(await packageManagerOf(place)).toMatchObject({ name, lock });
  });
});
