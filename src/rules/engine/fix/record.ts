/** Applies the result of a fix to the files of a repair. */
import { posix } from 'node:path';
import type { JournalFile } from '../../../migrations/drizzle-journal.ts';
import { isCommitted, signed } from '../../../migrations/graphile-hash.ts';
import { checksumOf } from '../../../migrations/read.ts';
import { downSection, fileText, sectionsOf, sectionToolOf } from '../../../migrations/sections.ts';
import type { Finding } from '../../../shared/finding.ts';
import type { Migration } from '../../../sql/migration.ts';
import { withBreakpoints } from './breakpoints.ts';
import { applyEdits } from './fix.ts';
import type { Decision, FixResult, Left, Rename } from './fix.ts';
import type { AccessReport } from './guard.ts';
import { withStatementMarks } from './statement-marks.ts';

/** The text of a migration's rollback. */
export interface RollbackText {
  file: string;
  sql: string;
}

/** The fixes for one rule, which become one commit. */
export interface RepairClass {
  rule: string;
  /** The whole new text by path. Classes are in order, and later ones build on earlier ones. */
  files: Map<string, string>;
  /** Old paths of renamed files. */
  removed: string[];
  /** Renamed migrations, the old name first. */
  renamed: [from: string, to: string][];
  /** The changes of access among them. */
  decisions: Decision[];
}

/** The result of a repair. */
export interface Repair {
  classes: RepairClass[];
  /** Text of changed and of new files. */
  edits: Map<string, string>;
  newFiles: Map<string, string>;
  /** Old paths of files that were renamed. */
  removed: string[];
  decisions: Decision[];
  /** How the repairs changed who can do what, as measured. */
  access: AccessReport;
  /** What was not fixed although its rule has a fix, and why. */
  left: Left[];
  /** The remaining findings of lint and, if it ran, of the rehearsal. */
  remaining: Finding[];
  silenced: number;
  /** The files as they are now. */
  migrations: Migration[];
  rollbacks: Map<string, RollbackText>;
  journals: Map<string, JournalFile>;
}

/** A result as it is now, which later fixes do not change: they replace files, and only add to lists. */
export function copyOf(result: Repair): Repair {
  const { widened, narrowed, withheld } = result.access;
  return {
    ...result,
    classes: result.classes.map((each) => ({
      ...each,
      files: new Map(each.files),
      renamed: [...each.renamed],
      decisions: [...each.decisions],
    })),
    edits: new Map(result.edits),
    newFiles: new Map(result.newFiles),
    removed: [...result.removed],
    decisions: [...result.decisions],
    rollbacks: new Map(result.rollbacks),
    journals: new Map(result.journals),
    access: { widened: [...widened], narrowed: [...narrowed], withheld: [...withheld] },
  };
}

/** Adds a fix to the result. Returns whether that changed anything. */
export function record(
  rule: string,
  { edits, newFiles = [], whole = new Map(), renames = [], others = new Map(), decisions = [], left = [] }: FixResult,
  result: Repair,
  before: ReadonlySet<string>,
): boolean {
  const files = new Map<string, string>();
  result.left = [...result.left.filter((each) => each.rule !== rule), ...left];
  result.migrations = result.migrations.map((migration) => {
    const text = whole.get(migration.file);
    if (text !== undefined) {
      const { around: _around, unknownSections: _sections, ...rest } = migration;
      files.set(migration.file, text);
      return withText(rest, text);
    }
    const own = edits.filter(({ file }) => file === migration.file);
    const edited = own.length === 0 ? migration.sql : applyEdits(migration.sql, own);
    const sql = hasBreakpoints(migration, result)
      ? withBreakpoints(migration.sql, edited)
      : withStatementMarks(migration.sql, edited);
    if (sql === migration.sql) return migration;
    const changed = withText(migration, sql);
    files.set(migration.file, fileText(changed));
    return changed;
  });
  for (const { path, sql, migration, last, after, rollback } of newFiles) {
    if (rollback?.of === path) {
      writeSection(path, sql, result, files);
      continue;
    }
    files.set(path, migration === undefined ? sql : fileText({ ...migration, sql }));
    if (rollback !== undefined) result.rollbacks.set(rollback.of, { file: path, sql });
    if (migration === undefined) continue;
    const rest = result.migrations.filter(({ file }) => file !== path);
    const made = withText(migration, sql);
    const at = rest.findIndex(({ file }) => file === after) + 1;
    result.migrations = last === true ? behindLayer(rest, made) : [...rest.slice(0, at), made, ...rest.slice(at)];
  }
  const removed = moveFiles(renames, result, files).filter((path) => !files.has(path));
  for (const [path, text] of others) {
    files.set(path, text);
    for (const [folder, journal] of result.journals)
      if (journal.file === path) result.journals.set(folder, { ...journal, text });
  }
  if (files.size === 0) return false;
  sign(result, files);
  for (const path of removed) {
    result.edits.delete(path);
    if (!result.newFiles.delete(path)) result.removed.push(path);
  }
  result.removed = result.removed.filter((path) => !files.has(path));
  for (const [path, sql] of files) (before.has(path) ? result.edits : result.newFiles).set(path, sql);
  let known = result.classes.at(-1);
  if (known?.rule !== rule)
    result.classes.push((known = { rule, files: new Map(), removed: [], renamed: [], decisions: [] }));
  for (const path of removed) known.files.delete(path);
  for (const [path, sql] of files) known.files.set(path, sql);
  known.removed = [...known.removed.filter((path) => !files.has(path)), ...removed];
  known.renamed.push(...renames.map(({ from, to }): [string, string] => [from, to]));
  known.decisions.push(...decisions);
  result.decisions.push(...decisions);
  return true;
}

/** Gives committed files of Graphile Migrate the hashes that they have now: each file's is in the next one too. */
function sign(result: Repair, files: Map<string, string>): void {
  const folders = new Set(
    result.migrations.filter(({ sql }) => isCommitted(sql)).map(({ file }) => posix.dirname(file)),
  );
  for (const folder of folders) {
    const own = result.migrations.filter(({ file }) => posix.dirname(file) === folder);
    const texts = signed(own.map(({ sql }) => sql));
    const changed = new Map(
      own.flatMap((migration, index) => (migration.sql === texts[index] ? [] : [[migration, texts[index]!]])),
    );
    for (const [{ file }, sql] of changed) files.set(file, sql);
    result.migrations = result.migrations.map((migration) => {
      const sql = changed.get(migration);
      return sql === undefined ? migration : withText(migration, sql);
    });
  }
}

/** Writes a migration's rollback as a section of its own file. */
function writeSection(path: string, down: string, result: Repair, files: Map<string, string>): void {
  result.migrations = result.migrations.map((migration) => {
    if (migration.file !== path) return migration;
    const tool = sectionToolOf(migration.sql);
    if (tool === undefined) return migration;
    const around = { before: '', after: downSection(tool, down) };
    const sql = migration.sql.slice(migration.around?.before.length ?? 0).trimEnd();
    const changed = withText({ ...migration, around }, `${sql}\n\n`);
    files.set(path, fileText(changed));
    result.rollbacks.set(path, { file: path, sql: sectionsOf(fileText(changed))?.down ?? down });
    return changed;
  });
}

/** Returns whether the file is one of Drizzle's. */
function hasBreakpoints({ file }: Migration, { journals }: Repair): boolean {
  return journals.has(file.slice(0, file.lastIndexOf('/')));
}

/** The order of a run with one more file, the last of its layer. */
function behindLayer(migrations: readonly Migration[], added: Migration): Migration[] {
  const at = migrations.findLastIndex(({ layer }) => layer === added.layer || layer === 'core') + 1;
  return [...migrations.slice(0, at), added, ...migrations.slice(at)];
}

/** Renames migrations and their rollbacks all at once, since one may take another's old name. Returns the old paths. */
function moveFiles(renames: readonly Rename[], result: Repair, files: Map<string, string>): string[] {
  const byFile = new Map(renames.map((rename) => [rename.from, rename]));
  result.migrations = result.migrations.map((migration) => {
    const rename = byFile.get(migration.file);
    if (rename === undefined) return migration;
    files.set(rename.to, fileText(migration));
    return { ...migration, file: rename.to, number: rename.number };
  });
  const texts = renames.map(({ from }) => result.rollbacks.get(from));
  for (const { from } of renames) result.rollbacks.delete(from);
  return renames.flatMap(({ from, to, rollback }, index) => {
    const text = texts[index];
    if (rollback === undefined || text === undefined) return [from];
    if (text.file === from) {
      result.rollbacks.set(to, { file: to, sql: text.sql });
      return [from];
    }
    result.rollbacks.set(to, { file: rollback.to, sql: text.sql });
    files.set(rollback.to, text.sql);
    return [from, rollback.from];
  });
}

function withText(migration: Migration, sql: string): Migration {
  return { ...migration, sql, checksum: checksumOf(fileText({ ...migration, sql })) };
}
