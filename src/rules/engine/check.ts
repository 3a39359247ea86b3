import type { Severity } from '../../shared/finding.ts';
import type { Catalog, Site } from '../../sql/catalog/model.ts';
import type { Piece, Source } from '../../sql/piece.ts';
import type { Statement } from '../../sql/statement.ts';
import type { Meaning } from './directives.ts';
import type { Provided } from './provided.ts';

/** Something that a check of files found. */
export interface Problem {
  source: Source;
  /** Offset in the file. */
  offset: number;
  /** `schema.name`, or `policy "x" on schema.table`. */
  object?: string | undefined;
  message: string;
  suggestion: string;
  /** Where it differs from the rule's own. */
  severity?: Severity;
  /** Names of what is missing because of it. */
  explains?: readonly string[];
}

export type Report = (problem: Problem) => void;

/** The files that have a rollback, by the migration's path; with the rollback itself where its text was read. */
export interface RollbackTexts {
  has(file: string): boolean;
  get?(file: string): { file: string; sql: string } | undefined;
}

/** What a check knows besides the catalog. */
export interface Run {
  /** What the files say of a table in `-- muse:` comments, by `schema.name`. */
  meanings: ReadonlyMap<string, readonly Meaning[]>;
  rollbacks: RollbackTexts;
  /** What a suggestion may name of Supabase; asked for once every file is read. */
  provided(): Provided;
}

/**
 * The callbacks of a rule that checks files. They are called while the files are read in order, `end` after the last
 * one.
 */
export interface FileCheck {
  source?(source: Source, report: Report, run: Run): void;
  /** Every statement of a file, including those that do not parse. */
  statement?(statement: Statement, source: Source, report: Report): void;
  /** Every statement that parses, including those inside bodies; the catalog is as it is before it. */
  piece?(piece: Piece, catalog: Catalog, report: Report): void;
  /** A body that does not parse. */
  body?(piece: Piece, error: { message: string; offset: number }, report: Report): void;
  /** When all files are read. */
  end?(catalog: Catalog, report: Report, run: Run): void;
}

/** A problem with the name of its rule. */
export interface Located extends Problem {
  rule: string;
}

/** The results of all checks of files, as input for the fixes. */
export interface Examined {
  problems: Located[];
  silenced: number;
  /** The files, parsed, in the order of a run. */
  sources: readonly Source[];
  catalog: Catalog;
  meanings: ReadonlyMap<string, readonly Meaning[]>;
  /** What a repair may name of Supabase. */
  provided(): Provided;
}

/** The place of a problem with an object of the catalog. */
export function at(site: Site): Pick<Problem, 'source' | 'offset'> {
  return { source: site.piece.source, offset: site.offset };
}

/** The place of a problem with a statement. */
export function here(piece: Piece, location?: number): Pick<Problem, 'source' | 'offset'> {
  return { source: piece.source, offset: location === undefined ? piece.at() : piece.at(location) };
}

/** `policy "x" on schema.table`, as findings name it. */
export function policyObject(policy: { name: string; table: string }): string {
  return `policy "${policy.name}" on ${policy.table}`;
}

/** The table that the object of a finding is, or is a policy of, as `schema.name`. */
export function tableOfObject(object: string): string {
  const on = object.lastIndexOf('" on ');
  return object.startsWith('policy "') && on !== -1 ? object.slice(on + '" on '.length) : object;
}
