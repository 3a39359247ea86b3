import type { Catalog, Policy } from '../../../sql/catalog/model.ts';
import type { Migration } from '../../../sql/migration.ts';
import type { Finding } from '../../../shared/finding.ts';
import type { MigrationFolders } from '../../../shared/muse-file.ts';
import type { Statement } from '../../../sql/statement.ts';
import type { JournalFile } from '../../../migrations/drizzle-journal.ts';
import { policyObject } from '../check.ts';
import type { Examined, Located } from '../check.ts';
import { statementAt } from '../statements.ts';

/** The order of fixes: each stage relies on the ones before it. Fixes within a stage are independent. */
export const fixStages = [
  /** Statements that PostgreSQL cannot parse, or must not run as written. */
  'syntax',
  /** Names and numbers of files. */
  'files',
  /** Objects that are used before they are created. */
  'order',
  /** Objects that nothing creates. */
  'relations',
  'columns',
  /** Statements that cannot run twice. */
  'repetition',
  /** Tables without row-level security. */
  'row-security',
  /** The roles that policies apply to, and their rows. */
  'policies',
  /** Policies that read their own table. */
  'recursion',
  /** The form of policies, once their meaning is settled. */
  'expressions',
  /** Privileges that roles need to use the policies. */
  'privileges',
  /** What else tables, functions and rows lack. */
  'details',
  /** Rollbacks of the repaired files. */
  'rollbacks',
] as const;

/** What `--fix` does about a rule. */
export interface Fix {
  /** A phrase for the rule's page: `adds the index`. */
  does: string;
  stage: (typeof fixStages)[number];
  /**
   * The rules whose findings of the last rehearsal it works on. Their places are valid only until the first edit: one attempt
   * per round.
   */
  fromRehearsal?: readonly string[];
  /** Finds the edits. Files that a database has already are never edited. */
  apply(situation: Situation): FixResult;
}

/** A replacement of a piece of text. */
export interface Edit {
  file: string;
  start: number;
  end: number;
  text: string;
}

/** A change of who can do what, for the report. */
export interface Decision {
  file: string;
  object: string;
  before: string;
  after: string;
  /** The reason for the decision. */
  reason: string;
}

/** A new file. */
export interface NewFile {
  path: string;
  sql: string;
  /** For a migration: whether it is the first of its layer or the last, or the file that it comes right after. */
  migration?: Migration;
  last?: boolean;
  after?: string;
  /** For a rollback: its migration. */
  rollback?: { of: string };
}

/** The result of fixing one rule. */
export interface FixResult {
  edits: Edit[];
  newFiles?: NewFile[];
  /** Whole new texts of migrations, by path, which have nothing around them any more. */
  whole?: ReadonlyMap<string, string>;
  renames?: Rename[];
  /** New text of files that are not migrations, by path: journals. */
  others?: Map<string, string>;
  decisions?: Decision[];
  /** What was not fixed although its rule has a fix, and why. */
  left?: Left[];
}

/** A migration that gets another number, with its rollback. */
export interface Rename {
  from: string;
  to: string;
  number: string;
  rollback?: { from: string; to: string };
}

/** What was not fixed. */
export interface Left {
  rule: string;
  file: string;
  /** A whole sentence. */
  why: string;
}

/** The input of a fix. */
export interface Situation {
  examined: Examined;
  catalog: Catalog;
  migrations: readonly Migration[];
  rollbacks: ReadonlyMap<string, { file: string; sql: string }>;
  /** Files that a database already has. They are never edited. */
  applied: ReadonlySet<string>;
  folders: Pick<MigrationFolders, 'core' | 'extensions' | 'rollback' | 'order'>;
  kit: string;
  /** Drizzle's journals by folder, and the snapshots next to them. */
  journals: ReadonlyMap<string, JournalFile>;
  /** The built-in core, in order. */
  builtin: readonly { file: string; sql: string }[];
  /** The findings of the rehearsal, if it ran. */
  rehearsed: readonly Finding[];
}

/** The problems of a rule in files that may be edited. */
export function editable({ examined, applied }: Situation, rule: string): Located[] {
  return examined.problems.filter((problem) => problem.rule === rule && !applied.has(problem.source.migration.file));
}

/** The problems of a rule, including those in applied files: a new migration can fix them. */
export function problemsOf({ examined }: Situation, rule: string): Located[] {
  return examined.problems.filter((problem) => problem.rule === rule);
}

/** The statement that contains a problem. */
export function statementOf(problem: Located): Statement | undefined {
  return statementAt(problem.source, problem.offset);
}

/**
 * The policy that a problem is about. Several statements may create a policy of that name; this is the one at the
 * problem's place.
 */
export function policyOf({ catalog }: Situation, { object, source, offset }: Located): Policy | undefined {
  let other: Policy | undefined;
  for (const { policies } of [...catalog.tables.values(), ...catalog.ghosts.values()]) {
    for (const policy of policies.values()) {
      if (policyObject(policy) !== object) continue;
      const { statement, source: own } = policy.site.piece;
      if (own === source && statement.start <= offset && offset <= statement.end) return policy;
      other ??= policy;
    }
  }
  return other;
}

/**
 * The start of the comments right above a statement, on lines of their own; the start of the statement if there are
 * none.
 */
export function startWithComments(sql: string, statement: Statement): number {
  let { start } = statement;
  for (const comment of statement.comments.filter((each) => each.start < statement.start).toReversed()) {
    const between = sql.slice(comment.start + comment.text.length, start);
    if (
      between.split('\n').length > 2 ||
      sql.slice(sql.lastIndexOf('\n', comment.start - 1) + 1, comment.start).trim() !== ''
    )
      break;
    ({ start } = comment);
  }
  return start;
}

/** Appends whole statements to a file, after adding the semicolon that its last statement may lack. */
export function append(migration: Migration, statements: readonly Statement[], text: string): Edit[] {
  const { file, sql } = migration;
  const last = statements.at(-1);
  const open = last !== undefined && !/^\s*(?:--[^\n]*\n\s*|\/\*[^]*?\*\/\s*)*;/.test(sql.slice(last.end));
  const gap = sql === '' ? '' : sql.endsWith('\n') ? '\n' : '\n\n';
  const added = { file, start: sql.length, end: sql.length, text: `${gap}${text.trimEnd()}\n` };
  return open ? [{ file, start: last.end, end: last.end, text: ';' }, added] : [added];
}

/** Applies edits to a text. If two overlap, the first is applied and the other waits for the next round. */
export function applyEdits(sql: string, edits: readonly Edit[]): string {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  let at = 0;
  let result = '';
  for (const { start, end, text } of sorted) {
    if (start < at) continue;
    result += sql.slice(at, start) + text;
    at = end;
  }
  return result + sql.slice(at);
}
