/**
 * The pipelines: every step in order. Each sequence starts from the {@link Run} alone, so nothing that a step keeps in
 * memory crosses from one sequence to the next: what does is in the directory or in the journal.
 */
import type { Journal } from './journal.ts';
import { ResumableSequence, type Sequence, WholeSequence } from './sequence.ts';
import { archiveStep, fetchStep, renameStep } from './steps/kit.ts';
import { cloudPreflightStep, preflightStep } from './steps/preflight.ts';
import { configureStep } from './steps/configure.ts';
import { finishStep, placeStep } from './steps/finish.ts';
import { fixStep } from './steps/fix.ts';
import { checkStep, migrateStep, openStep, readStep } from './steps/migrate.ts';
import { projectStep, waitStep } from './steps/project.ts';
import { proveStep } from './steps/prove.ts';
import { rehearseStep } from './steps/rehearse.ts';
import { scaffoldStep } from './steps/scaffold.ts';
import { takeStep } from './steps/take.ts';

/** What would stop the run later is found here, before anything is made. */
export const preflight = new ResumableSequence().step(preflightStep).step(cloudPreflightStep);

/** The muse as files in the stage. */
export const draft = new WholeSequence()
  .step(fetchStep) // adds kit
  .step(renameStep) // adds museFile, kitFiles
  .step(fixStep) // may add repairs
  .step(archiveStep)
  .step(takeStep) // the first commits
  .step(scaffoldStep);

/** The muse as files, and the proof that they run. Nothing but `.muse` in the directory is touched. */
const stage = draft.step(rehearseStep);

/** Moves the stage to where the muse lives: from here on nothing is removed again. */
const place = new ResumableSequence().step(placeStep);

/** A muse that already exists, and the proof that its files run. */
const existing = new ResumableSequence().always(openStep).step(rehearseStep);

/**
 * From files to a database that is migrated and checked. A project that Supabase cannot start is made again from here.
 */
export const live = new ResumableSequence()
  .step(projectStep)
  .step(waitStep)
  .always(readStep) // adds museFile, files
  .step(migrateStep)
  .step(checkStep)
  .step(configureStep) // may add adminPassword
  .step(proveStep)
  .step(finishStep);

/** `create`: from a name to a muse. `provision`: from a muse to its Supabase project. */
export const pipelines: Readonly<Record<Journal['pipeline'], readonly Sequence[]>> = {
  create: [preflight, stage, place, live],
  provision: [preflight, existing, live],
};
