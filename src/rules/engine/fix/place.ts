import { entriesOf } from '../../../migrations/drizzle-journal.ts';
import type { Layer, Migration } from '../../../sql/migration.ts';
import { nextNumber } from '../../../migrations/order.ts';
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

/** Notes a text for the end of a file. */
export function noteText(texts: Texts, source: Source, text: string): void {
  texts.set(source, [...(texts.get(source) ?? []), text]);
}

/** The file at whose end the table can be spoken of by its name: `source`, or a later one that gives it, or a column, that name. */
export function whereNamed({ examined }: Situation, table: Pick<Table, 'renamed'>, source: Source): Source {
  const renamed = table.renamed?.piece.source;
  return renamed !== undefined && examined.sources.indexOf(renamed) > examined.sources.indexOf(source)
    ? renamed
    : source;
}

/** Says whether the file may be edited: no database has it yet. */
export function mayEdit({ applied }: Situation, { migration }: Source): boolean {
  return !applied.has(migration.file);
}

/** Before the comments of a statement, so that they stay beside it; after those that head the file. */
export function aboveFirst({ migration, parsed }: Source, statement: Statement): number {
  return parsed.statements[0] === statement ? statement.start : startWithComments(migration.sql, statement);
}

/** Removes a statement with its semicolon, and with the line that it has to itself. */
export function withoutStatement({ migration: { file, sql } }: Source, statement: Statement): Edit {
  const semicolon = /^\s*;/.exec(sql.slice(statement.end))?.[0].length ?? 0;
  const end = statement.end + semicolon;
  const alone = /^[ \t]*\r?\n/.exec(sql.slice(end));
  const lineStart = sql.lastIndexOf('\n', statement.start - 1) + 1;
  const clear = sql.slice(lineStart, statement.start).trim() === '' && alone !== null;
  return { file, start: clear ? lineStart : statement.start, end: clear ? end + alone[0].length : end, text: '' };
}

/** The file that fixes what applied files leave wrong: one a layer, the last of it. */
function repairFile(
  { migrations, applied, folders }: Situation,
  layer: Layer,
): { known: Migration | undefined; path: string; number: string } {
  const own = migrations.filter((migration) => migration.layer === layer);
  const known = own.findLast(({ file }) => file.endsWith('_repair.sql') && !applied.has(file));
  const last = own.at(-1);
  const number = nextNumber(migrations, layer, folders.order);
  const folder =
    last?.file.slice(0, last.file.lastIndexOf('/')) ??
    folders[layer === 'core' ? 'core' : 'extensions'][0] ??
    `migrations/${layer}`;
  return { known, path: known?.file ?? `${folder}/${number}_repair.sql`, number: known?.number ?? number };
}

/** Statements that come after all that a layer has, in a migration that no database has yet. */
export function inRepairFile(situation: Situation, layer: Layer, parts: readonly string[]): Placed {
  const { known, path, number } = repairFile(situation, layer);
  if (known !== undefined) return { edits: append(known, parseSql(known.sql).statements, parts.join('\n')) };
  const sql = `-- Fixes what migrations that are already applied left wrong.\n\n${parts.join('\n').trimEnd()}\n`;
  return {
    edits: [],
    newFiles: [{ path, sql, migration: { layer, file: path, number, checksum: '', sql }, last: true }],
    others: entered(situation, path),
  };
}

/** The journal of the folder with the new file in it, where it lists all the others: else the file runs last without. */
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

/** Puts texts where they belong: at the end of their file, or, where that is applied, into a new migration. */
export function placed(situation: Situation, texts: Texts): Placed {
  const edits: FixResult['edits'] = [];
  const late = new Map<Layer, string[]>();
  for (const [source, given] of texts) {
    const { migration, parsed } = source;
    // What stands there already and did not help would not help twice.
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
