/** Where new files of a muse go and what is in them, in the form of its layout, so that the kit's own tool runs them. */
import type { MigrationFolders } from '../shared/muse-file.ts';
import type { Layer, Migration } from '../sql/migration.ts';
import { forms } from './forms.ts';
import { belowFolder, inFolder } from './order.ts';
import { inSections, sectionToolOf, upSection } from './sections.ts';

/** Where a migration and its rollback go, relative to the muse's directory, with `/`. */
export interface NewPaths {
  path: string;
  /** The path of the migration itself where the rollback is a section of its file. */
  rollbackPath: string;
}

type Folders = Pick<MigrationFolders, 'core' | 'extensions' | 'rollback' | 'order'>;

/**
 * The paths of a new file.
 * @param folder of migrations
 * @param title a part of a file's name
 */
export function newPaths({ rollback, order }: Folders, folder: string, number: string, title: string): NewPaths {
  const { create, createRollback, sections } = forms[order];
  const path = inFolder(folder, create(number, title));
  if (sections !== undefined) return { path, rollbackPath: path };
  if (createRollback !== undefined) return { path, rollbackPath: inFolder(folder, createRollback(number, title)) };
  return { path, rollbackPath: `${rollback}/extensions/${create(number, title)}` };
}

/** Where the rollback of a file that has none goes. */
export function rollbackPath(
  { rollback, order }: Folders,
  { layer, file, sql }: Pick<Migration, 'layer' | 'file' | 'sql'>,
): string {
  if (sectionToolOf(sql) !== undefined) return file;
  const { createRollback, below, name } = forms[order];
  const parts = file.split('/');
  const own = below === 'one' ? parts.splice(-2).join('/') : parts.pop()!;
  const title = own.replace(/\/[^/]*$/, '').replace(/(?:[.-]up)?\.(?:sql|pgsql)$/i, '');
  const number = name.exec(own)?.[1];
  if (createRollback === undefined || number === undefined)
    return `${rollback}/${layer === 'core' ? 'core' : 'extensions'}/${own.replaceAll('/', '_')}`;
  const rest = title.slice(title.indexOf(number) + number.length).replace(/^(?:\.do(?=\.|$))?[._-]*/, '');
  return [...parts, createRollback(number, rest)].join('/');
}

/**
 * The files of a migration and its rollback. In a folder that holds core too, a line says that the file is the
 * product's own.
 */
export function newFiles(
  { core, order }: Folders,
  { path, rollbackPath: other }: NewPaths,
  sql: string,
  rollback: string,
): { path: string; content: string }[] {
  const { sections } = forms[order];
  const mark = isShared({ core, order }, path) ? extensionLine : '';
  if (sections !== undefined && other === path) return [{ path, content: mark + inSections(sections, sql, rollback) }];
  return [
    { path, content: mark + sql },
    { path: other, content: rollback },
  ];
}

/** The text of a migration that has no rollback. */
export function newFile(folders: Pick<Folders, 'core' | 'order'>, layer: Layer, path: string, sql: string): string {
  const { sections } = forms[folders.order];
  const mark = layer === 'extension' && isShared(folders, path) ? extensionLine : '';
  return mark + (sections === undefined ? sql : upSection(sections, sql));
}

const extensionLine = '-- muse: extension\n';

/** Whether a file is in a folder that holds core, as one of its own files and not of a folder further down. */
function isShared({ core, order }: Pick<Folders, 'core' | 'order'>, path: string): boolean {
  const { below } = forms[order];
  return core.some((folder) => {
    const own = belowFolder(folder, path);
    const depth = own === undefined ? -1 : own.split('/').length - 1;
    return below === 'any' ? depth >= 0 : depth === (below === 'one' ? 1 : 0);
  });
}
