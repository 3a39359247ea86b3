import type { Database } from '../database/database.ts';
import { diffSchema, readSchema } from '../database/schema.ts';
import { MuseError } from '../shared/error.ts';
import type { HistoryRow } from '../migrations/history.ts';
import type { BackupHeader } from './backup-format.ts';
import { nameOf, readTables } from './backup-read.ts';

/** Says whether a list has the file, in its layer. */
export function has(list: readonly Pick<HistoryRow, 'layer' | 'file'>[], { layer, file }: Pick<HistoryRow, 'layer' | 'file'>): boolean {
  return list.some((row) => row.layer === layer && row.file === file);
}

/**
 * Holds the database's tables to those of the backup.
 * @returns what else of the schema is different, for people: that does not stop a restore
 * @throws MuseError `restore-refused` where rows of the backup would have no place; no row was changed
 */
export async function refuseOtherTables(database: Database, header: BackupHeader): Promise<string[]> {
  const now = new Map((await readTables(database)).map((table) => [nameOf(table), table]));
  const wrong = header.tables.flatMap((table) => {
    const found = now.get(nameOf(table));
    if (found === undefined) return [`${nameOf(table)} is not there`];
    const columns = new Map(found.columns.map((column) => [column.name, column]));
    return table.columns.flatMap((column) => {
      const same = columns.get(column.name);
      if (same === undefined) return [`${nameOf(table)} has no column ${column.name}`];
      if (same.type !== column.type) return [`${nameOf(table)}.${column.name} is ${same.type}, and was ${column.type}`];
      return same.generated === column.generated ? [] : [`${nameOf(table)}.${column.name} is ${same.generated ? 'generated now' : 'no longer generated'}`];
    });
  });
  if (wrong.length > 0) {
    throw new MuseError({
      code: 'restore-refused',
      message: 'The tables are others than those of the backup. No row was changed.',
      detail: wrong.slice(0, 20).join('\n'),
      suggestion: 'Bring the schema to where it was: muse status shows the files; muse rollback and muse migrate move it. Or restore into a new database.',
    });
  }
  const { missing, extra, changed } = diffSchema(header.schema, await readSchema(database));
  const others = [...missing.map(({ kind, name }) => `${kind} ${name} is gone`), ...extra.map(({ kind, name }) => `${kind} ${name} is new`), ...changed.map(({ kind, name }) => `${kind} ${name} is another`)];
  if (others.length === 0) return [];
  return [`The schema is not quite the backup's: ${others.slice(0, 5).join('; ')}${others.length > 5 ? `; and ${others.length - 5} more` : ''}.`];
}

/** Later files that are not the newest: what was applied in front of them would have to go as well. */
export function wrongOrder(wrong: readonly { file: string }[], later: readonly { file: string }[]): MuseError {
  return new MuseError({
    code: 'restore-order',
    message: `Taking back ${later.map(({ file }) => file).join(', ')} would take back ${wrong.map(({ file }) => file).join(', ')} too, which the backup has. Nothing was changed.`,
    suggestion: 'Take them back by hand, with muse rollback, then restore again; or restore into a new database.',
  });
}

export function noText(files: readonly { file: string }[]): MuseError {
  return new MuseError({
    code: 'restore-refused',
    message: `The backup's database had ${files.map(({ file }) => file).join(', ')}, this one has not, and the backup has no text of it. Nothing was changed.`,
    suggestion: 'It was edited or gone when the backup was taken: bring the file back as it was applied, run muse migrate, then restore again.',
  });
}
