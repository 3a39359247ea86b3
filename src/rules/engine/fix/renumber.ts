/** New numbers for migrations, with their rollbacks. */
import type { Migration } from '../../../sql/migration.ts';
import type { Rename, Situation } from './fix.ts';

/** A file and its new number. */
export interface Move {
  migration: Migration;
  number: string;
}

/** The folder that a file is in. */
export function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/'));
}

/** The names that a file and its rollback get with another number. */
export function renameOf({ rollbacks }: Pick<Situation, 'rollbacks'>, { migration, number }: Move): Rename {
  const folder = folderOf(migration.file);
  const name = migration.file.slice(folder.length + 1);
  const to = name.replace(migration.number, number);
  const back = rollbacks.get(migration.file)?.file;
  return {
    from: migration.file,
    to: `${folder}/${to}`,
    number,
    ...(back === undefined
      ? {}
      : { rollback: { from: back, to: back.replace(/[^/]+$/, (base) => base.replace(migration.number, number)) } }),
  };
}
