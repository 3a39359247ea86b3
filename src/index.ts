/**
 * The public API: everything that the commands can do, as functions. Nothing here prints, asks or exits.
 */
export type { Answers, Secrets, SupabaseAnswers } from './create/answers.ts';
export { createMuse, resumeMuse, type RunOptions } from './create/create.ts';
export { type Examination } from './create/examine.ts';
export { fixMuse, type FixOptions, type MuseMending } from './create/muse/fix.ts';
export { migrateMuse } from './create/muse/migrate.ts';
export { newInMuse } from './create/muse/new.ts';
export { type Muse, openMuse } from './create/muse/open.ts';
export { rehearseMuse } from './create/muse/rehearse.ts';
export { type EnvironmentStatus, museStatus } from './create/muse/status.ts';
export { type Plan, planMuse } from './create/plan.ts';
export type { CreateReport } from './create/report.ts';
export { MuseError, type MuseErrorFields } from './error.ts';
export type { Finding, Severity } from './finding.ts';
export type { MuseFile } from './muse-file.ts';
export { type Rule, type RuleName, rules } from './rules.ts';
