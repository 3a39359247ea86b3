import { entriesOf } from '../../../migrations/drizzle-journal.ts';
import { newFile, newPaths } from '../../../migrations/new-files.ts';
import type { Layer, Migration } from '../../../sql/migration.ts';
import { belowFolder, nextNumber } from '../../../migrations/order.ts';
import type { Table } from '../../../sql/catalog/model.ts';
import type { Source } from '../../../sql/piece.ts';
import type { Statement } from '../../../sql/statement.ts';
import { parseSql } from '../../../sql/split.ts';
import { listTag } from './journal-entries.ts';
import { append, startWithComments } from './fix.ts';
import type { Edit, FixResult, Situation } from './fix.ts';

type Placed = Pick<FixResult, 'edits' | 'newFiles' | 'others'>;

/** Statements to be added at the end of files. */
export type Texts = Map<Source, string[]>;

/** Adds a text to be written at the end of a file. */
export function noteText(texts: Texts, source: Source, text: string): void {
  texts.set(source, [...(texts.get(source) ?? []), text]);
}

/**
 * The first file at whose end the table and its columns have their final names: `source`, or a later one that renames
 * them.
 */
export function whereNamed({ examined }: Situation, table: Pick<Table, 'renamed'>, source: Source): Source {
  const renamed = table.renamed?.piece.source;
  return renamed !== undefined && examined.sources.indexOf(renamed) > examined.sources.indexOf(source)
    ? renamed
    : source;
}

/** Returns whether the file may be edited, which is so while no database has it. */
export function mayEdit({ applied }: Situation, { migration }: Source): boolean {
  return !applied.has(migration.file);
}

/** A position before the comments of a statement, so that they stay with it, but after the file's header. */
export function aboveFirst({ migration, parsed }: Source, statement: Statement): number {
  return parsed.statements[0] === statement ? statement.start : startWithComments(migration.sql, statement);
}

/** Removes a statement with its semicolon, and its whole line if nothing else is on it. */
export function withoutStatement({ migration: { file, sql } }: Source, statement: Statement): Edit {
  const semicolon = /^\s*;/.exec(sql.slice(statement.end))?.[0].length ?? 0;
  const end = statement.end + semicolon;
  const alone = /^[ \t]*\r?\n/.exec(sql.slice(end));
  const lineStart = sql.lastIndexOf('\n', statement.start - 1) + 1;
  const clear = sql.slice(lineStart, statement.start).trim() === '' && alone !== null;
  return { file, start: clear ? lineStart : statement.start, end: clear ? end + alone[0].length : end, text: '' };
}

/** The path of a file that repairs write, in each form. */
const isRepair = /__?repair(?:\.up)?(?:\.sql|\/migration\.sql|\/up\.sql)$/;

/** The file that fixes what applied files leave wrong: one per layer, the last one. */
function repairFile(
  { migrations, applied, folders }: Situation,
  layer: Layer,
): { known: Migration | undefined; path: string; number: string } {
  const own = migrations.filter((migration) => migration.layer === layer);
  const known = own.findLast(({ file }) => isRepair.test(file) && !applied.has(file));
  const last = own.at(-1);
  const number = nextNumber(migrations, layer, folders.order);
  const ownFolders = folders[layer === 'core' ? 'core' : 'extensions'];
  const folder =
    ownFolders.find((each) => last !== undefined && belowFolder(each, last.file) !== undefined) ??
    last?.file.slice(0, last.file.lastIndexOf('/')) ??
    ownFolders[0] ??
    `migrations/${layer}`;
  const { path } = newPaths(folders, folder, number, 'repair');
  return { known, path: known?.file ?? path, number: known?.number ?? number };
}

/** Statements that run after all files of a layer, in a migration that no database has yet. */
export function inRepairFile(situation: Situation, layer: Layer, parts: readonly string[]): Placed {
  const { known, path, number } = repairFile(situation, layer);
  if (known !== undefined) return { edits: append(known, parseSql(known.sql).statements, parts.join('\n')) };
  const text = `-- Fixes what migrations that are already applied left wrong.\n\n${parts.join('\n').trimEnd()}\n`;
  const sql = newFile(situation.folders, layer, path, text);
  return {
    edits: [],
    newFiles: [{ path, sql, migration: { layer, file: path, number, checksum: '', sql }, last: true }],
    others: entered(situation, path),
  };
}

/**
 * The folder's journal with the new file added, if it lists all the others; otherwise the file runs last without an
 * entry.
 */
function entered({ journals, migrations }: Situation, path: string): Map<string, string> {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const journal = journals.get(folder);
  const tags = new Set(
    (journal === undefined ? undefined : entriesOf(journal.text))?.map(({ tag }) => `${folder}/${tag}.sql`),
  );
  const complete = migrations.every(({ file }) => !file.startsWith(`${folder}/`) || tags.has(file));
  const text =
    journal !== undefined && complete
      ? listTag(journal.text, path.slice(folder.length + 1, -'.sql'.length))
      : undefined;
  return new Map(text === undefined ? [] : [[journal!.file, text]]);
}

/** Writes texts at the end of their file, or into a new migration if that file is already applied. */
export function placed(situation: Situation, texts: Texts): Placed {
  const edits: FixResult['edits'] = [];
  const late = new Map<Layer, string[]>();
  for (const [source, given] of texts) {
    const { migration, parsed } = source;
    // A text that is already there did not help, and would not help twice.
    const places = mayEdit(situation, source) ? [migration] : situation.migrations;
    const parts = given.filter((part) => !places.some(({ sql }) => sql.includes(part.trim())));
    if (parts.length === 0) continue;
    if (mayEdit(situation, source)) edits.push(...append(migration, parsed.statements, parts.join('\n')));
    else late.set(migration.layer, [...(late.get(migration.layer) ?? []), ...parts]);
  }
  const newFiles: NonNullable<FixResult['newFiles']> = [];
  const others = new Map<string, string>();
  for (const [layer, parts] of late) {
    const repair = inRepairFile(situation, layer, parts);
    edits.push(...repair.edits);
    newFiles.push(...(repair.newFiles ?? []));
    for (const [path, text] of repair.others ?? []) others.set(path, text);
  }
  return { edits, newFiles, others };
}
