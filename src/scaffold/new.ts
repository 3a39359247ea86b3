import { newFiles, type NewPaths, newPaths } from '../migrations/new-files.ts';
import { MuseError } from '../shared/error.ts';
import type { MigrationFolders } from '../shared/muse-file.ts';
import { slug } from './names.ts';
import { render } from './render.ts';

/**
 * The paths of an extension file and its rollback, in the form of the layout.
 * @param number as the folder's files are numbered: `002`, or 14 digits
 * @param title free text; letters and digits of it make the name
 * @throws MuseError `no-extension-folder` if the layout has no folder for extensions
 */
export function extensionPaths(folders: MigrationFolders, number: string, title: string): NewPaths {
  // A kit with a single folder has its extensions there too.
  const folder = folders.extensions[0] ?? folders.core[0];
  if (folder === undefined) {
    throw new MuseError({
      code: 'no-extension-folder',
      message: 'There is no folder for extension migrations.',
      suggestion: 'Name one in muse.json under migrations.extensions.',
    });
  }
  return newPaths(folders, folder, number, slug(title));
}

/**
 * An extension migration without statements, and its rollback, for `muse new <title>`; with tables, `scaffold` makes
 * it.
 * @param title free text: names the file, and appears in its header
 */
export async function newMigration(request: {
  title: string;
  number: string;
  folders: MigrationFolders;
}): Promise<{ path: string; content: string }[]> {
  const paths = extensionPaths(request.folders, request.number, request.title);
  const model = { ...paths, title: request.title };
  return newFiles(
    request.folders,
    paths,
    await render('extension', 'empty.sql', model),
    await render('extension', 'empty.rollback.sql', model),
  );
}
