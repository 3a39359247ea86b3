import type { Migration } from '../migration.ts';
import type { Mended, Situation } from './plan.ts';

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/') + 1);
}

/**
 * Gives files that share a number the next one, and those behind them the next ones, as far as needed; their order stays.
 * Nothing where a database has one of the files that would have to move.
 */
export function mendNumbers({ migrations, applied, folders, rollbacks }: Situation): Mended {
  const renames: NonNullable<Mended['renames']> = [];
  if (folders.order !== 'number') return { edits: [] };
  const byFolder = new Map<string, Migration[]>();
  for (const migration of migrations) {
    const folder = folderOf(migration.file);
    if (migration.number !== '') byFolder.set(folder, [...(byFolder.get(folder) ?? []), migration]);
  }
  for (const [folder, files] of byFolder) {
    let previous = -1;
    const moves: { migration: Migration; number: string }[] = [];
    for (const migration of files) {
      const own = Number(migration.number);
      const number = Math.max(own, previous + 1);
      if (number !== own) moves.push({ migration, number: String(number).padStart(migration.number.length, '0') });
      previous = number;
    }
    if (moves.some(({ migration }) => applied.has(migration.file))) continue;
    for (const { migration, number } of moves) {
      const name = migration.file.slice(folder.length);
      const to = `${number}${name.slice(migration.number.length)}`;
      const back = rollbacks.get(migration.file)?.file;
      renames.push({ from: migration.file, to: `${folder}${to}`, number, ...(back === undefined ? {} : { rollback: { from: back, to: back.replace(name, to) } }) });
    }
  }
  return { edits: [], renames };
}
