import { gitVersion } from '../../kit/git.ts';
import { parseKitSource } from '../../kit/source.ts';
import { targetOf } from '../../targets/open.ts';
import type { CreateContext } from '../context.ts';
import type { Step } from '../step.ts';

/** What would stop the run later is found out now, when it costs nothing. */
export const preflightStep: Step<Pick<CreateContext, 'answers' | 'throwAway' | 'target' | 'environment' | 'git'>> = {
  id: 'preflight',
  title: 'Look before the first step',
  async run(context) {
    const { answers, throwAway, target, environment } = context;
    // Its start takes longest of all: it goes on beside the steps that come before the rehearsal.
    void throwAway().catch(() => undefined);
    context.git = answers.git || parseKitSource(answers.kit).kind !== 'builtin' ? gitVersion({ environment }) : undefined;
    // Awaited before anything is put in place; asked beside the steps until then.
    context.git?.catch(() => undefined);
    // A server that cannot be reached, or lacks what Supabase has, is told before anything is fetched.
    const { local, provisioned } = targetOf(answers.target);
    if (!local && !provisioned) await target();
    return undefined;
  },
};
