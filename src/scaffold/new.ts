import { MuseError } from '../shared/error.ts';
import type { MigrationFolders } from '../shared/muse-file.ts';
import { slug } from './names.ts';
import { render } from './render.ts';

/** Where an extension file and its rollback go. */
export interface ExtensionPaths {
  /** Relative to the muse's directory, with `/`. */
  path: string;
  rollbackPath: string;
}

/**
 * The paths of an extension file: `<extensions>/<number>_<title>.sql`, and the same name in the rollback folder.
 * @param number as the folder's files are numbered: `002`, or 14 digits
 * @param title free text; letters and digits of it make the name
 * @throws MuseError `no-extension-folder` if the layout has no folder for extensions
 */
export function extensionPaths(folders: MigrationFolders, number: string, title: string): ExtensionPaths {
  // A kit with a single folder has its extensions there too.
  const folder = folders.extensions[0] ?? folders.core[0];
  if (folder === undefined) {
    throw new MuseError({
      code: 'no-extension-folder',
      message: 'There is no folder for extension migrations.',
      suggestion: 'Name one in muse.json under migrations.extensions.',
    });
  }
  const file = `${number}_${slug(title)}.sql`;
  return { path: `${folder}/${file}`, rollbackPath: `${folders.rollback}/extensions/${file}` };
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
  return [
    { path: paths.path, content: await render('extension', 'empty.sql', model) },
    { path: paths.rollbackPath, content: await render('extension', 'empty.rollback.sql', model) },
  ];
}
