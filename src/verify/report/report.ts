import type { Finding } from '../../shared/finding.ts';
import type { RuleName } from '../../rules/registry.ts';
import type { Expected } from '../probes/expected.ts';
import type { Verb } from '../probes/verbs.ts';

/**
 * The outcome of an attempt. `allowed`: it read or changed such a row, or would have without a constraint; `refused`:
 * refused with an error; `filtered`: no error, and no row; `error`: an error other than a refusal.
 */
export type Outcome = 'allowed' | 'refused' | 'filtered' | 'error';

/** One entry of the matrix, in full detail. */
export interface Check {
  actor: string;
  verb: Verb;
  outcome: Outcome;
  expected: Expected;
  /**
   * Rows that were seen or changed: `a` A's, `b` B's, `m` partly both, `h` A's in another state, `k` and `l` X's,
   * created by members of both organizations, `#` the number of A's rows changed, `?` an unknown row.
   */
  rows?: string;
  /** How many of the verb's statements were let through, if each is about something else. */
  times?: number;
  /** For a view or function: the tables whose rows of A were seen or changed. */
  reached?: string[];
  /** The rule that it breaks. */
  rule?: RuleName;
  /** SQL that does it, where it breaks a rule. */
  probe?: string;
  /** SQLSTATE and message of an error. */
  code?: string;
  message?: string;
}

/** What was proven for one table, view, function or bucket. */
export interface TableReport {
  /** `schema.name`; for a bucket `storage.objects[bucket]`; for a function with its argument types. */
  table: string;
  kind: 'table' | 'view' | 'function' | 'bucket';
  /** Who owns the rows: `owner user_id`, `organization via public.deals`, `public-read`, `service-only`, `unowned`. */
  scope: string;
  checks: Check[];
  /**
   * Privileges by role, e.g. `SI(name,email)UD`: letters of SELECT, INSERT, UPDATE, DELETE, TRUNCATE, with the columns
   * if not all.
   */
  privileges?: Record<string, string>;
  /** What was left out, and why. The object then does not count as proven. */
  notes?: string[];
}

/** Something that was not tried, so that it does not count as proven. */
export interface Gap {
  /** Name of what is not proven, as in the report: a table, view, bucket or function. */
  object: string;
  /** Why, as the end of a sentence: `its trigger hook sends HTTP requests`. */
  reason: string;
  /** What to do about it. */
  suggestion: string;
  /** It runs with its owner's rights, so it may do anything. */
  isDefiner?: boolean;
}

export interface IsolationReport {
  tables: TableReport[];
  findings: Finding[];
  /** How many tables, views, buckets and functions were tried in full, and how many were not. */
  proven: number;
  notProven: number;
}
