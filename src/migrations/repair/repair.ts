import { createHash } from 'node:crypto';
import type { Finding } from '../../finding.ts';
import type { MigrationFolders } from '../../muse-file.ts';
import type { RuleName } from '../../rules.ts';
import { examineFiles, lint } from '../lint/lint.ts';
import type { LintInput } from '../lint/lint.ts';
import type { Migration } from '../migration.ts';
import type { Source } from '../parse/piece.ts';
import { parseSql } from '../parse/split.ts';
import { mendSchemas, mendUnknown } from './base.ts';
import { mendOrder } from './moves.ts';
import { mendNumbers } from './numbers.ts';
import { applyEdits } from './plan.ts';
import type { Decision, Mended, Situation } from './plan.ts';
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
}

export interface Repair {
  classes: RepairClass[];
  /** New text of files that were there, and of those that were not. */
  edits: Map<string, string>;
  newFiles: Map<string, string>;
  /** Files that were there and are not any more: they have another name. */
  removed: string[];
  decisions: Decision[];
  /** What is still wrong, by lint and, where it ran, by the rehearsal. */
  remaining: Finding[];
  silenced: number;
  /** The files as they are now. */
  migrations: Migration[];
  rollbacks: Map<string, RollbackText>;
}

/** The classes in the order in which they are mended: what others build on comes first. */
const classes: readonly { rule: RuleName; mend(situation: Situation, sources: readonly Source[]): Mended }[] = [
  { rule: 'policy-if-not-exists', mend: mendPolicyIfNotExists },
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
    classes: [], edits: new Map(), newFiles: new Map(), removed: [], decisions: [], remaining: [], silenced: 0,
    migrations: [...input.migrations], rollbacks: new Map(input.rollbacks),
  };
  const before = new Set([...input.migrations.map(({ file }) => file), ...[...input.rollbacks.values()].map(({ file }) => file)]);
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
      const situation: Situation = { ...input, applied: input.applied ?? new Set(), examined, catalog: examined.catalog, migrations: result.migrations, rollbacks: result.rollbacks, rehearsed };
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
function record(rule: RuleName, { edits, newFiles = [], renames = [], decisions = [] }: Mended, result: Repair, before: ReadonlySet<string>): boolean {
  const files = new Map<string, string>();
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
    const others = result.migrations.filter(({ file }) => file !== path);
    result.migrations = last === true ? [...others, withText(migration, sql)] : [withText(migration, sql), ...others];
  }
  const removed = renames.flatMap((rename) => moveFile(rename, result, files));
  if (files.size === 0) return false;
  for (const path of removed) {
    result.edits.delete(path);
    if (!result.newFiles.delete(path)) result.removed.push(path);
  }
  for (const [path, sql] of files) (before.has(path) ? result.edits : result.newFiles).set(path, sql);
  const known = result.classes.find((each) => each.rule === rule && each === result.classes.at(-1));
  if (known === undefined) result.classes.push({ rule, files, removed });
  else for (const [path, sql] of files) known.files.set(path, sql);
  known?.removed.push(...removed);
  result.decisions.push(...decisions);
  return true;
}

/** Gives a migration and its rollback their new names. Gives the old paths. */
function moveFile({ from, to, number, rollback }: NonNullable<Mended['renames']>[number], result: Repair, files: Map<string, string>): string[] {
  result.migrations = result.migrations.map((migration) => {
    if (migration.file !== from) return migration;
    files.set(to, migration.sql);
    return { ...migration, file: to, number };
  });
  const text = result.rollbacks.get(from);
  if (rollback === undefined || text === undefined) return [from];
  result.rollbacks.delete(from);
  result.rollbacks.set(to, { file: rollback.to, sql: text.sql });
  files.set(rollback.to, text.sql);
  return [from, rollback.from];
}

function withText(migration: Migration, sql: string): Migration {
  return { ...migration, sql, checksum: createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex') };
}
