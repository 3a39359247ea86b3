import type { Finding } from '../../shared/finding.ts';
import type { RuleName } from '../../rules/registry.ts';
import type { Expected } from '../probes/expected.ts';
import type { Verb } from '../probes/verbs.ts';

/**
 * What came of a try. `allowed`: it read or changed such a row, or would have, but for a constraint; `refused`: an error says
 * no; `filtered`: no error, and no row; `error`: an error other than a refusal.
 */
export type Outcome = 'allowed' | 'refused' | 'filtered' | 'error';

/** One cell of the matrix, as finely as it was tried. */
export interface Check {
  actor: string;
  verb: Verb;
  outcome: Outcome;
  expected: Expected;
  /** Rows that were seen or changed: `a` A's, `b` B's, `m` partly both, `h` A's in another state, `k` and `l` X's, made by those in Y too, `#` there are more or fewer of A's; `?` some row. */
  rows?: string;
  /** Of a view or function: tables of which A's rows were seen, or changed. */
  reached?: string[];
  /** The rule that it breaks. */
  rule?: RuleName;
  /** SQL that does it, where it breaks a rule. */
  probe?: string;
  /** SQLSTATE and message of an error. */
  code?: string;
  message?: string;
}

/** What was proven of one table, view, function or bucket. */
export interface TableReport {
  /** `schema.name`; of a bucket `storage.objects[bucket]`; of a function with its argument types. */
  table: string;
  kind: 'table' | 'view' | 'function' | 'bucket';
  /** Whose the rows are: `owner user_id`, `organization via public.deals`, `public-read`, `service-only`, `unowned`. */
  scope: string;
  checks: Check[];
  /** Privileges by role, as `SI(name,email)UD`: letters of SELECT, INSERT, UPDATE, DELETE, TRUNCATE, columns where it is not all. */
  privileges?: Record<string, string>;
  /** What was left out, and why: then it does not count as proven. */
  notes?: string[];
}

/** Something that was not tried, so that it does not count as proven. */
export interface Gap {
  /** What is not proven, as the report names it: a table, view, bucket or function. */
  object: string;
  /** Why, as the end of a sentence: `its trigger hook sends HTTP requests`. */
  reason: string;
  /** What to do about it. */
  suggestion: string;
  /** It runs with its owner's rights: what it does untried may be anything. */
  isDefiner?: boolean;
}

export interface IsolationReport {
  tables: TableReport[];
  findings: Finding[];
  /** How many tables, views, buckets and functions were tried in full, and how many things were not. */
  proven: number;
  notProven: number;
}
