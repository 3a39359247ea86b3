import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addEnvironment, listEnvironments } from '../../src/muse/environment-list.ts';
import { openMuse } from '../../src/muse/open.ts';
import { targetKinds } from '../../src/targets/kinds.ts';
import { addFiles, museOnDisk } from './muse-on-disk.ts';

describe('muse env add', () => {
  it.each([
    ['postgres', '.env.staging.local', 'DATABASE_URL=\n', ['DATABASE_URL'], 'muse migrate --env staging'],
    ['supabase', '.env.staging.local', 'SUPABASE_DB_PASSWORD=\n', [], 'muse provision --env staging'],
    ['embedded', undefined, undefined, [], 'muse migrate --env staging'],
  ] as const)('%s: writes muse.json, and %s for what is to be filled in', async (target, file, text, empty, next) => {
    const muse = await museOnDisk({ '.gitignore': '.muse/\n' });
    const added = await addEnvironment(muse, 'staging', target);
    expect(added).toEqual({
      name: 'staging',
      target,
      files: ['muse.json', ...(file === undefined ? [] : [file])],
      empty,
      next,
    });
    const again = await openMuse(muse.directory);
    expect(again.museFile.environments).toMatchObject({ development: { target: 'embedded' }, staging: { target } });
    expect(await listEnvironments(again)).toContainEqual({
      name: 'staging',
      target,
      secrets: '.env.staging.local',
      hasSecrets: file !== undefined,
    });
    if (file === undefined) return;
    expect(await readFile(join(muse.directory, file), 'utf8')).toBe(text);
    if (process.platform !== 'win32') expect((await stat(join(muse.directory, file))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(muse.directory, '.gitignore'), 'utf8')).toContain('.env');
  });

  it('has every target', () => expect([...targetKinds].sort()).toEqual(['embedded', 'postgres', 'supabase']));

  it('keeps what the secrets file has', async () => {
    const muse = await museOnDisk({ '.env.staging.local': 'DATABASE_URL=postgres://mine/db # mine\n' });
    expect(await addEnvironment(muse, 'staging', 'postgres')).toMatchObject({ files: ['muse.json'], empty: [] });
    expect(await readFile(join(muse.directory, '.env.staging.local'), 'utf8')).toContain('# mine');
  });

  it('refuses one that is there, and changes nothing', async () => {
    const muse = await museOnDisk({});
    await addFiles(muse.directory, { 'note.txt': '' });
    const before = await readFile(join(muse.directory, 'muse.json'), 'utf8');
    await expect(addEnvironment(muse, 'development', 'postgres')).rejects.toMatchObject({ code: 'bad-environment' });
    expect(await readFile(join(muse.directory, 'muse.json'), 'utf8')).toBe(before);
  });
});
