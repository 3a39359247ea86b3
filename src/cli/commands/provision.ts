import { resolve } from 'node:path';
import { resumeFlag, supabaseFlags } from '../flags.ts';
import type { MuseCommand } from '../muse-command.ts';

/** `muse provision`: a Supabase project for a muse that exists. */
export const command: MuseCommand = {
  section: 'Supabase',
  about: 'create a Supabase project for this muse',
  usage: ['--org <slug> [--env <name>] [flags]', '--project-ref <ref> [--env <name>] [flags]', '--resume'],
  flags: [...supabaseFlags, resumeFlag],
  async run(context) {
    const [
      { provisionAnswers },
      { hasRun, provisionMuse, resumeMuse, startsAnew },
      { askSupabase, supabaseAnswers },
      { finishReport, runOptions },
      { targetOf },
    ] = await Promise.all([
      import('../../create/defaults.ts'),
      import('../../create/create.ts'),
      import('../supabase-answers.ts'),
      import('../pipeline-run.ts'),
      import('../../targets/open.ts'),
    ]);
    const { typed, output, environmentName: name } = context;
    const muse = await context.openMuse();
    const options = runOptions(context);
    const secrets = { showPassword: !output.json && !output.quiet };
    const certificate = typed.text('db-ca');
    const given = {
      supabase: supabaseAnswers(typed),
      ...(certificate === undefined ? {} : { databaseCa: resolve(context.directory, certificate) }),
    };
    if (typed.has('resume')) {
      // A project that muse.json names already is never made a second time.
      const isMade = muse.museFile.environments[name]?.ref !== undefined;
      if (isMade || (await hasRun(muse.directory, name)))
        return finishReport(await resumeMuse(muse.directory, secrets, options, given), context);
      output.progress(startsAnew(muse.directory));
    }
    const ask = given.supabase.organization === undefined ? await context.ask?.() : undefined;
    const answers = provisionAnswers(muse, {
      environment: name,
      ...given,
      ...(ask === undefined ? {} : { supabase: await askSupabase(given.supabase, ask, context) }),
    });
    const before = muse.museFile.environments[name];
    if (before !== undefined && !targetOf(before.target).provisioned) {
      output.progress(`The ${targetOf(before.target).title} database stays as it is; its data is not copied.`);
    }
    return finishReport(await provisionMuse(muse, answers, secrets, options), context);
  },
};
