import type { CreateContext } from '../context.ts';
import type { Step } from '../step.ts';
import { checkStep } from './check.ts';
import { cloudPreflightStep } from './cloud-preflight.ts';
import { configureStep } from './configure.ts';
import { fetchStep } from './fetch.ts';
import { finishStep } from './finish.ts';
import { migrateStep, readStep } from './migrate.ts';
import { ownStep } from './own.ts';
import { placeStep } from './place.ts';
import { preflightStep } from './preflight.ts';
import { projectStep, waitStep } from './project.ts';
import { proveStep } from './prove.ts';
import { rehearseStep } from './rehearse.ts';
import { scaffoldStep } from './scaffold.ts';

/** The pipeline: from a name to a muse. Up to `place`, nothing but `.muse` in the directory is touched. */
export const createSteps: readonly Step<CreateContext>[] = [
  preflightStep,
  cloudPreflightStep,
  fetchStep,
  ownStep,
  scaffoldStep,
  rehearseStep,
  placeStep,
  projectStep,
  waitStep,
  readStep,
  migrateStep,
  checkStep,
  configureStep,
  proveStep,
  finishStep,
];
