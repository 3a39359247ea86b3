import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchKit } from '../../src/kit/fetch.ts';
import { parseKitSource } from '../../src/kit/source.ts';
import { sampleOf } from '../support/sample.ts';
import { commit, git, musekit, put, repository, temporary } from './repository.ts';

describe('a kit at a local path', () => {
  it('is fetched at its commit, without its history', async () => {
    const kit = repository(musekit);
    const muse = temporary('muse');
    const fetched = await fetchKit(parseKitSource(kit.directory), muse);
    expect(fetched).toEqual({ commit: kit.commit, remoteUrl: kit.directory, ignored: [], notes: [] });
    expect(readdirSync(muse).sort()).toEqual(['migrations', 'package.json']);
    expect(readFileSync(join(muse, 'migrations/core/001_profiles.sql'), 'utf8')).toBe(
      musekit['migrations/core/001_profiles.sql'],
    );
  });

  it('is fetched without uncommitted changes, and says so', async () => {
    const kit = repository(musekit);
    put(kit.directory, { 'package.json': '{}', 'new file\n.txt': 'loose' });
    const muse = temporary('muse');
    const { notes } = await fetchKit(parseKitSource(kit.directory), muse);
    expect(notes).toMatchObject([{ kind: 'uncommitted', paths: ['package.json', 'new file\n.txt'] }]);
    expect(readFileSync(join(muse, 'package.json'), 'utf8')).toBe(musekit['package.json']);
    expect(existsSync(join(muse, 'new file\n.txt'))).toBe(false);
  });

  const damages: [string, (object: string) => void][] = [
    ['a file is gone, as in a partial clone', (object) => rmSync(object)],
    ['a file is empty, as after a crash', (object) => (chmodSync(object, 0o600), writeFileSync(object, ''))],
    ['a file is damaged', (object) => (chmodSync(object, 0o600), writeFileSync(object, 'x'))],
  ];
  it.each(sampleOf(damages, 2))('is not fetched where %s, and says so', async (_, damage) => {
    const kit = repository(musekit);
    const object = git(kit.directory, 'rev-parse', 'HEAD:package.json').trim();
    damage(join(kit.directory, '.git/objects', object.slice(0, 2), object.slice(2)));
    await expect(fetchKit(parseKitSource(kit.directory), temporary('muse'))).rejects.toMatchObject({
      code: 'git-failed',
      message: `${kit.directory} is incomplete or damaged: git cannot read all of its objects.`,
    });
  });

  it.each(sampleOf(['v1', 'refs/heads/side', 'side', 'whole commit', 'short commit'], 2))(
    'is pinned by %s',
    async (form) => {
      const kit = repository(musekit);
      git(kit.directory, 'tag', '-a', 'v1', '-m', 'One');
      git(kit.directory, 'branch', 'side');
      put(kit.directory, { 'later.txt': 'later' });
      commit(kit.directory);
      const ref = { 'whole commit': kit.commit, 'short commit': kit.commit.slice(0, 8) }[form] ?? form;
      const muse = temporary('muse');
      expect(await fetchKit(parseKitSource(kit.directory, ref), muse)).toMatchObject({ commit: kit.commit, ref });
      expect(existsSync(join(muse, 'later.txt'))).toBe(false);
    },
  );
});
