import type { Severity } from '../../shared/finding.ts';
import type { FileCheck } from './check.ts';
import type { Fix } from './fix/fix.ts';
import type { LiveCheck } from './live/check.ts';

/**
 * Where a rule looks: `static` in the files, `rehearsal` while they run on a shadow database, `live` in a database, by its
 * catalog or by acting as a user.
 */
export type FoundBy = 'static' | 'rehearsal' | 'live';

/** What `docs/rules/` says of a rule. The tests run the examples of rules that check files, so that they stay true. */
export interface RuleDoc {
  /** Why it matters: what happens where it is left. */
  why: string;
  /** SQL in which the rule finds something; absent where no file alone can show it. */
  bad?: string;
  /** The same, right. */
  good?: string;
}

/** One rule, whole: its file in src/rules/ is the only place that knows it. */
export interface Rule {
  /** The name of its file, without `.ts`. */
  name: string;
  severity: Severity;
  /** When it is of the other severity, for its page: `a warning where …`. */
  unless?: string;
  found: readonly FoundBy[];
  /** What it means, one sentence without its period. */
  means: string;
  doc: RuleDoc;
  /** How files show it. */
  check?: FileCheck;
  /** How the catalog of a database shows it. */
  live?: LiveCheck;
  /** What `--fix` does about it; absent where only a person can. */
  fix?: Fix;
}
