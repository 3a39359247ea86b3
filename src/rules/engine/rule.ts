import type { Severity } from '../../shared/finding.ts';
import type { FileCheck } from './check.ts';
import type { Fix } from './fix/fix.ts';
import type { LiveCheck } from './live/check.ts';

/**
 * Where a rule applies: `static` to the files, `rehearsal` while they run on a shadow database, `live` to a database,
 * by its catalog or by acting as a user.
 */
export type FoundBy = 'static' | 'rehearsal' | 'live';

/** The text of a rule's page in `docs/rules/`. The tests run the examples of rules that check files. */
export interface RuleDoc {
  /** Why it matters: what happens if it is not fixed. */
  why: string;
  /** SQL in which the rule finds something; absent if a file alone cannot show it. */
  bad?: string;
  /** The same SQL, corrected. */
  good?: string;
}

/** One rule. Everything about it is in its file in src/rules/. */
export interface Rule {
  /** The name of its file, without `.ts`. */
  name: string;
  severity: Severity;
  /** When the severity differs, for its page: `a warning where …`. */
  unless?: string;
  found: readonly FoundBy[];
  /**
   * Its errors keep files from running. They are told first: much of what is found after them follows from them. `all` is
   * told before the others, since one of them explains most of what else is wrong with a kit.
   */
  stops?: true | 'all';
  /** What it means, as one sentence without its period. */
  means: string;
  doc: RuleDoc;
  /** The check of the files. */
  check?: FileCheck;
  /** The check of a database's catalog. */
  live?: LiveCheck;
  /** What `--fix` does about it; absent if it needs a manual fix. */
  fix?: Fix;
}
