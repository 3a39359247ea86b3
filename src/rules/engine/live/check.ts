import type { Severity } from '../../../shared/finding.ts';
import type { Catalog, FunctionRow, PolicyRow, RelationRow } from './catalog.ts';
import type { Expectations } from './expectations.ts';
import type { Node, ParseExpression } from './expression.ts';

/** The input of a check of a live catalog. */
export interface LiveRun {
  catalog: Catalog;
  expectations: Expectations;
  parse: ParseExpression;
}

/** A policy with its table and its parsed expressions. */
export interface LivePolicy {
  policy: PolicyRow;
  table: RelationRow;
  /** `policy "x" on schema.table`, as findings name it. */
  object: string;
  using: Node | undefined;
  check: Node | undefined;
}

/** A problem that a check of a live catalog found. */
export interface LiveProblem {
  /** `schema.name`, or `policy "x" on schema.table`. */
  object: string;
  message: string;
  suggestion: string;
  /** Where it differs from the rule's own. */
  severity?: Severity;
}

export type LiveReport = (problem: LiveProblem) => void;

/** The callbacks of a rule that checks the catalog of a database. */
export interface LiveCheck {
  /** Once. */
  database?(live: LiveRun, report: LiveReport): void;
  /** Every table of the muse's own schemas. */
  table?(table: RelationRow, live: LiveRun, report: LiveReport): void;
  /** Every policy on those tables, and on the tables of Supabase's storage. */
  policy?(policy: LivePolicy, live: LiveRun, report: LiveReport): void;
  /** Every function of the muse's own schemas. */
  routine?(routine: FunctionRow, live: LiveRun, report: LiveReport): void;
}
