import { createHash } from 'node:crypto';
import type { Finding } from '../../shared/finding.ts';
import type { MigrationFolders } from '../../shared/muse-file.ts';
import type { RuleName } from '../registry.ts';
import { examineFiles, lint } from '../lint/lint.ts';
import type { LintInput } from '../lint/lint.ts';
import type { JournalFile } from '../../migrations/drizzle-journal.ts';
import type { Migration } from '../../sql/migration.ts';
import type { Source } from '../../sql/piece.ts';
import { parseSql } from '../../sql/split.ts';
import { mendSchemas, mendUnknown } from './base.ts';
import { mendInlineIndexes } from './dialect.ts';
import { mendOrder } from './moves.ts';
import { mendNumbers } from './numbers.ts';
import { applyEdits } from './plan.ts';
import type { Decision, Left, Mended, Rename, Situation } from './plan.ts';
import { mendAlwaysTrue, mendPerRow, mendWithoutRole } from './policies.ts';
import { mendRecursive } from './recursion.ts';
import { mendRollbacks } from './rollbacks.ts';
import { mendDefiner } from './routines.ts';
import { mendSeeds } from './seeds.ts';
import { mendNotIdempotent, mendPolicyIfNotExists, mendTransactionControl } from './statements.ts';
import { mendGrants, mendIndexes, mendRedefined, mendRls } from './tables.ts';

/** A migration's way back. */
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
  /** Runs the files on a throw-away database and tells what it found. */
  rehearse?(migrations: readonly Migration[], rollbacks: ReadonlyMap<string, RollbackText>): Promise<readonly Finding[]>;
}

/** What was mended of one rule: one commit. */
export interface RepairClass {
  rule: RuleName;
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
  /** What stays although its rule says that it is mended, and why. */
  left: Left[];
  /** What is still wrong, by lint and, where it ran, by the rehearsal. */
  remaining: Finding[];
  silenced: number;
  /** The files as they are now. */
  migrations: Migration[];
  rollbacks: Map<string, RollbackText>;
  journals: Map<string, JournalFile>;
}

/** The classes in the order in which they are mended: what others build on comes first. */
const classes: readonly { rule: RuleName; mend(situation: Situation, sources: readonly Source[]): Mended }[] = [
  { rule: 'policy-if-not-exists', mend: mendPolicyIfNotExists },
  { rule: 'foreign-dialect', mend: mendInlineIndexes },
  { rule: 'transaction-control', mend: mendTransactionControl },
  { rule: 'duplicate-number', mend: mendNumbers },
  { rule: 'core-depends-on-extension', mend: (situation) => mendOrder(situation, 'core-depends-on-extension') },
  { rule: 'used-before-created', mend: (situation) => mendOrder(situation, 'used-before-created') },
  { rule: 'unknown-relation', mend: mendSchemas },
  { rule: 'unknown-relation', mend: mendUnknown },
  { rule: 'table-redefined', mend: mendRedefined },
  { rule: 'not-idempotent', mend: mendNotIdempotent },
  { rule: 'rls-missing', mend: mendRls },
  { rule: 'policy-always-true', mend: mendAlwaysTrue },
  { rule: 'policy-without-role', mend: mendWithoutRole },
  { rule: 'policy-recursive', mend: mendRecursive },
  { rule: 'policy-per-row-call', mend: mendPerRow },
  { rule: 'grant-missing', mend: mendGrants },
  { rule: 'fk-without-index', mend: mendIndexes },
  { rule: 'definer-without-search-path', mend: mendDefiner },
  { rule: 'seed-not-idempotent', mend: mendSeeds },
  { rule: 'rollback-missing', mend: mendRollbacks },
];

/** Rounds of mending; each sees what the one before brought to light. */
const ROUNDS = 8;

/**
 * Mends what can be mended, class by class, then lints and rehearses again until nothing changes. Pure: the texts of the
 * files come back, nothing is written.
 */
export async function repair(input: RepairInput): Promise<Repair> {
  const result: Repair = {
    classes: [], edits: new Map(), newFiles: new Map(), removed: [], decisions: [], left: [], remaining: [], silenced: 0,
    migrations: [...input.migrations], rollbacks: new Map(input.rollbacks), journals: new Map(input.journals),
  };
  const before = new Set([...input.migrations, ...input.rollbacks.values(), ...result.journals.values()].map(({ file }) => file));
  let rehearsed: readonly Finding[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const changed = await mendOnce(input, result, rehearsed, before);
    if (!changed && round > 0) break;
    rehearsed = (await input.rehearse?.(result.migrations, result.rollbacks)) ?? [];
  }
  const { findings, silenced } = await lint({ migrations: result.migrations, rollbacks: result.rollbacks, severities: input.severities ?? {} });
  result.remaining = [...findings, ...rehearsed];
  result.silenced = silenced;
  return result;
}

/** One round over all classes. Says whether anything changed. */
async function mendOnce(input: RepairInput, result: Repair, rehearsed: readonly Finding[], before: ReadonlySet<string>): Promise<boolean> {
  let changed = false;
  let known: Awaited<ReturnType<typeof examineFiles>> | undefined;
  for (const { rule, mend } of classes) {
    // A move or a new table can uncover the next one of its kind.
    for (let pass = 0; pass < 10; pass += 1) {
      const examined = (known ??= await examineFiles(result));
      const situation: Situation = { ...input, applied: input.applied ?? new Set(), examined, catalog: examined.catalog, migrations: result.migrations, rollbacks: result.rollbacks, journals: result.journals, rehearsed };
      const sources = rule === 'seed-not-idempotent' ? result.migrations.map((migration): Source => ({ migration, parsed: parseSql(migration.sql) })) : [];
      if (!record(rule, mend(situation, sources), result, before)) break;
      changed = true;
      known = undefined;
      if (rule === 'seed-not-idempotent') break;
    }
  }
  return changed;
}

/** Puts what was mended into the result. Says whether that changed anything. */
function record(rule: RuleName, { edits, newFiles = [], renames = [], others = new Map(), decisions = [], left = [] }: Mended, result: Repair, before: ReadonlySet<string>): boolean {
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
