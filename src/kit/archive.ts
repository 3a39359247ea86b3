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
  for (const { from, to } of sourcesOf(folders)) {
    await inside(directory, from);
    await inside(directory, to);
    for (const name of await listNames(join(directory, from))) {
      const file = posix.join(from, name);
      if (!sqlFile.test(name) || (await kindOf(join(directory, file))) !== 'file') continue;
      moved.push({ from: file, to: await move(directory, file, posix.join(to, name)) });
    }
  }
  return moved;
}

/**
 * Where a file of the kit is after {@link archiveExtensions}, or would be if it had been there before.
 * @param path relative to the muse, with `/`
 * @param archived the files that were moved
 */
export function archivedPath(
  path: string,
  folders: Pick<MigrationFolders, 'extensions' | 'rollback' | 'archive'>,
  archived: readonly Archived[],
): string {
  const known = archived.find(({ from }) => from === path);
  if (known !== undefined) return known.to;
  const { dir, base } = posix.parse(path);
  if (!sqlFile.test(base)) return path;
  return (
    sourcesOf(folders)
      .find(({ from }) => from === dir)
      ?.to.concat(`/${base}`) ?? path
  );
}

const sqlFile = /\.(sql|pgsql)$/i;

/** The folders whose files are archived, and where to. */
function sourcesOf({
  extensions,
  rollback,
  archive,
}: Pick<MigrationFolders, 'extensions' | 'rollback' | 'archive'>): Archived[] {
  return [
    ...extensions.map((from) => ({ from, to: archive })),
    { from: posix.join(rollback, 'extensions'), to: posix.join(archive, 'rollback') },
  ];
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
