import type { Severity } from '../../../shared/finding.ts';
import type { Catalog, FunctionRow, PolicyRow, RelationRow } from './catalog.ts';
import type { Expectations } from './expectations.ts';
import type { Node, ParseExpression } from './expression.ts';

/** What a check of a live catalog may know. */
export interface LiveRun {
  catalog: Catalog;
  expectations: Expectations;
  parse: ParseExpression;
}

/** A policy with its table and its expressions as trees. */
export interface LivePolicy {
  policy: PolicyRow;
  table: RelationRow;
  /** `policy "x" on schema.table`, as findings name it. */
  object: string;
  using: Node | undefined;
  check: Node | undefined;
}

/** Something that a check of a live catalog found. */
export interface LiveProblem {
  /** `schema.name`, or `policy "x" on schema.table`. */
  object: string;
  message: string;
  suggestion: string;
  /** Where it differs from the rule's own. */
  severity?: Severity;
}

export type LiveReport = (problem: LiveProblem) => void;

/** What a rule looks at in the catalog of a database. */
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
