/** A disk that is full while repairs are written: it is said, nothing is lost, and the next run continues. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fixMuse } from '../../src/muse/fix.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { isWhole } from '../support/sample.ts';
import { smallDisk } from '../support/small-disk.ts';
import { museIn } from './muse-on-disk.ts';

const file = 'migrations/extensions/001_more.sql';
const sql = `-- More.\n${Array.from(
  { length: 40 },
  (_, index) =>
    `create table x${index} (id uuid primary key, user_id uuid references auth.users (id));\ncreate policy p${index} on x${index} using (auth.uid() = user_id);\n`,
).join('')}`;

const disk = smallDisk('2m');
const git = (directory: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=me', '-c', 'user.email=me@example.com', ...args], {
    cwd: directory,
    encoding: 'utf8',
  });

let muse: Muse;
beforeEach(async () => {
  if (disk === undefined) return;
  muse = await museIn(join(disk, 'muse'), { [file]: sql });
  git(muse.directory, 'init', '--quiet');
  git(muse.directory, 'add', '--all');
  git(muse.directory, 'commit', '--quiet', '--message', 'a');
});
afterEach(() => {
  if (disk === undefined) return;
  spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
});

// It needs root and Linux, to have a disk of that size.
it.runIf(disk !== undefined)('--fix says so whatever is left, and leaves the files as they were', async () => {
  const fix = () => fixMuse(muse, { environment: process.env, signal: new AbortController().signal, dryRun: false });
  const fill = join(disk!, 'fill');
  for (const left of (isWhole ? [0, 28, 40] : [28]).map((kilobytes) => kilobytes * 1024)) {
    const { bavail, bsize } = statfsSync(disk!);
    writeFileSync(fill, Buffer.alloc(Math.max(0, Number(bavail) * Number(bsize) - left)));
    const commits = git(muse.directory, 'rev-list', '--count', 'HEAD');
    await expect(fix(), `${left} bytes`).rejects.toMatchObject({
      code: 'disk-full',
      suggestion: expect.stringContaining('Free some space'),
    });
    rmSync(fill);
    expect(git(muse.directory, 'status', '--porcelain'), `${left} bytes`).toBe('');
    if (git(muse.directory, 'rev-list', '--count', 'HEAD') === commits)
      expect(readFileSync(join(muse.directory, file), 'utf8')).toBe(sql);
  }
  const { changes } = await fix();
  expect(changes.length).toBeGreaterThan(1);
  expect(git(muse.directory, 'status', '--porcelain')).toBe('');
});
