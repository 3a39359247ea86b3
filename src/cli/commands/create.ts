import { resolve } from 'node:path';
import type { Answers, Secrets } from '../../create/answers.ts';
import { MuseError } from '../../shared/error.ts';
import { targetOf } from '../../targets/open.ts';
import type { TargetKind } from '../../targets/kinds.ts';
import type { GivenAnswers } from '../complete.ts';
import { createFlags } from '../flags.ts';
import { flagText, flagTexts, isSet, type ParsedArguments, parseArguments } from '../parse.ts';
import { type CommandContext, type CommandResult, runCommand, withoutSnippets } from '../run.ts';
import { finishReport } from '../report.ts';
import { runOptions } from '../run-options.ts';
import { supabaseAnswers } from '../supabase-answers.ts';

/**
 * `create-muse` but for its help: reads flags, asks what is missing, runs the pipeline, prints what came of it.
 * @param argv without `node` and the script
 * @returns the exit code
 */
export function createCommand(argv: string[]): Promise<number> {
  return runCommand('create-muse', argv, () => parseArguments(argv, createFlags, 'create-muse'), run);
}

async function run(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  const { given, secrets } = readGiven(parsed, context);
  const options = runOptions(context);
  if (isSet(parsed, 'resume')) {
    const { resumeMuse } = await import('../../create/create.ts');
    const changes = { supabase: given.supabase, ...(given.databaseCa === undefined ? {} : { databaseCa: given.databaseCa }) };
    return finishReport(await resumeMuse(given.directory ?? resolve(context.directory, given.name ?? '.'), secrets, options, changes), context);
  }
  const { completeAnswers } = await import('../complete.ts');
  const answers = await completeAnswers(given, secrets, context, isSet(parsed, 'dry-run'));
  if (isSet(parsed, 'dry-run')) {
    const { planMuse } = await import('../../create/plan.ts');
    const { formatPlan } = await import('../plan.ts');
    const plan = await planMuse(answers, options);
    return { json: { dryRun: true, ...plan, ...(plan.findings === undefined ? {} : { findings: withoutSnippets(plan.findings) }) }, text: formatPlan(plan, context.output) };
  }
  if (targetOf(answers.target).needsUrl && secrets.databaseUrl === undefined) {
    throw new MuseError({
      code: 'bad-call',
      message: `The target is ${answers.target}, and its URL is missing.`,
      suggestion: 'Set DATABASE_URL=postgresql://user:password@host:5432/database, or give --database-url.',
    });
  }
  const { createMuse } = await import('../../create/create.ts');
  return finishReport(await createMuse(answers, secrets, options), context);
}

/** What was typed, as answers; what was not typed is not there. */
function readGiven(parsed: ParsedArguments, context: CommandContext): { given: GivenAnswers; secrets: Secrets } {
  const { positionals } = parsed;
  if (positionals.length > 1) {
    throw new MuseError({
      code: 'bad-name',
      message: `create-muse takes one name, but got ${positionals.length}: ${positionals.join(', ')}.`,
      suggestion: `Write create-muse ${positionals.join('-')} if that is the name.`,
    });
  }
  const text = (name: string): string | undefined => flagText(parsed, name);
  const texts = (name: string): string[] | undefined => flagTexts(parsed, name);
  const path = (value: string | undefined): string | undefined => (value === undefined ? undefined : resolve(context.directory, value));
  const given: GivenAnswers = {
    name: positionals[0],
    directory: path(text('dir')),
    kit: text('kit'),
    ref: text('ref'),
    core: texts('core'),
    extensions: texts('extensions'),
    kitExtensions: text('kit-extensions') as Answers['kitExtensions'] | undefined,
    presets: texts('preset'),
    tables: texts('table'),
    spec: path(text('spec')),
    prefix: text('prefix'),
    tenancy: text('tenancy') as Answers['tenancy'],
    target: text('target') as TargetKind | undefined,
    supabaseBaseline: isSet(parsed, 'supabase-baseline'),
    databaseCa: path(text('db-ca')),
    fix: isSet(parsed, 'fix'),
    git: !isSet(parsed, 'no-git'),
    install: isSet(parsed, 'install'),
    supabase: supabaseAnswers(parsed),
  };
  const databaseUrl = text('database-url') ?? context.environment['DATABASE_URL'];
  return { given, secrets: { showPassword: !context.output.json, ...(databaseUrl === undefined ? {} : { databaseUrl }) } };
}
