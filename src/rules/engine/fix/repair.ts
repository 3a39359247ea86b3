import { createHash } from 'node:crypto';
import type { JournalFile } from '../../../migrations/drizzle-journal.ts';
import type { Finding } from '../../../shared/finding.ts';
import type { MigrationFolders } from '../../../shared/muse-file.ts';
import type { Migration } from '../../../sql/migration.ts';
import type { Examined } from '../check.ts';
import { examineFiles, lintWith } from '../lint.ts';
import type { LintInput } from '../lint.ts';
import type { Rule } from '../rule.ts';
import { applyEdits, fixStages } from './fix.ts';
import type { Decision, Fix, FixResult, Left, Rename, Situation } from './fix.ts';

/** The text of a migration's rollback. */
export interface RollbackText {
  file: string;
  sql: string;
}

export interface RepairInput {
  migrations: readonly Migration[];
  /** By the `file` of the migration. */
  rollbacks: ReadonlyMap<string, RollbackText>;
  folders: Pick<MigrationFolders, 'core' | 'extensions' | 'rollback' | 'order'>;
  /** Name of the kit, for `000_<kit>_base.sql`. */
  kit: string;
  /** The migrations of the built-in core, in order. */
  builtin: readonly { file: string; sql: string }[];
  /** Files that a known database has already: never edited. */
  applied?: ReadonlySet<string>;
  /** Drizzle's journals, by the folder that each is of. */
  journals?: ReadonlyMap<string, JournalFile>;
  severities?: LintInput['severities'];
  /** Runs the files on a shadow database and tells what it found. */
  rehearse?(migrations: readonly Migration[], rollbacks: ReadonlyMap<string, RollbackText>): Promise<readonly Finding[]>;
}

/** What was fixed of one rule: one commit. */
export interface RepairClass {
  rule: string;
  /** Whole new text by path; in the order of the classes the later ones build on the earlier. */
  files: Map<string, string>;
  /** Paths that are gone: renamed files. */
  removed: string[];
  /** Migrations that have another name, the old one first. */
  renamed: [from: string, to: string][];
  /** What of it changes who may do what. */
  decisions: Decision[];
}

export interface Repair {
  classes: RepairClass[];
  /** New text of files that were there, and of those that were not. */
  edits: Map<string, string>;
  newFiles: Map<string, string>;
  /** Files that were there and are not any more: they have another name. */
  removed: string[];
  decisions: Decision[];
  /** What stays although its rule has a fix, and why. */
  left: Left[];
  /** What is still wrong, by lint and, where it ran, by the rehearsal. */
  remaining: Finding[];
  silenced: number;
  /** The files as they are now. */
  migrations: Migration[];
  rollbacks: Map<string, RollbackText>;
  journals: Map<string, JournalFile>;
}

/** Rounds of fixing; each sees what the one before brought to light. */
const ROUNDS = 8;

/**
 * Fixes what can be fixed, rule by rule, then lints and rehearses again until nothing changes. Pure: the texts of the files
 * come back, nothing is written.
 */
export async function repairWith(rules: readonly Rule[], input: RepairInput): Promise<Repair> {
  const result: Repair = {
    classes: [], edits: new Map(), newFiles: new Map(), removed: [], decisions: [], left: [], remaining: [], silenced: 0,
    migrations: [...input.migrations], rollbacks: new Map(input.rollbacks), journals: new Map(input.journals),
  };
  const before = new Set([...input.migrations, ...input.rollbacks.values(), ...result.journals.values()].map(({ file }) => file));
  let rehearsed: readonly Finding[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const changed = await fixOnce(rules, input, result, rehearsed, before);
    if (!changed && round > 0) break;
    rehearsed = (await input.rehearse?.(result.migrations, result.rollbacks)) ?? [];
  }
  const { findings, silenced } = await lintWith(rules, { migrations: result.migrations, rollbacks: result.rollbacks, severities: input.severities ?? {} });
  result.remaining = [...findings, ...rehearsed];
  result.silenced = silenced;
  return result;
}

/** The rules that have a fix, in the order of their stages. */
function fixable(rules: readonly Rule[]): { rule: string; fix: Fix }[] {
  return fixStages.flatMap((stage) => rules.flatMap(({ name, fix }) => (fix?.stage === stage ? [{ rule: name, fix }] : [])));
}

/** One round over all rules. Says whether anything changed. */
async function fixOnce(rules: readonly Rule[], input: RepairInput, result: Repair, rehearsed: readonly Finding[], before: ReadonlySet<string>): Promise<boolean> {
  let changed = false;
  let known: Examined | undefined;
  for (const { rule, fix } of fixable(rules)) {
    // A move or a new table can uncover the next one of its kind.
    for (let pass = 0; pass < 10; pass += 1) {
      const examined = (known ??= await examineFiles(rules, result));
      const situation: Situation = { ...input, applied: input.applied ?? new Set(), examined, catalog: examined.catalog, migrations: result.migrations, rollbacks: result.rollbacks, journals: result.journals, rehearsed };
      if (!record(rule, fix.apply(situation), result, before)) break;
      changed = true;
      known = undefined;
      if (fix.fromRehearsal === true) break;
    }
  }
  return changed;
}

/** Puts what was fixed into the result. Says whether that changed anything. */
function record(rule: string, { edits, newFiles = [], renames = [], others = new Map(), decisions = [], left = [] }: FixResult, result: Repair, before: ReadonlySet<string>): boolean {
  const files = new Map<string, string>();
  result.left = [...result.left.filter((each) => each.rule !== rule), ...left];
  result.migrations = result.migrations.map((migration) => {
    const own = edits.filter(({ file }) => file === migration.file);
    const sql = own.length === 0 ? migration.sql : applyEdits(migration.sql, own);
    if (sql === migration.sql) return migration;
    files.set(migration.file, sql);
    return withText(migration, sql);
  });
  for (const { path, sql, migration, last, rollback } of newFiles) {
    files.set(path, sql);
    if (rollback !== undefined) result.rollbacks.set(rollback.of, { file: path, sql });
    if (migration === undefined) continue;
    const rest = result.migrations.filter(({ file }) => file !== path);
    result.migrations = last === true ? behindLayer(rest, withText(migration, sql)) : [withText(migration, sql), ...rest];
  }
  const removed = moveFiles(renames, result, files).filter((path) => !files.has(path));
  for (const [path, text] of others) {
    files.set(path, text);
    for (const [folder, journal] of result.journals) if (journal.file === path) result.journals.set(folder, { ...journal, text });
  }
  if (files.size === 0) return false;
  for (const path of removed) {
    result.edits.delete(path);
    if (!result.newFiles.delete(path)) result.removed.push(path);
  }
  result.removed = result.removed.filter((path) => !files.has(path));
  for (const [path, sql] of files) (before.has(path) ? result.edits : result.newFiles).set(path, sql);
  let known = result.classes.at(-1);
  if (known?.rule !== rule) result.classes.push((known = { rule, files: new Map(), removed: [], renamed: [], decisions: [] }));
  for (const path of removed) known.files.delete(path);
  for (const [path, sql] of files) known.files.set(path, sql);
  known.removed = [...known.removed.filter((path) => !files.has(path)), ...removed];
  known.renamed.push(...renames.map(({ from, to }): [string, string] => [from, to]));
  known.decisions.push(...decisions);
  result.decisions.push(...decisions);
  return true;
}

/** The order of a run with one more file, the last of its layer. */
function behindLayer(migrations: readonly Migration[], added: Migration): Migration[] {
  const at = migrations.findLastIndex(({ layer }) => layer === added.layer || layer === 'core') + 1;
  return [...migrations.slice(0, at), added, ...migrations.slice(at)];
}

/** Gives migrations and their rollbacks their new names, all at once: one may take the name that another leaves. Gives the old paths. */
function moveFiles(renames: readonly Rename[], result: Repair, files: Map<string, string>): string[] {
  const byFile = new Map(renames.map((rename) => [rename.from, rename]));
  result.migrations = result.migrations.map((migration) => {
    const rename = byFile.get(migration.file);
    if (rename === undefined) return migration;
    files.set(rename.to, migration.sql);
    return { ...migration, file: rename.to, number: rename.number };
  });
  const texts = renames.map(({ from }) => result.rollbacks.get(from));
  for (const { from } of renames) result.rollbacks.delete(from);
  return renames.flatMap(({ from, to, rollback }, index) => {
    const text = texts[index];
    if (rollback === undefined || text === undefined) return [from];
    result.rollbacks.set(to, { file: rollback.to, sql: text.sql });
    files.set(rollback.to, text.sql);
    return [from, rollback.from];
  });
}

function withText(migration: Migration, sql: string): Migration {
  return { ...migration, sql, checksum: createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex') };
}
