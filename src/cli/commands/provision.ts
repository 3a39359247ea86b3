import { resolve } from 'node:path';
import { museAnswers } from '../../create/answers.ts';
import { provisionMuse, resumeMuse } from '../../create/create.ts';
import { askCloud } from '../complete.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import { flagText, isSet, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';
import { targetOf } from '../../targets/open.ts';
import { runOptions } from '../run-options.ts';
import { supabaseAnswers } from '../supabase-answers.ts';
import { finishReport } from '../report.ts';

/** `muse provision`: a Supabase project for a muse that is there. */
export async function provisionCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'provision');
  const muse = await museOf(parsed, context);
  const options = runOptions(context);
  const secrets = { showPassword: !context.output.json };
  const name = environmentNameOf(parsed);
  const certificate = flagText(parsed, 'db-ca');
  const said = {
    supabase: supabaseAnswers(parsed),
    ...(certificate === undefined ? {} : { databaseCa: resolve(context.directory, certificate) }),
  };
  if (isSet(parsed, 'resume')) return finishReport(await resumeMuse(muse.directory, secrets, options, said), context);
  const ask = said.supabase.organization === undefined ? await context.ask?.() : undefined;
  const answers = {
    ...museAnswers(muse.museFile, muse.directory),
    target: 'supabase' as const,
    environment: name,
    ...said,
    ...(ask === undefined ? {} : { supabase: await askCloud(said.supabase, ask, context) }),
  };
  const before = muse.museFile.environments[name];
  if (before !== undefined && !targetOf(before.target).provisioned) {
    context.output.progress(`The ${targetOf(before.target).title} database stays as it is: its data is not copied.`);
  }
  return finishReport(await provisionMuse(muse, answers, secrets, options), context);
}
