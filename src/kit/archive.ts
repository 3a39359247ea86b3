/** Archives the kit's own extension migrations, which are another product's tables. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { belowFolder } from '../migrations/order.ts';
import { readMigrations } from '../migrations/read.ts';
import { inside, kindOf, listNames, readBytes } from '../shared/files.ts';
import type { MigrationFolders } from '../shared/muse-file.ts';

/** One file that was moved; paths relative to the muse, with `/`. */
export interface Archived {
  from: string;
  to: string;
}

/**
 * Moves the SQL files of the extension folders, and their rollbacks, to the archive folder; of a folder that holds core
 * too, those that say that they are a product's. Run again, it moves what is left. A file of the same name in the
 * archive stays; the new one gets a number.
 * @throws MuseError `path-outside` if a folder leads out of the directory
 */
export async function archiveExtensions(directory: string, folders: MigrationFolders): Promise<Archived[]> {
  const moved: Archived[] = [];
  for (const { from, to } of await amongCore(directory, folders))
    moved.push({ from, to: await move(directory, from, to) });
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

/** The product's files among core, with their rollbacks, and where they go. */
async function amongCore(directory: string, folders: MigrationFolders): Promise<Archived[]> {
  const shared = folders.extensions.filter((folder) => folders.core.includes(folder));
  if (shared.length === 0) return [];
  await inside(directory, folders.archive);
  const { migrations, rollbacks } = await readMigrations(directory, folders);
  return migrations.flatMap(({ layer, file }) => {
    const folder = shared.find((each) => belowFolder(each, file) !== undefined);
    if (layer !== 'extension' || folder === undefined) return [];
    const rollback = rollbacks.get(file)?.file;
    return [...new Set([file, rollback ?? file])].flatMap((from) => {
      const own = belowFolder(folder, from);
      return own === undefined ? [] : [{ from, to: posix.join(folders.archive, own) }];
    });
  });
}

/**
 * Where a file of the kit is after {@link archiveExtensions}, or would be if it had been there before.
 * @param path relative to the muse, with `/`
 * @param archived the files that were moved
 */
export function archivedPath(path: string, folders: MigrationFolders, archived: readonly Archived[]): string {
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
function sourcesOf({ core, extensions, rollback, archive }: MigrationFolders): Archived[] {
  return [
    ...extensions.filter((from) => !core.includes(from)).map((from) => ({ from, to: archive })),
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
