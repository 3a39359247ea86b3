import type { CreateContext } from '../context.ts';
import type { Step } from '../step.ts';
import { archiveStep } from './archive.ts';
import { checkStep } from './check.ts';
import { cloudPreflightStep } from './cloud-preflight.ts';
import { configureStep } from './configure.ts';
import { fetchStep } from './fetch.ts';
import { finishStep } from './finish.ts';
import { fixStep } from './fix.ts';
import { migrateStep, openStep, readStep } from './migrate.ts';
import { ownStep } from './own.ts';
import { placeStep } from './place.ts';
import { preflightStep } from './preflight.ts';
import { projectStep, waitStep } from './project.ts';
import { proveStep } from './prove.ts';
import { rehearseStep } from './rehearse.ts';
import { scaffoldStep } from './scaffold.ts';

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
