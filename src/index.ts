/**
 * The public API: everything that the commands can do, as functions. Nothing here prints, asks or exits.
 */
export type { Answers, Secrets, SupabaseAnswers } from './create/answers.ts';
export { createMuse, resumeMuse, type RunOptions } from './create/create.ts';
export { type Examination } from './muse/examine.ts';
export { fixMuse, type FixOptions, type MuseMending } from './muse/fix.ts';
export { migrateMuse } from './muse/migrate.ts';
export { newInMuse } from './muse/new.ts';
export type { Muse, MuseFile } from './shared/muse-file.ts';
export { openMuse } from './muse/open.ts';
export { rehearseMuse } from './muse/rehearse.ts';
export { type EnvironmentStatus, museStatus } from './muse/status.ts';
export { type Plan, planMuse } from './create/dry-run.ts';
export type { CreateReport } from './create/create-report.ts';
export { MuseError, type MuseErrorFields } from './shared/error.ts';
export type { Finding, Severity } from './shared/finding.ts';
export { type Rule, type RuleName, rules } from './rules/registry.ts';
