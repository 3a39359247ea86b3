/** Archives the kit's own extension migrations, which are another product's tables. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { inside, kindOf, listNames, readBytes } from '../shared/files.ts';
import type { MigrationFolders } from '../shared/muse-file.ts';

/** One file that was moved; paths relative to the muse, with `/`. */
export interface Archived {
  from: string;
  to: string;
}

/**
 * Moves the SQL files of the extension folders, and their rollbacks, to the archive folder. Run again, it moves what is
 * left. A file of the same name in the archive stays; the new one gets a number.
 * @throws MuseError `path-outside` if a folder leads out of the directory
 */
export async function archiveExtensions(
  directory: string,
  folders: Pick<MigrationFolders, 'extensions' | 'rollback' | 'archive'>,
): Promise<Archived[]> {
  const moved: Archived[] = [];
  const rollbacks = posix.join(folders.rollback, 'extensions');
  const sources = folders.extensions.map((from) => ({ from, to: folders.archive }));
  for (const { from, to } of [...sources, { from: rollbacks, to: posix.join(folders.archive, 'rollback') }]) {
    await inside(directory, from);
    await inside(directory, to);
    for (const name of await listNames(join(directory, from))) {
      const file = posix.join(from, name);
      if (!/\.(sql|pgsql)$/i.test(name) || (await kindOf(join(directory, file))) !== 'file') continue;
      moved.push({ from: file, to: await move(directory, file, posix.join(to, name)) });
    }
  }
  return moved;
}

async function move(directory: string, from: string, wanted: string): Promise<string> {
  const { dir, name, ext } = posix.parse(wanted);
  await mkdir(join(directory, dir), { recursive: true });
  const content = await readBytes(join(directory, from));
  for (let count = 1; ; count += 1) {
    const to = count === 1 ? wanted : `${dir}/${name}.${count}${ext}`;
    const there = await readBytes(join(directory, to));
    if (there === undefined) {
      await rename(join(directory, from), join(directory, to));
      return to;
    }
    if (content !== undefined && there.equals(content)) {
      await rm(join(directory, from));
      return to;
    }
  }
}
