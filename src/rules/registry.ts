/**
 * rules/: every rule of lint, rehearsal and verification, one file each: what it means, how it is checked, how it is
 * fixed. May touch: nothing. Files and catalogs in, findings and edits out.
 *
 * This file: what the rest of the program uses. It loads every rule, so commands that may not need any import it
 * lazily; `names.ts` has only the names.
 */
import { repairWith } from './engine/fix/repair.ts';
import type { Repair } from './engine/fix/record.ts';
import type { RepairInput } from './engine/fix/run.ts';
import { lintWith } from './engine/lint.ts';
import type { LintInput, LintResult } from './engine/lint.ts';
import { isPlatformSchema } from './engine/live/catalog.ts';
import { liveFindings } from './engine/live/run.ts';
import type { LiveRun } from './engine/live/check.ts';
import type { Finding } from '../shared/finding.ts';
import type { Rule } from './engine/rule.ts';
import { rules } from './list.ts';

export type { Repair } from './engine/fix/record.ts';
export type { RepairInput } from './engine/fix/run.ts';
export type { Rule } from './engine/rule.ts';
export type { RuleName } from './names.ts';
export { rules };

/** Every rule, sorted by name. */
export const allRules: readonly Rule[] = Object.values(rules);

/**
 * The rule of a finding.
 * @throws Error for an unknown name: a mistake in the check that made the finding
 */
export function ruleNamed(name: string): Rule {
  if (!Object.hasOwn(rules, name)) throw new Error(`There is no rule "${name}".`);
  return (rules as Readonly<Record<string, Rule>>)[name]!;
}

/** Says whether errors of a rule keep files from running; a name that is no rule's keeps none. */
export function stopsFiles(name: string): boolean {
  return Object.hasOwn(rules, name) && ruleNamed(name).stops !== undefined;
}

/** Says whether an error of a rule explains most of what else is wrong. */
export function explainsMost(name: string): boolean {
  return Object.hasOwn(rules, name) && ruleNamed(name).stops === 'all';
}

/** Says whether some errors of a rule can be fixed; those of a name that is no rule's cannot. */
export function hasFix(name: string): boolean {
  return Object.hasOwn(rules, name) && ruleNamed(name).fix !== undefined;
}

/** Runs every static check over migrations, in the order of a run. Never throws because of a file's content. */
export function lint(input: LintInput): Promise<LintResult> {
  return lintWith(allRules, input);
}

/** The rules that are about a seed too: whether it can be read, and uses what is there. */
const forSeeds = ['foreign-dialect', 'psql-command', 'syntax-error', 'template-file', 'unknown-relation'] as const;

/**
 * Checks a kit's seeds, which run after all of its migrations.
 * @param seeds in the order in which they run
 * @returns warnings, as nothing is provisioned with a seed; what the migrations lack as well is left out, and so is what the Supabase
 *   CLI has, where it runs them
 */
export async function lintSeeds(
  migrations: LintInput['migrations'],
  seeds: LintInput['migrations'],
  severities: LintInput['severities'],
): Promise<Finding[]> {
  if (seeds.length === 0) return [];
  const { findings } = await lintWith(
    forSeeds.map((name) => rules[name]),
    {
      migrations: [...migrations, ...seeds],
      rollbacks: new Map(),
      ...(severities === undefined ? {} : { severities }),
    },
  );
  const own = new Set(seeds.map(({ file }) => file));
  const isOwn = ({ file = '' }: Finding): boolean => own.has(file);
  const known = new Set(findings.filter((each) => !isOwn(each)).flatMap(({ object }) => object ?? []));
  return findings
    .filter(
      (each) => isOwn(each) && !known.has(each.object ?? '') && !isPlatformSchema(each.object?.split('.')[0] ?? ''),
    )
    .map((each): Finding => ({ ...each, severity: 'warning' }));
}

/** Fixes what can be fixed, rule by rule, until nothing changes. Returns the new texts and writes nothing. */
export function repair(input: RepairInput): Promise<Repair> {
  return repairWith(allRules, input);
}

/** Runs every catalog check of a database. */
export function checkLive(live: LiveRun): Finding[] {
  return liveFindings(allRules, live);
}
