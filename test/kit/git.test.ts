import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  addAll,
  commitIndex,
  gitStatus,
  gitVersion,
  headCommit,
  initRepository,
  ignoredOf,
  isTracked,
  trackedOf,
  setRemote,
} from '../../src/kit/git.ts';
import { gitEnvironment, tokenSettings } from '../../src/kit/git-run.ts';
import { rejectionOf } from './errors.ts';
import { git, put, temporary } from './repository.ts';

let place = '';

beforeEach(() => {
  place = temporary('muse');
});

/** A user's environment with only these settings, so that git has no other author. */
function userWith(config: string): NodeJS.ProcessEnv {
  const file = join(temporary('user'), 'gitconfig');
  writeFileSync(file, config);
  const {
    GIT_AUTHOR_NAME: _a,
    GIT_AUTHOR_EMAIL: _b,
    GIT_COMMITTER_NAME: _c,
    GIT_COMMITTER_EMAIL: _d,
    ...own
  } = process.env;
  return { ...own, GIT_CONFIG_GLOBAL: file, GIT_CONFIG_NOSYSTEM: '1' };
}

const author = () => git(place, 'log', '-1', '--format=%an <%ae> %G?').trim();

describe("the muse's first commit", () => {
  it('is made on main, by a neutral author if git has none', async () => {
    put(place, { 'a.txt': 'a', 'ignored.txt': 'x', '.gitignore': 'ignored.txt\n' });
    const environment = userWith('[init]\n\tdefaultBranch = trunk\n[user]\n\tuseConfigOnly = true\n');
    await initRepository(place, { environment });
    await addAll(place, [], { environment });
    const commit = await commitIndex(place, '-m "Start"', { environment });
    expect(commit).toBe(await headCommit(place));
    expect(git(place, 'branch', '--show-current').trim()).toBe('main');
    expect(git(place, 'ls-files').trim().split('\n')).toEqual(['.gitignore', 'a.txt']);
    expect(git(place, 'log', '-1', '--format=%s').trim()).toBe('-m "Start"');
    expect(author()).toBe('create-muse <create-muse@localhost> N');
    expect(await gitStatus(place)).toEqual([]);
    expect(await commitIndex(place, 'Nothing', { environment })).toBeUndefined();
  });

  it.each([
    ['settings', '[user]\n\tname = Grace\n\temail = grace@example.com\n', {}, 'Grace <grace@example.com> N'],
    ['half of them', '[user]\n\tname = Grace\n', {}, 'Grace <create-muse@localhost> N'],
    [
      'variables',
      '',
      {
        GIT_AUTHOR_NAME: 'Joan',
        GIT_AUTHOR_EMAIL: 'joan@example.com',
        GIT_COMMITTER_NAME: 'Joan',
        GIT_COMMITTER_EMAIL: 'joan@example.com',
      },
      'Joan <joan@example.com> N',
    ],
  ])('is made by the author that git knows from %s', async (_name, config, variables, expected) => {
    put(place, { 'a.txt': 'a' });
    const environment = { ...userWith(config), ...variables };
    await initRepository(place, { environment });
    await addAll(place, [], { environment });
    await commitIndex(place, 'Start', { environment });
    expect(author()).toBe(expected);
  });

  it('works with the user’s hooks, templates, signing and editor', async () => {
    const mark = join(temporary('trap'), 'sprung');
    const hooks = join(temporary('template'), 'hooks');
    mkdirSync(hooks);
    for (const name of ['pre-commit', 'commit-msg', 'prepare-commit-msg', 'post-commit', 'reference-transaction']) {
      writeFileSync(join(hooks, name), `#!/bin/sh\n: > '${mark}'\nexit 1\n`);
      chmodSync(join(hooks, name), 0o755);
    }
    const environment = userWith(
      `[init]\n\ttemplateDir = ${join(hooks, '..')}\n[core]\n\thooksPath = ${hooks}\n\teditor = false\n\tautocrlf = true\n\tsafecrlf = true\n` +
        '[commit]\n\tgpgSign = true\n\ttemplate = /nowhere\n\tverbose = true\n[gpg]\n\tprogram = false\n[user]\n\tsigningKey = none\n',
    );
    put(place, { 'a.txt': 'a\r\nb\r\n', 'b.txt': 'a\nb\n' });
    await initRepository(place, { environment });
    await addAll(place, [], { environment });
    expect(await commitIndex(place, 'Start', { environment })).toMatch(/^[0-9a-f]{40}$/);
    expect(existsSync(mark)).toBe(false);
    expect(existsSync(join(place, '.git', 'hooks'))).toBe(false);
  });

  it('includes ignored files that the kit has committed', async () => {
    put(place, { 'a.txt': 'a', 'dist/a.js': '1', 'dist/b.js': '2', ':(top)c': '3', '.gitignore': 'dist/\n:(top)c\n' });
    await initRepository(place);
    await addAll(place, ['dist/a.js', ':(top)c', 'pruned/since.js']);
    expect(git(place, 'ls-files').trim().split('\n').sort()).toEqual(['.gitignore', ':(top)c', 'a.txt', 'dist/a.js']);
    expect(await isTracked(place, 'dist/a.js')).toBe(true);
    expect(await isTracked(place, 'dist/b.js')).toBe(false);
    expect(await trackedOf(place, ['dist/a.js', 'dist/b.js'])).toEqual(new Set(['dist/a.js']));
  });
});

describe('other functions', () => {
  it('setRemote adds, changes and keeps', async () => {
    await initRepository(place);
    for (const url of ['https://a/b.git', 'https://a/c.git', 'https://a/c.git'])
      await setRemote(place, 'upstream', url);
    expect(git(place, 'remote', '-v').trim().split('\n')).toEqual([
      'upstream\thttps://a/c.git (fetch)',
      'upstream\thttps://a/c.git (push)',
    ]);
  });

  it('ignoredOf', async () => {
    expect(await ignoredOf(place, ['a.txt'])).toEqual(new Set());
    expect(await trackedOf(place, ['a.txt'])).toEqual(new Set());
    expect(await isTracked(place, 'a.txt')).toBe(false);
    await initRepository(place);
    put(place, { '.gitignore': 'a.*\n!a.md\nü*\n' });
    expect(await ignoredOf(place, ['a.txt', 'a.md', 'ü "b".txt'])).toEqual(new Set(['a.txt', 'ü "b".txt']));
    expect(await ignoredOf(place, [])).toEqual(new Set());
  });

  it('no git, an old git, and a missing directory', async () => {
    const path = temporary('path');
    expect(await rejectionOf(gitVersion({ environment: { PATH: path } }))).toMatchObject({ code: 'git-missing' });
    writeFileSync(join(path, 'git'), '#!/bin/sh\necho git version 2.17.1\n', { mode: 0o755 });
    const old = await rejectionOf(gitVersion({ environment: { PATH: `${path}:${process.env['PATH']}` } }));
    expect(old).toMatchObject({ code: 'git-missing', message: expect.stringContaining('2.17.1') });
    expect(await gitVersion()).toMatch(/^\d+\.\d+/);
    expect(await rejectionOf(headCommit(join(place, 'nowhere')))).toMatchObject({ code: 'git-failed' });
  });
});

describe('the environment of git', () => {
  it('keeps settings from variables and adds to them', () => {
    const own = {
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_TRACE: '1',
      GIT_DIR: '/x',
      PATH: '/bin',
    };
    const environment = gitEnvironment(own, { 'http.extraHeader': 'A: b' });
    expect(environment).toMatchObject({
      PATH: '/bin',
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_KEY_1: 'http.extraHeader',
      GIT_CONFIG_VALUE_1: 'A: b',
      GIT_TERMINAL_PROMPT: '0',
      GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    });
    expect(environment).not.toHaveProperty('GIT_TRACE');
    expect(environment).not.toHaveProperty('GIT_DIR');
  });

  it('keeps a GIT_SSH program, and adds options to a command', () => {
    expect(gitEnvironment({ GIT_SSH: '/opt/plink' })).not.toHaveProperty('GIT_SSH_COMMAND');
    expect(gitEnvironment({ GIT_SSH_COMMAND: 'ssh -i key' })['GIT_SSH_COMMAND']).toBe('ssh -i key -o BatchMode=yes');
  });

  it.each([
    ['https://github.com/a/b.git', { GITHUB_TOKEN: 't' }, true],
    ['https://github.com/a/b.git', { GH_TOKEN: 't' }, true],
    ['https://github.com/a/b.git', { GITHUB_TOKEN: '' }, false],
    ['https://github.com.evil.example/a', { GITHUB_TOKEN: 't' }, false],
    ['ssh://git@github.com/a/b', { GITHUB_TOKEN: 't' }, false],
    ['https://gitlab.com/a/b', { GITHUB_TOKEN: 't' }, false],
  ])('a token for %s with %j: %s', (url, own, given) => {
    expect(tokenSettings(own, url) !== undefined).toBe(given);
  });
});
