/** Splits a file so that what PostgreSQL refuses in a transaction is in a file of its own, in the same order. */
import { forms } from '../../../migrations/forms.ts';
import { newFile, rollbackPath } from '../../../migrations/new-files.ts';
import { compareNames, inFolder, plainNumber } from '../../../migrations/order.ts';
import { type SectionTool, statementMarks } from '../../../migrations/sections.ts';
import { mustRunAlone } from '../../../migrations/transactions.ts';
import type { MigrationFolders } from '../../../shared/muse-file.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/quote.ts';
import { isTemporary } from '../../../sql/catalog/lookup.ts';
import type { Migration } from '../../../sql/migration.ts';
import { type Fields, fieldsOf, stringsOf, walk } from '../../../sql/nodes.ts';
import type { Source } from '../../../sql/piece.ts';
import { wordsOf } from '../../../sql/recover.ts';
import { parseSql } from '../../../sql/split.ts';
import type { Statement } from '../../../sql/statement.ts';
import { applyEdits, startWithComments } from './fix.ts';
import type { FixResult, NewFile, Rename, Situation } from './fix.ts';
import { folderOf, renameOf } from './renumber.ts';

type Why = { why: string };

/** Why files of a form cannot be split so that its own tool runs the parts. */
const unsplit: Partial<Record<MigrationFolders['order'], string>> = {
  journal: 'Drizzle runs all files in one transaction: leave CONCURRENTLY out, or run the statement by hand.',
  sqitch: 'Sqitch runs what sqitch.plan lists: add a change for the statement with `sqitch add`.',
  'up-folder': 'Its tool runs each file in a transaction: leave CONCURRENTLY out, or run the statement by hand.',
  'node-pg-migrate':
    'node-pg-migrate runs each SQL file in a transaction: write the migration in JavaScript, with pgm.noTransaction().',
  committed: 'Graphile Migrate commits files itself: write the statement to current.sql below `--! no-transaction`.',
  atlas:
    'Atlas runs each file in a transaction: write the statement to a file of its own that begins with `-- atlas:txmode none`.',
  schema: 'The files say how the schema should be in the end: leave CONCURRENTLY out.',
};

/** The up section of a file that its tool runs outside a transaction. */
const outside: Partial<Record<SectionTool, (sql: string) => string>> = {
  goose: (sql) => `-- +goose NO TRANSACTION\n-- +goose Up\n${sql}`,
  dbmate: (sql) => `-- migrate:up transaction:false\n${sql}`,
  'sql-migrate': (sql) => `-- +migrate Up notransaction\n${sql}`,
};

/** Settings that change nothing about what a statement does: how long it may take, what is checked and printed. */
const harmless =
  /^(?:\w+_timeout|client_\w+|standard_conforming_strings|check_function_bodies|xmloption|row_security|\w*work_mem)$/;

/** Statements that a file can become: one that has to run alone, or others. */
interface Part {
  isAlone: boolean;
  statements: Statement[];
}

/**
 * Moves each statement that has to run alone to a file of its own right after the ones before it, and what follows it to another.
 * @returns what to change; or, as a sentence, why the file cannot be split so that the layout's own tool runs the parts
 */
export function splitFile(situation: Situation, { migration, parsed }: Source): FixResult | Why {
  const { folders } = situation;
  const { file, layer, number: own, sql } = migration;
  const parts = partsOf(parsed.statements);
  const tool = forms[folders.order].sections;
  const why =
    unsplit[folders.order] ??
    (own === '' ? 'Its name has no number that others could follow.' : undefined) ??
    (tool !== undefined && isMarked(sql, tool)
      ? 'Its statements are held together by the lines of its tool.'
      : undefined) ??
    (parts[0]?.isAlone === true && tool !== undefined
      ? 'The statement comes first: move the others to the next file.'
      : undefined) ??
    sessionIn(parts);
  if (why !== undefined) return { why };
  const starts = parts.map(({ statements }) => startWithComments(sql, statements[0]!));
  const names = namesAfter(situation, migration, parts.length - 1);
  if ('why' in names) return names;
  const undone = rollbacks(situation, migration, parts);
  if ('why' in undone) return undone;
  const newFiles: NewFile[] = undone.changed;
  for (const [index, { isAlone }] of parts.entries()) {
    if (index === 0) continue;
    const { path, number } = names.files[index - 1]!;
    const set = isAlone ? [] : parts.slice(0, index).flatMap(settingsIn);
    const text = `${set.map((each) => `${each};\n`).join('')}${sql.slice(starts[index], starts[index + 1]).trimEnd()}\n`;
    const whole =
      isAlone && tool !== undefined
        ? outside[tool]!(text)
        : newFile(folders, layer, path, `-- Split from ${nameOf(file)}.\n${text}`);
    const added = { layer, file: path, number, checksum: '', sql: whole };
    newFiles.push({ path, sql: whole, migration: added, after: names.files[index - 2]?.path ?? file });
    const down = undone.of.get(index);
    if (down !== undefined) newFiles.push({ path: rollbackPath(folders, added), sql: down, rollback: { of: path } });
  }
  const end = starts[1]!;
  const edits = [{ file, start: end, end: sql.length, text: sql[end - 1] === '\n' ? '' : '\n' }];
  return { edits, newFiles, renames: names.renames };
}

const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1);

function isMarked(sql: string, tool: SectionTool): boolean {
  const marks = statementMarks(tool);
  return marks !== undefined && sql.includes(marks.start);
}

/** The statements in order. Settings are with those before them. */
function partsOf(statements: readonly Statement[]): Part[] {
  const parts: Part[] = [];
  for (const statement of statements) {
    const isAlone = mustRunAlone(statement) !== undefined;
    const last = parts.at(-1);
    if (isAlone || last === undefined || last.isAlone) parts.push({ isAlone, statements: [statement] });
    else last.statements.push(statement);
  }
  return parts;
}

const settingsIn = ({ statements }: Part): string[] =>
  statements.filter(({ tree }) => fieldsOf(tree, 'VariableSetStmt') !== undefined).map(({ sql }) => sql);

/** Why a part needs the session of those before it, or their transaction. */
function sessionIn(parts: readonly Part[]): string | undefined {
  const said = parts.flatMap(({ statements }) => statements).find(({ tree }) => fieldsOf(tree, 'TransactionStmt'));
  if (said !== undefined) return 'It has a BEGIN or COMMIT of its own.';
  let path = false;
  for (const { isAlone, statements } of parts) {
    if (isAlone && path && !isQualified(statements[0]!))
      return 'The statement needs the search path that the file sets: write the schema of what it names.';
    for (const { tree } of statements) {
      const set = fieldsOf(tree, 'VariableSetStmt');
      if (set?.name === 'search_path') path = true;
      else if (set !== undefined && !harmless.test(set.name ?? ''))
        return `What follows needs the ${set.name ?? 'settings'} that the file sets.`;
      if (keepsState(tree))
        return 'What follows needs a temporary table, a prepared statement or a setting of the same session.';
    }
  }
  return undefined;
}

/** Whether a statement leaves in the session what a later one may use. */
function keepsState(tree: Statement['tree']): boolean {
  let keeps = false;
  walk(tree, (type, fields) => {
    keeps ||=
      type === 'PrepareStmt' ||
      type === 'DeclareCursorStmt' ||
      (type === 'RangeVar' && isTemporary(fields)) ||
      (type === 'FuncCall' && stringsOf(fields.funcname).at(-1) === 'set_config');
  });
  return keeps;
}

/** Whether what the statement names has its schema. */
function isQualified({ tree }: Statement): boolean {
  const index = fieldsOf(tree, 'IndexStmt');
  if (index !== undefined) return index.relation.schemaname !== undefined;
  const drop = fieldsOf(tree, 'DropStmt');
  return drop !== undefined && (drop.objects ?? []).every((object) => stringsOf(object).length > 1);
}

interface Names {
  files: { path: string; number: string }[];
  renames: Rename[];
}

/** Names for files right after one. Where the next file has one of the numbers, it and as many after it as needed get the next. */
function namesAfter(situation: Situation, migration: Migration, count: number): Names | Why {
  const { folders, migrations, applied } = situation;
  const { create, below } = forms[folders.order];
  const nested = below === 'one' ? folderOf(folderOf(migration.file)) : folderOf(migration.file);
  const folder = nested === '' ? '.' : nested;
  const inside = (file: string): string => (folder === '.' ? file : file.slice(folder.length + 1));
  const titled = inside(migration.file)
    .replace(/\/[^/]*$/, '')
    .replace(/(?:[.-]up)?\.(?:sql|pgsql)$/i, '');
  const rest = titled.slice(titled.indexOf(migration.number) + migration.number.length).replace(/^[_-]+/, '');
  const siblings = migrations.filter(
    ({ file, number }) => number !== '' && (folder === '.' || file.startsWith(`${folder}/`)),
  );
  const later = siblings.slice(siblings.indexOf(migration) + 1);
  const named = (number: string, index: number): { path: string; number: string } => ({
    path: inFolder(folder, create(number, `${rest === '' ? 'part' : rest}_${index + 2}`)),
    number,
  });
  const compare = compareNames(folders.order);
  const follows = (files: Names['files'], next: string | undefined): boolean =>
    [migration.file, ...files.map(({ path }) => path), ...(next === undefined ? [] : [next])].every(
      (file, index, all) => index === 0 || compare(inside(all[index - 1]!), inside(file)) < 0,
    );
  const whole = /^\d+$/.test(migration.number);
  const numbers = Array.from({ length: count }, (_, index) =>
    whole && folders.order !== 'flyway'
      ? String(BigInt(migration.number) + BigInt(index + 1)).padStart(migration.number.length, '0')
      : `${migration.number}.${index + 1}`,
  );
  const files = numbers.map(named);
  const own = new Set(numbers.map(plainNumber));
  const isFree = !later.some(({ number }) => own.has(plainNumber(number)));
  if (isFree && follows(files, later[0]?.file)) return { files, renames: [] };
  const taken = { why: `No number is free between ${nameOf(migration.file)} and ${nameOf(later[0]?.file ?? '')}.` };
  if (!whole || below !== undefined || later.some(({ number }) => !/^\d+$/.test(number))) return taken;
  const renames: Rename[] = [];
  let previous = BigInt(numbers.at(-1)!);
  for (const each of later) {
    if (BigInt(each.number) > previous) break;
    if (applied.has(each.file)) return taken;
    previous += 1n;
    const number = String(previous).padStart(each.number.length, '0');
    renames.push(renameOf(situation, { migration: each, number }));
  }
  return follows(files, renames[0]?.to) ? { files, renames } : taken;
}

interface Undone {
  /** By the index of a part: what undoes it. */
  of: Map<number, string>;
  /** The file's own rollback, where it would fail after those. */
  changed: NewFile[];
}

/** What rolls the parts back: the file's rollback drops the index that a part makes, which is gone by then. */
function rollbacks(situation: Situation, { file }: Migration, parts: readonly Part[]): Undone | Why {
  const known = situation.rollbacks.get(file);
  const of = new Map<number, string>();
  if (known === undefined) return { of, changed: [] };
  if (parts.slice(1).some(({ isAlone }) => !isAlone))
    return { why: 'Its rollback undoes what comes before the statement and what comes after it: split both by hand.' };
  const drops = parseSql(known.sql).statements.flatMap((statement) => {
    const drop = fieldsOf(statement.tree, 'DropStmt');
    return drop?.removeType === 'OBJECT_INDEX' && drop.missing_ok !== true ? [{ statement, drop }] : [];
  });
  let edits: { start: number; end: number; text: string; file: string }[] = [];
  for (const [index, { statements }] of parts.entries()) {
    const made = fieldsOf(statements[0]!.tree, 'IndexStmt');
    if (index === 0 || made?.idxname === undefined) continue;
    of.set(index, `DROP INDEX IF EXISTS ${indexText(made)};\n`);
    const own = drops.filter(({ drop }) =>
      (drop.objects ?? []).some((each) => stringsOf(each).at(-1) === made.idxname),
    );
    if (own.length > 0 && known.file === file)
      return {
        why: `Its down section drops ${made.idxname}, which is gone by then: write DROP INDEX IF EXISTS there.`,
      };
    edits = [...edits, ...own.map(({ statement }) => ({ file: known.file, ...ifExists(statement) }))];
  }
  const sql = applyEdits(known.sql, edits);
  return { of, changed: sql === known.sql ? [] : [{ path: known.file, sql, rollback: { of: file } }] };
}

const indexText = ({ idxname = '', relation: { schemaname } }: Fields<'IndexStmt'>): string =>
  schemaname === undefined ? quoteIdentifier(idxname) : quoteQualified(`${schemaname}.${idxname}`);

/** Puts IF EXISTS after DROP INDEX and CONCURRENTLY. */
function ifExists({ sql, start }: Statement): { start: number; end: number; text: string } {
  const words = wordsOf(sql);
  const at = words.findIndex(({ text }) => text === 'index');
  const place = start + words[words[at + 1]?.text === 'concurrently' ? at + 1 : at]!.end;
  return { start: place, end: place, text: ' IF EXISTS' };
}
