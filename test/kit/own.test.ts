import { existsSync, lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { archiveExtensions } from '../../src/kit/archive.ts';
import type { MigrationFolders } from '../../src/shared/muse-file.ts';
import { setJsonValue } from '../../src/kit/json-edit.ts';
import { prune } from '../../src/kit/prune.ts';
import { renameKit } from '../../src/kit/rename.ts';
import { rejectionOf } from './errors.ts';
import { type Files, put, temporary } from './repository.ts';

function kit(files: Files): string {
  const place = temporary();
  put(place, files);
  return place;
}

const read = (place: string, file: string) => readFileSync(join(place, file), 'utf8');

describe('prune', () => {
  it('removes junk, counts it, and keeps what only looks like it', async () => {
    const outside = kit({ 'keep.txt': 'keep' });
    const place = kit({
      'attached_assets/a.png': '12345',
      'attached_assets/deep/b.png': '12345',
      '.agents/x.md': '1',
      '.replit': '1',
      'apps/web/test-results/r.json': '1',
      'src/.DS_Store': '1',
      'coverage/lcov.info': '1',
      'src/coverage/page.ts': 'stays',
      'src/attached_assets/mine.ts': 'stays',
      'tsconfig.tsbuildinfo': '1',
      'playwright-report': { link: outside },
      '.muse/journal.json': 'stays',
    });
    const pruned = await prune(place);
    expect(pruned).toEqual({
      paths: [
        '.agents',
        '.replit',
        'attached_assets',
        'coverage',
        'playwright-report',
        'tsconfig.tsbuildinfo',
        'src/.DS_Store',
        'apps/web/test-results',
      ].sort(),
      files: 9,
      bytes: 16,
    });
    expect(readdirSync(place).sort()).toEqual(['.muse', 'apps', 'src']);
    expect(readdirSync(join(place, 'src')).sort()).toEqual(['attached_assets', 'coverage']);
    expect(existsSync(join(outside, 'keep.txt'))).toBe(true);
    expect(await prune(place)).toEqual({ paths: [], files: 0, bytes: 0 });
  });

  it('removes what muse.json adds', async () => {
    const place = kit({
      'docs/old/a.md': '1',
      'docs/new.md': '1',
      'a/x.bak': '1',
      'b/x.bak/y': '1',
      'a+b': '1',
      aab: '1',
    });
    expect((await prune(place, ['/docs/old/', '*.bak', 'a+b'])).paths.sort()).toEqual([
      'a+b',
      'a/x.bak',
      'b/x.bak',
      'docs/old',
    ]);
  });

  it.each(['', '/', '*', '../x', 'a/../../b', '.', '**', 'a//b'])('refuses %j', async (pattern) => {
    const place = kit({ 'a.txt': 'a' });
    expect(await rejectionOf(prune(place, [pattern]))).toMatchObject({ code: 'bad-prune' });
    expect(readdirSync(place)).toEqual(['a.txt']);
  });
});

describe('archiveExtensions', () => {
  const folders: MigrationFolders = {
    core: ['migrations/core'],
    extensions: ['migrations/extensions'],
    rollback: 'migrations/rollback',
    archive: 'migrations/archive',
    order: 'number',
  };

  it('moves the SQL files, renames conflicting ones, and can run again', async () => {
    const place = kit({
      'migrations/extensions/001_a.sql': 'a',
      'migrations/extensions/002_b.pgsql': 'b',
      'migrations/extensions/README.md': 'stays',
      'migrations/extensions/003_link.sql': { link: 'README.md' },
      'migrations/archive/001_a.sql': 'other',
      'migrations/archive/002_b.pgsql': 'b',
      'migrations/rollback/extensions/001_a.sql': 'back',
      'migrations/rollback/core/001_c.sql': 'stays',
    });
    expect(await archiveExtensions(place, folders)).toEqual([
      { from: 'migrations/extensions/001_a.sql', to: 'migrations/archive/001_a.2.sql' },
      { from: 'migrations/extensions/002_b.pgsql', to: 'migrations/archive/002_b.pgsql' },
      { from: 'migrations/rollback/extensions/001_a.sql', to: 'migrations/archive/rollback/001_a.sql' },
    ]);
    expect(readdirSync(join(place, 'migrations/extensions')).sort()).toEqual(['003_link.sql', 'README.md']);
    expect(read(place, 'migrations/archive/001_a.sql')).toBe('other');
    expect(await archiveExtensions(place, folders)).toEqual([]);
  });

  it('does nothing if there are none, and nothing through a link', async () => {
    const outside = temporary('outside');
    expect(await archiveExtensions(kit({}), folders)).toEqual([]);
    const place = kit({ 'migrations/extensions/001_a.sql': 'a', 'migrations/archive': { link: outside } });
    expect(await rejectionOf(archiveExtensions(place, folders))).toMatchObject({ code: 'path-outside' });
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe('setJsonValue', () => {
  it.each([
    ['{"name":"a"}', ['name'], '{"name":"new"}'],
    [
      '{\n\t"x": [1, {"name": "no"}],\r\n\n\t"name" : "a" ,\n "y":2}\n',
      ['name'],
      '{\n\t"x": [1, {"name": "no"}],\r\n\n\t"name" : "new" ,\n "y":2}\n',
    ],
    ['\uFEFF{"a":{"b":{"name":"x"}},"name":"y"}', ['a', 'b', 'name'], '\uFEFF{"a":{"b":{"name":"new"}},"name":"y"}'],
    [String.raw`{"q\"}":"}","name":"a\\"}`, ['name'], String.raw`{"q\"}":"}","name":"new"}`],
    ['{"":{"name":"a"}}', ['', 'name'], '{"":{"name":"new"}}'],
    ['{"name":1}', ['name'], '{"name":1}'],
    ['{"a":[{"name":"x"}]}', ['a', '0', 'name'], '{"a":[{"name":"x"}]}'],
    ['{}', ['name'], '{}'],
    ['[]', ['name'], '[]'],
    ['"name"', ['name'], '"name"'],
  ])('%j at %j', (text, path, expected) => {
    expect(setJsonValue(text, path, 'new')).toBe(expected);
  });

  it('changes only that string, whatever the file contains', () => {
    const changes = fc.property(
      fc.jsonValue(),
      fc.jsonValue(),
      fc.string(),
      fc.string(),
      fc.nat(4),
      (before, after, key, value, indent) => {
        const text = JSON.stringify({ before, [`k${key}`]: { inner: 'old' }, after }, undefined, indent);
        const result: unknown = JSON.parse(setJsonValue(text, [`k${key}`, 'inner'], value));
        return (
          JSON.stringify(result) ===
          JSON.stringify(JSON.parse(JSON.stringify({ before, [`k${key}`]: { inner: value }, after })))
        );
      },
    );
    expect(fc.check(changes, { numRuns: 500 })).toMatchObject({ failed: false });
  });
});

describe('renameKit', () => {
  const config =
    '{\n  "_comment": "x",\n  \n  "project": {\n    "name": "Master",\n    "tagline": "Old"\n  },\n\n  "branding": {\n    "companyName": "Your Company",\n    "supportEmail": "a@b.c"\n  }\n}\n';

  it('renames everywhere and keeps the format of every file', async () => {
    const place = kit({
      'package.json': '{\n\t"version": "1.0.0",\n\t"name": "kit",\n\t"dependencies": {"next": "16"}\n}',
      'package-lock.json':
        '{\n  "name": "kit",\n  "packages": {\n    "": {\n      "name": "kit"\n    },\n    "node_modules/kit": {"name": "kit"}\n  }\n}\n',
      'config/muse.config.json': config,
      'supabase/config.toml': '# project_id = "no"\r\nproject_id = "kit"\r\n[api]\r\nproject_id = "other"\r\n',
      'apps/web/supabase/config.toml': "project_id='kit' # here\n",
      'README.md': '# Kit',
      'pnpm-lock.yaml': 'name: kit\n',
    });
    const changed = await renameKit(place, 'realty-muse', { tagline: 'Sells "houses"' });
    expect(changed).toEqual([
      'package.json',
      'package-lock.json',
      'config/muse.config.json',
      'supabase/config.toml',
      'apps/web/supabase/config.toml',
      'docs/KIT_README.md',
    ]);
    expect(read(place, 'package.json')).toBe(
      '{\n\t"version": "1.0.0",\n\t"name": "realty-muse",\n\t"dependencies": {"next": "16"}\n}',
    );
    expect(read(place, 'package-lock.json')).toBe(
      '{\n  "name": "realty-muse",\n  "packages": {\n    "": {\n      "name": "realty-muse"\n    },\n    "node_modules/kit": {"name": "kit"}\n  }\n}\n',
    );
    expect(read(place, 'config/muse.config.json')).toBe(
      config
        .replace('"Master"', '"Realty Muse"')
        .replace('"Old"', String.raw`"Sells \"houses\""`)
        .replace('"Your Company"', '"Realty Muse"'),
    );
    expect(read(place, 'supabase/config.toml')).toBe(
      '# project_id = "no"\r\nproject_id = "realty-muse"\r\n[api]\r\nproject_id = "other"\r\n',
    );
    expect(read(place, 'apps/web/supabase/config.toml')).toBe('project_id="realty-muse" # here\n');
    expect(read(place, 'docs/KIT_README.md')).toBe('# Kit');
    expect(existsSync(join(place, 'README.md'))).toBe(false);
    expect(await renameKit(place, 'realty-muse', { tagline: 'Sells "houses"' })).toEqual([]);
  });

  it('does not change invalid JSON or linked files', async () => {
    const outside = kit({ 'muse.config.json': config });
    const place = kit({ 'package.json': '{ // no\n}', config: { link: outside }, 'readme.md': { link: 'docs' } });
    expect(await renameKit(place, 'muse2')).toEqual([]);
    expect(read(outside, 'muse.config.json')).toBe(config);
    expect(lstatSync(join(place, 'readme.md')).isSymbolicLink()).toBe(true);
  });

  it('refuses the name of a package that the kit depends on', async () => {
    const place = kit({ 'package.json': '{"name":"kit","devDependencies":{"next":"16"}}' });
    expect(await rejectionOf(renameKit(place, 'next'))).toMatchObject({ code: 'bad-name' });
    expect(read(place, 'package.json')).toContain('"kit"');
  });

  it('a kit whose docs is a file keeps its README next to it', async () => {
    const place = kit({ docs: 'file', 'Readme.md': '# Kit' });
    expect(await renameKit(place, 'muse2')).toEqual(['KIT_README.md']);
  });
});
