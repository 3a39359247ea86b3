import type { Catalog, Policy } from '../../../sql/catalog/model.ts';
import type { Migration } from '../../../sql/migration.ts';
import type { Finding } from '../../../shared/finding.ts';
import type { MigrationFolders } from '../../../shared/muse-file.ts';
import type { Statement } from '../../../sql/statement.ts';
import type { JournalFile } from '../../../migrations/drizzle-journal.ts';
import { policyObject } from '../check.ts';
import type { Examined, Located } from '../check.ts';
import { statementAt } from '../statements.ts';

/** The order of fixes: each builds on what those before it made right. Within a stage they do not depend on each other. */
export const fixStages = [
  /** What PostgreSQL cannot read, or must not run as it stands. */
  'syntax',
  /** Names and numbers of files. */
  'files',
  /** What is used before it is made. */
  'order',
  /** What nothing makes. */
  'relations',
  'columns',
  /** What cannot run twice. */
  'repetition',
  /** Tables without row-level security. */
  'row-security',
  /** Whom policies are for, and which rows. */
  'policies',
  /** Policies that read their own table. */
  'recursion',
  /** How policies are written, once it is settled what they say. */
  'expressions',
  /** What roles lack to use the policies. */
  'privileges',
  /** What tables, functions and rows lack beside that. */
  'details',
  /** Rollbacks of what the files hold by now. */
  'rollbacks',
] as const;

/** What `--fix` does about a rule. */
export interface Fix {
  /** For the page of the rule, a phrase: `adds the index`. */
  does: string;
  stage: (typeof fixStages)[number];
  /** Works on what the last rehearsal found, whose places count only until the first edit: one try a round. */
  fromRehearsal?: true;
  /** Finds the edits. Files that a database has already are never edited. */
  apply(situation: Situation): FixResult;
}

/** A piece of text put in the place of another. */
export interface Edit {
  file: string;
  start: number;
  end: number;
  text: string;
}

/** A change of who may do what, for the report. */
export interface Decision {
  file: string;
  object: string;
  before: string;
  after: string;
  /** What it was decided by. */
  reason: string;
}

/** A file that was not there. */
export interface NewFile {
  path: string;
  sql: string;
  /** It is a migration: the first of its layer, or the last. */
  migration?: Migration;
  last?: boolean;
  /** It is the rollback of this migration. */
  rollback?: { of: string };
}

/** What fixing one rule comes to. */
export interface FixResult {
  edits: Edit[];
  newFiles?: NewFile[];
  renames?: Rename[];
  /** New text of files that are not migrations, by path: journals. */
  others?: Map<string, string>;
  decisions?: Decision[];
  /** What stays although its rule has a fix, and why. */
  left?: Left[];
}

/** A migration that gets another number, with its rollback. */
export interface Rename {
  from: string;
  to: string;
  number: string;
  rollback?: { from: string; to: string };
}

/** What stays as it is. */
export interface Left {
  rule: string;
  file: string;
  /** A whole sentence. */
  why: string;
}

/** What a fix may know. */
export interface Situation {
  examined: Examined;
  catalog: Catalog;
  migrations: readonly Migration[];
  rollbacks: ReadonlyMap<string, { file: string; sql: string }>;
  /** Files that a database has already: never edited. */
  applied: ReadonlySet<string>;
  folders: Pick<MigrationFolders, 'core' | 'extensions' | 'rollback' | 'order'>;
  kit: string;
  /** Drizzle's journals by the folder that they are of, and the snapshots beside them. */
  journals: ReadonlyMap<string, JournalFile>;
  /** The built-in core, in order. */
  builtin: readonly { file: string; sql: string }[];
  /** What the rehearsal found, where it ran. */
  rehearsed: readonly Finding[];
}

/** The problems of a rule that lie in files which may be edited. */
export function editable({ examined, applied }: Situation, rule: string): Located[] {
  return examined.problems.filter((problem) => problem.rule === rule && !applied.has(problem.source.migration.file));
}

/** The problems of a rule, including those in applied files: a new migration can fix them. */
export function problemsOf({ examined }: Situation, rule: string): Located[] {
  return examined.problems.filter((problem) => problem.rule === rule);
}

/** The statement that a problem lies in. */
export function statementOf(problem: Located): Statement | undefined {
  return statementAt(problem.source, problem.offset);
}

/** The policy that a problem is about: of those by the name, such as one made before its table and one after, the one in its place. */
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

/** Where the comments begin that stand right above a statement, on lines of their own; its own start where there are none. */
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

/** Adds whole statements after everything in a file, with the semicolon that its last statement may lack. */
export function append(migration: Migration, statements: readonly Statement[], text: string): Edit[] {
  const { file, sql } = migration;
  const last = statements.at(-1);
  const open = last !== undefined && !/^\s*(?:--[^\n]*\n\s*|\/\*[^]*?\*\/\s*)*;/.test(sql.slice(last.end));
  const gap = sql === '' ? '' : sql.endsWith('\n') ? '\n' : '\n\n';
  const added = { file, start: sql.length, end: sql.length, text: `${gap}${text.trimEnd()}\n` };
  return open ? [{ file, start: last.end, end: last.end, text: ';' }, added] : [added];
}

/** Applies edits to a text; of two that overlap the first counts, and the other waits for the next round. */
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
