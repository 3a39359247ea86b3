import type { Database } from '../database/database.ts';
import { diffSchema, readSchema } from '../database/schema.ts';
import { MuseError } from '../shared/error.ts';
import type { HistoryRow } from '../migrations/history.ts';
import type { BackupHeader } from './backup-format.ts';
import { nameOf, readTables } from './backup-read.ts';

/** Says whether a list has the file in the same layer. */
export function has(
  list: readonly Pick<HistoryRow, 'layer' | 'file'>[],
  { layer, file }: Pick<HistoryRow, 'layer' | 'file'>,
): boolean {
  return list.some((row) => row.layer === layer && row.file === file);
}

/**
 * Checks that the database's tables match those of the backup.
 * @returns a sentence on other differences of the schema, which do not prevent a restore
 * @throws MuseError `restore-refused` where a table or column for the backup's rows is missing or different; no row was changed
 */
export async function refuseOtherTables(database: Database, header: BackupHeader): Promise<string[]> {
  const now = new Map((await readTables(database)).map((table) => [nameOf(table), table]));
  const wrong = header.tables.flatMap((table) => {
    const found = now.get(nameOf(table));
    if (found === undefined) return [`${nameOf(table)} does not exist`];
    const columns = new Map(found.columns.map((column) => [column.name, column]));
    return table.columns.flatMap((column) => {
      const same = columns.get(column.name);
      if (same === undefined) return [`${nameOf(table)} has no column ${column.name}`];
      if (same.type !== column.type)
        return [`${nameOf(table)}.${column.name} has the type ${same.type}, but ${column.type} in the backup`];
      return same.generated === column.generated
        ? []
        : [`${nameOf(table)}.${column.name} is ${same.generated ? 'generated now' : 'no longer generated'}`];
    });
  });
  if (wrong.length > 0) {
    throw new MuseError({
      code: 'restore-refused',
      message: 'The tables differ from those in the backup. No row was changed.',
      detail: wrong.slice(0, 20).join('\n'),
      suggestion:
        'Change the schema to that of the backup with muse rollback or muse migrate; muse status lists the ' +
        'files. Or restore into a new database.',
    });
  }
  const { missing, extra, changed } = diffSchema(header.schema, await readSchema(database));
  const others = [
    ...missing.map(({ kind, name }) => `${kind} ${name} is gone`),
    ...extra.map(({ kind, name }) => `${kind} ${name} is new`),
    ...changed.map(({ kind, name }) => `${kind} ${name} is different`),
  ];
  if (others.length === 0) return [];
  return [
    `The schema differs from the backup's: ${others.slice(0, 5).join('; ')}${others.length > 5 ? `; and ${others.length - 5} more` : ''}.`,
  ];
}

/** The error for later files that are not the newest: files that were applied after them would be rolled back as well. */
export function wrongOrder(wrong: readonly { file: string }[], later: readonly { file: string }[]): MuseError {
  return new MuseError({
    code: 'restore-order',
    message:
      `Rolling back ${later.map(({ file }) => file).join(', ')} would also roll back ` +
      `${wrong.map(({ file }) => file).join(', ')}, which the backup has. Nothing was changed.`,
    suggestion: 'Roll them back yourself with muse rollback, then restore again. Or restore into a new database.',
  });
}

export function noText(files: readonly { file: string }[]): MuseError {
  return new MuseError({
    code: 'restore-refused',
    message:
      `The backup needs ${files.map(({ file }) => file).join(', ')}, which this database has not applied, and does ` +
      `not contain ${files.length === 1 ? 'its' : 'their'} SQL. Nothing was changed.`,
    suggestion:
      'The file was edited or missing when the backup was taken. Restore it as it was applied (git log shows ' +
      'it), run muse migrate, then restore again.',
  });
}
