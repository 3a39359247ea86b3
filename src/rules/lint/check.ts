import type { Severity } from '../../shared/finding.ts';
import type { RuleName } from '../registry.ts';
import type { Catalog, Site } from '../../sql/catalog/model.ts';
import type { Meaning } from '../engine/directives.ts';
import type { Piece, Source } from '../../sql/piece.ts';
import type { Statement } from '../../sql/statement.ts';

/** What `docs/rules/` says of a rule; the examples are run by the tests, so that they stay true. */
export interface RuleDoc {
  /** Why it matters: what happens to whoever leaves it. */
  why: string;
  /** SQL in which the rule finds something; absent where no file alone can show it. */
  bad?: string;
  /** The same, right. */
  good?: string;
}

/** Something that a check found. */
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
}

export type Report = (problem: Problem) => void;

/** What a check may know beside the catalog. */
export interface Run {
  /** What the files say of a table in `-- muse:` comments, by `schema.name`. */
  meanings: ReadonlyMap<string, readonly Meaning[]>;
  /** Files that have a rollback. */
  rollbacks: { has(file: string): boolean };
}

/** One rule, or the part of it that files alone show: its checks and its documentation. */
export interface Check {
  rule: RuleName;
  doc: RuleDoc;
  source?(source: Source, report: Report, run: Run): void;
  /** Every statement of a file, those that do not parse too. */
  statement?(statement: Statement, source: Source, report: Report): void;
  /** Every statement that parses, those inside bodies too; the catalog is as it is before it. */
  piece?(piece: Piece, catalog: Catalog, report: Report): void;
  /** A body that does not parse. */
  body?(piece: Piece, error: { message: string; offset: number }, report: Report): void;
  /** When all files are read. */
  end?(catalog: Catalog, report: Report, run: Run): void;
}

/** Where a problem with a thing of the catalog is. */
export function at(site: Site): Pick<Problem, 'source' | 'offset'> {
  return { source: site.piece.source, offset: site.offset };
}

/** Where a problem with a statement is. */
export function here(piece: Piece, location?: number): Pick<Problem, 'source' | 'offset'> {
  return { source: piece.source, offset: location === undefined ? piece.at() : piece.at(location) };
}
