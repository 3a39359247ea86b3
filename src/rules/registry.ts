/**
 * rules/: every rule of lint, rehearsal and verification, one file each: what it means, how it is found, what fixes it.
 * May touch: nothing. Files and catalogs in, findings and edits out.
 *
 * This file: what the rest of the program uses of them. It loads every rule, so that commands which may not need any import
 * it where they do; `names.ts` has the names alone.
 */
import { repairWith } from './engine/fix/repair.ts';
import type { Repair, RepairInput } from './engine/fix/repair.ts';
import { lintWith } from './engine/lint.ts';
import type { LintInput, LintResult } from './engine/lint.ts';
import { liveFindings } from './engine/live/run.ts';
import type { LiveRun } from './engine/live/check.ts';
import type { Finding } from '../shared/finding.ts';
import type { Rule } from './engine/rule.ts';
import { rules } from './list.ts';

export type { Repair, RepairInput } from './engine/fix/repair.ts';
export type { Rule } from './engine/rule.ts';
export type { RuleName } from './names.ts';
export { rules };

/** Every rule, by name in the alphabet. */
export const allRules: readonly Rule[] = Object.values(rules);

/**
 * The rule of a finding.
 * @throws Error for a name that is not a rule's: a mistake in the check that made the finding
 */
export function ruleNamed(name: string): Rule {
  if (!Object.hasOwn(rules, name)) throw new Error(`There is no rule "${name}".`);
  return (rules as Readonly<Record<string, Rule>>)[name]!;
}

/** Runs every static check over migrations, in the order of a run. Never throws for what a file holds, whatever it is. */
export function lint(input: LintInput): Promise<LintResult> {
  return lintWith(allRules, input);
}

/** Fixes what can be fixed, rule by rule, until nothing changes. The new texts come back; nothing is written. */
export function repair(input: RepairInput): Promise<Repair> {
  return repairWith(allRules, input);
}

/** Runs every check of a database's catalog. */
export function checkLive(live: LiveRun): Finding[] {
  return liveFindings(allRules, live);
}
