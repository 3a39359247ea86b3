import type { CreateContext } from './context.ts';
import type { Step } from './step.ts';
import { archiveStep } from './steps/archive.ts';
import { checkStep } from './steps/check.ts';
import { cloudPreflightStep } from './steps/cloud-preflight.ts';
import { configureStep } from './steps/configure.ts';
import { fetchStep } from './steps/fetch.ts';
import { finishStep } from './steps/finish.ts';
import { fixStep } from './steps/fix.ts';
import { migrateStep, openStep, readStep } from './steps/migrate.ts';
import { ownStep } from './steps/kit.ts';
import { placeStep } from './steps/place.ts';
import { preflightStep } from './steps/preflight.ts';
import { projectStep, waitStep } from './steps/project.ts';
import { proveStep } from './steps/prove.ts';
import { rehearseStep } from './steps/rehearse.ts';
import { scaffoldStep } from './steps/scaffold.ts';

/** What a new project goes through once the muse is in place. */
const projectSteps: readonly Step<CreateContext>[] = [projectStep, waitStep, readStep, migrateStep, checkStep, configureStep, proveStep, finishStep];

/**
 * From a name to a muse; and from a muse to its Supabase project. Up to `place`, nothing but `.muse` in the directory is
 * touched.
 */
export const pipelines: Readonly<Record<'create' | 'provision', readonly Step<CreateContext>[]>> = {
  create: [preflightStep, cloudPreflightStep, fetchStep, ownStep, fixStep, archiveStep, scaffoldStep, rehearseStep, placeStep, ...projectSteps],
  provision: [preflightStep, cloudPreflightStep, openStep, rehearseStep, ...projectSteps],
};
