import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fetchKit } from '../../src/kit/fetch.ts';
import { lsRemote } from '../../src/kit/git-fetch.ts';
import { parseKitSource } from '../../src/kit/source.ts';
import { isWhole, sampleOf } from '../support/sample.ts';
import { rejectionOf } from './errors.ts';
import { bare } from './git-server.ts';
import { commit, type Files, git, musekit, put, repository, temporary } from './repository.ts';

/** A program that creates a file when it runs. */
function trap(): { program: string; sprung: () => boolean } {
  const place = temporary('trap');
  const [program, mark] = [join(place, 'program'), join(place, 'sprung')];
  writeFileSync(program, `#!/bin/sh\n: > '${mark}'\n`);
  chmodSync(program, 0o755);
  return { program, sprung: () => existsSync(mark) };
}

/** The environment of a user with this git configuration. */
function userWith(config: string): NodeJS.ProcessEnv {
  const file = join(temporary('user'), 'gitconfig');
  writeFileSync(file, config);
  return { ...process.env, GIT_CONFIG_GLOBAL: file };
}

async function fetched(files: Files) {
  const muse = temporary('muse');
  const kit = await fetchKit(parseKitSource(repository({ ...musekit, ...files }).directory), muse);
  return { ...kit, muse };
}

describe('no code of a kit runs', () => {
  it('not the hooks of the user: template and hooks path', async () => {
    const { program, sprung } = trap();
    const template = temporary('template');
    mkdirSync(join(template, 'hooks'));
    const names = [
      'post-checkout',
      'pre-commit',
      'commit-msg',
      'post-commit',
      'reference-transaction',
      'post-index-change',
    ];
    for (const name of names) {
      writeFileSync(join(template, 'hooks', name), readFileSync(program), { mode: 0o755 });
    }
    const settings = `[init]\n\ttemplateDir = ${template}\n[core]\n\thooksPath = ${join(template, 'hooks')}\n\tfsmonitor = ${program}\n`;
    await fetchKit(parseKitSource(repository(musekit).directory), temporary('muse'), {
      environment: userWith(settings),
    });
    expect(sprung()).toBe(false);
  });

  it('not the programs in the settings of a local kit', async () => {
    const { program, sprung } = trap();
    const kit = repository({ ...musekit, '.gitattributes': '*.txt filter=evil diff=evil\n', 'a.txt': 'a' });
    for (const key of [
      'core.fsmonitor',
      'filter.evil.clean',
      'filter.evil.smudge',
      'filter.evil.process',
      'core.pager',
      'diff.evil.command',
      'uploadpack.packObjectsHook',
      'core.sshCommand',
      'core.gitProxy',
    ]) {
      git(kit.directory, 'config', key, program);
    }
    put(kit.directory, { 'a.txt': 'b' });
    const { notes } = await fetchKit(parseKitSource(kit.directory), temporary('muse'));
    expect(notes).toMatchObject([{ kind: 'uncommitted', paths: ['a.txt'] }]);
    expect(sprung()).toBe(false);
  });

  it('not the filter for large files', async () => {
    const { program, sprung } = trap();
    const settings = `[filter "lfs"]\n\tclean = ${program}\n\tsmudge = ${program}\n\tprocess = ${program}\n\trequired = true\n`;
    const kit = repository({
      ...musekit,
      '.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n',
      'logo.psd': 'version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12\n',
    });
    const { notes } = await fetchKit(parseKitSource(kit.directory), temporary('muse'), {
      environment: userWith(settings),
    });
    expect(sprung()).toBe(false);
    expect(notes).toMatchObject([{ kind: 'large-file', paths: ['logo.psd'] }]);
  });

  it.each(['--upload-pack=', 'ext::'])(
    'not an address that begins with %s, even if the parser is bypassed',
    async (start) => {
      const { program, sprung } = trap();
      const environment = userWith('[protocol "ext"]\n\tallow = always\n[protocol]\n\tallow = always\n');
      const { directory } = repository(musekit);
      git(directory, 'remote', 'add', 'origin', directory);
      expect(await rejectionOf(lsRemote(`${start}${program}`, { environment, directory }))).toBeDefined();
      expect(sprung()).toBe(false);
    },
  );

  it('not through an alias for addresses', async () => {
    const { program, sprung } = trap();
    const environment = userWith(
      `[protocol "ext"]\n\tallow = always\n[url "ext::${program} "]\n\tinsteadOf = https://kit.example/\n`,
    );
    expect(
      await rejectionOf(fetchKit(parseKitSource('https://kit.example/a.git'), temporary('muse'), { environment })),
    ).toBeDefined();
    expect(sprung()).toBe(false);
  });
});

describe('nothing leads out of a kit', () => {
  it('links that lead out are omitted and reported; others stay', async () => {
    const { notes, muse } = await fetched({
      'out/absolute': { link: '/etc/passwd' },
      'out/up': { link: '../../outside' },
      'out/by-way': { link: 'here/../../../outside' },
      'out/here': { link: '../deep/er' },
      'out/loop': { link: 'loop' },
      'out/drive': { link: 'C:/Windows' },
      'in/file': { link: '../package.json' },
      'in/folder': { link: '../deep' },
      'in/dangling': { link: '../not-there-yet' },
      'in/dots': { link: 'folder/er/../../package.json' },
      'deep/er/file': 'x',
    });
    expect(notes).toMatchObject([
      { kind: 'link-left-out', paths: ['out/absolute', 'out/by-way', 'out/drive', 'out/loop', 'out/up'] },
    ]);
    expect(readdirSync(join(muse, 'out'))).toEqual(['here']);
    expect(readdirSync(join(muse, 'in')).sort()).toEqual(['dangling', 'dots', 'file', 'folder']);
    expect(lstatSync(join(muse, 'in/file')).isSymbolicLink()).toBe(true);
  });

  it.each(['migrations/core/002_x.sql', 'migrations/extensions', 'supabase/migrations', 'seed.sql'])(
    'a link at %s that leads out is refused',
    async (path) => {
      const muse = temporary('muse');
      const kit = repository({ ...musekit, [path]: { link: '../../../../../../etc' } });
      const error = await rejectionOf(fetchKit(parseKitSource(kit.directory), muse));
      expect(error).toMatchObject({ code: 'kit-unsafe-link', detail: path });
      expect(readdirSync(muse)).toEqual([]);
    },
  );

  it('submodules are reported, not fetched', async () => {
    const kit = repository(musekit);
    const other = repository({ 'a.txt': 'a' });
    git(
      kit.directory,
      '-c',
      'protocol.file.allow=always',
      'submodule',
      '--quiet',
      'add',
      '--',
      other.directory,
      'vendor/other',
    );
    commit(kit.directory);
    const muse = temporary('muse');
    const { notes } = await fetchKit(parseKitSource(kit.directory), muse);
    expect(notes).toMatchObject([{ kind: 'submodule', paths: ['vendor/other'] }]);
    expect(readdirSync(join(muse, 'vendor/other'))).toEqual([]);
  });

  it('the journal of the run is not replaced by one in the kit', async () => {
    const kit = repository({ ...musekit, '.muse/journal.json': 'theirs', '.MUSE/x/y': 'theirs too' });
    const muse = temporary('muse');
    put(muse, { '.muse/journal.json': 'ours' });
    const { notes } = await fetchKit(parseKitSource(kit.directory), muse);
    expect(notes).toMatchObject([{ kind: 'reserved', paths: ['.MUSE/x/y', '.muse/journal.json'] }]);
    expect(readdirSync(muse).sort()).toEqual(['.muse', 'migrations', 'package.json']);
    expect(readFileSync(join(muse, '.muse/journal.json'), 'utf8')).toBe('ours');
    expect(readdirSync(join(muse, '.muse'))).toEqual(['journal.json']);
  });

  it('a .muse that is a link is not written through', async () => {
    const outside = temporary('outside');
    const muse = temporary('muse');
    put(muse, { '.muse': { link: outside } });
    expect(await rejectionOf(fetchKit(parseKitSource('builtin'), muse))).toMatchObject({ code: 'path-outside' });
    expect(readdirSync(outside)).toEqual([]);
  });
});

describe('unusual kits', () => {
  it.each(sampleOf(['hash#and?', 'with space', 'per%20cent', 'ünïcødé', '-rf', '日本', 'a:b', 'quote\'"'], 2))(
    'a path like %s',
    async (name) => {
      const kit = repository(musekit);
      const path = join(temporary(), name);
      renameSync(kit.directory, path);
      // With a ref, "#" in a path is part of the path.
      expect(await fetchKit(parseKitSource(path, 'main'), temporary('muse'))).toMatchObject({
        commit: kit.commit,
        remoteUrl: path,
      });
    },
  );

  it('a bare repository, a file URL, a linked work tree, a shallow clone', async () => {
    const kit = repository(musekit);
    const copy = bare(kit.directory, join(temporary(), 'kit.git'));
    const linked = join(temporary(), 'linked');
    git(kit.directory, 'worktree', 'add', '--quiet', '--detach', linked);
    const shallow = join(temporary(), 'shallow');
    git(kit.directory, 'clone', '--quiet', '--depth=1', pathToFileURL(kit.directory).href, shallow);
    for (const text of [copy, pathToFileURL(kit.directory).href, linked, shallow]) {
      expect(await fetchKit(parseKitSource(text), temporary('muse'))).toMatchObject({ commit: kit.commit, notes: [] });
    }
  });

  it('file names with line ends, spaces, quotes and other alphabets', async () => {
    const names = ['line\nend.txt', ' space .txt', 'quote".txt', '日本.txt', 'é.txt', '-rf', ':(top)x'];
    const { muse } = await fetched(Object.fromEntries(names.map((name) => [name, name])));
    for (const name of names) expect(readFileSync(join(muse, name), 'utf8')).toBe(name);
  });

  it('paths that differ only in case are reported', async () => {
    const { notes } = await fetched({ 'a/Read.txt': '1', 'a/read.txt': '2' });
    expect(notes).toMatchObject([{ kind: 'same-name', paths: ['a/Read.txt', 'a/read.txt'] }]);
  });

  it('ignored files that are committed anyway are kept, except secrets', async () => {
    const { ignored } = await fetched({
      '.gitignore': 'dist/\n.env*\n',
      'dist/a.js': '1',
      '.env.test': 'A=1',
      '.env.local': 'B=2',
    });
    expect(ignored).toEqual(['.env.test', 'dist/a.js']);
  });

  const many = isWhole ? 20_000 : 500;
  it(`${many.toLocaleString('en-US')} files`, async () => {
    const files = Object.fromEntries(Array.from({ length: many }, (_, n) => [`f/${n % 200}/${n}.txt`, `${n}`]));
    const { muse, notes } = await fetched(files);
    expect(notes).toEqual([]);
    expect(readdirSync(join(muse, 'f')).flatMap((folder) => readdirSync(join(muse, 'f', folder)))).toHaveLength(many);
  });

  it.each([
    ['nothing', (place: string) => join(place, 'nothing'), 'kit-not-found'],
    ['a plain folder', (place: string) => place, 'kit-not-found'],
    ['a file', (place: string) => join(put(place, { 'a.txt': 'a' }) ?? place, 'a.txt'), 'kit-not-found'],
    ['an empty repository', (place: string) => git(place, 'init', '--quiet') || place, 'kit-empty'],
    ['a file URL to nothing', (place: string) => pathToFileURL(join(place, 'nothing')).href, 'kit-not-found'],
  ])('%s is an error that says so', async (_name, make, code) => {
    const muse = temporary('muse');
    expect(await rejectionOf(fetchKit(parseKitSource(make(temporary())), muse))).toMatchObject({ code });
    expect(readdirSync(muse)).toEqual([]);
  });

  it('a directory that a failed run created is removed', async () => {
    const place = temporary();
    const error = await rejectionOf(
      fetchKit(parseKitSource('./nothing'), join(place, 'deep', 'muse'), { from: place }),
    );
    expect(error).toMatchObject({ code: 'kit-not-found' });
    expect(readdirSync(place)).toEqual([]);
  });

  it('an unknown ref is an error that suggests similar ones', async () => {
    const kit = repository(musekit);
    for (const tag of ['v1.0.0', 'v1.0.1', 'other']) git(kit.directory, 'tag', tag);
    const error = await rejectionOf(fetchKit(parseKitSource(kit.directory, 'v1.0.2'), temporary('muse')));
    expect(error).toMatchObject({ code: 'kit-ref-unknown', suggestion: expect.stringContaining('--ref v1.0.') });
    for (const missing of ['0123456', '0'.repeat(40)]) {
      expect(await rejectionOf(fetchKit(parseKitSource(kit.directory, missing), temporary('muse')))).toMatchObject({
        code: 'kit-ref-unknown',
      });
    }
  });

  it('a HEAD that names no branch', async () => {
    const kit = repository(musekit);
    git(kit.directory, 'branch', 'side');
    git(kit.directory, 'checkout', '--quiet', '--orphan', 'void');
    const error = await rejectionOf(fetchKit(parseKitSource(kit.directory), temporary('muse')));
    // If there is a branch called main, it is used.
    expect(error).toBeUndefined();
    git(kit.directory, 'branch', '--move', 'main', 'trunk');
    expect(await rejectionOf(fetchKit(parseKitSource(kit.directory), temporary('muse')))).toMatchObject({
      code: 'kit-ref-unknown',
    });
  });

  it('git variables in the environment do not redirect it', async () => {
    const kit = repository(musekit);
    const elsewhere = repository({ 'other.txt': 'other' });
    const environment = {
      ...process.env,
      GIT_DIR: join(elsewhere.directory, '.git'),
      GIT_WORK_TREE: elsewhere.directory,
      GIT_INDEX_FILE: join(elsewhere.directory, 'index'),
      GIT_CONFIG_PARAMETERS: "'core.worktree'='/tmp'",
    };
    const muse = temporary('muse');
    expect(await fetchKit(parseKitSource(kit.directory), muse, { environment })).toMatchObject({ commit: kit.commit });
    expect(readdirSync(elsewhere.directory).sort()).toEqual(['.git', 'other.txt']);
  });

  it('the remains of an interrupted run are replaced', async () => {
    const kit = repository(musekit);
    const muse = temporary('muse');
    put(muse, {
      '.muse/kit/half.txt': 'half',
      'migrations/core/001_profiles.sql': 'half',
      'migrations/stale.sql': 'stale',
    });
    await fetchKit(parseKitSource(kit.directory), muse);
    expect(readdirSync(muse).sort()).toEqual(['.muse', 'migrations', 'package.json']);
    expect(readdirSync(join(muse, 'migrations'))).toEqual(['core']);
  });
});
