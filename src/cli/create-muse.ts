import type { Answers, Secrets } from '../create/answers.ts';
import { type TargetKind, targetKinds } from '../targets/kinds.ts';
import { defaultTarget } from '../targets/target.ts';
import type { GivenAnswers } from '../create/defaults.ts';
import {
  type Flag,
  isAmong,
  longestTimeout,
  outputFlags,
  resumeFlag,
  statementTimeoutFlag,
  supabaseFlags,
} from './flags.ts';
import type { ParsedArguments } from './parse.ts';
import type { CommandContext, CommandResult } from './run.ts';

const about = 'Create a product from a SaaS kit, with a migrated and verified database.';
const usage = [
  'create-muse [name] [flags]',
  'create-muse realtymuse --preset realty --yes',
  'create-muse . --yes',
  'create-muse help',
  'create-muse version',
  'create-muse completion bash|zsh|fish',
];

/** The flags of `create-muse`. */
export const createFlags: readonly Flag[] = [
  {
    name: 'kit',
    type: 'string',
    value: '<source>',
    about: 'builtin (default), a git URL, owner/repo or a local path; #ref pins it',
    group: 'Kit',
  },
  { name: 'ref', type: 'string', value: '<ref>', about: 'branch, tag or commit of the kit', group: 'Kit' },
  {
    name: 'core',
    type: 'string',
    value: '<folder>',
    multiple: true,
    about: "folder of the kit's core migrations, for an unknown layout; repeatable",
    group: 'Kit',
  },
  {
    name: 'extensions',
    type: 'string',
    value: '<folder>',
    multiple: true,
    about: "folder of the kit's extension migrations, likewise",
    group: 'Kit',
  },
  {
    name: 'kit-extensions',
    type: 'string',
    value: '<keep|archive>',
    choices: ['keep', 'archive'],
    about: "the kit's own extension migrations: archive (default) or keep",
    group: 'Kit',
  },
  {
    name: 'without',
    type: 'string',
    value: '<module>',
    multiple: true,
    about: 'leave a module of the built-in kit out: social; repeatable',
    group: 'Kit',
  },
  { name: 'fix', type: 'boolean', about: "fix the kit's errors in the clone, without widening access", group: 'Kit' },
  {
    name: 'allow-widening',
    type: 'boolean',
    about: 'with --fix: also make the repairs that widen access',
    group: 'Kit',
  },
  {
    name: 'dir',
    type: 'string',
    value: '<path>',
    about: 'where to create it (default: ./<name>); a lone dot as the name is this directory',
    group: 'Product',
  },
  {
    name: 'preset',
    type: 'string',
    value: '<id>',
    multiple: true,
    about: 'blank, realty, social, deliverables or crm; repeatable',
    group: 'Product',
  },
  {
    name: 'table',
    type: 'string',
    value: '<spec>',
    multiple: true,
    about: 'a table to create: "name: column type!, …"; repeatable',
    group: 'Product',
  },
  { name: 'spec', type: 'string', value: '<file>', about: 'tables as YAML or JSON', group: 'Product' },
  { name: 'prefix', type: 'string', value: '<p>', about: 'table prefix, e.g. kv_', group: 'Product' },
  {
    name: 'tenancy',
    type: 'string',
    value: '<t>',
    choices: ['auth-uid', 'session'],
    about:
      "how tenants are isolated: by Supabase's auth.uid(), or by session variables that the app sets (default: as the kit does)",
    group: 'Product',
  },
  {
    name: 'target',
    type: 'string',
    value: '<t>',
    choices: targetKinds,
    about: `where the database is: ${targetKinds.map((kind) => (kind === defaultTarget ? `${kind} (default)` : kind)).join(', ')}`,
    group: 'Database',
  },
  {
    name: 'database-url',
    type: 'string',
    value: '<url>',
    about: 'URL of the PostgreSQL server (default: DATABASE_URL)',
    group: 'Database',
  },
  {
    name: 'supabase-baseline',
    type: 'boolean',
    about: "add Supabase's schemas and roles to a plain PostgreSQL server first",
    group: 'Database',
  },
  ...supabaseFlags,
  { name: 'yes', type: 'boolean', short: 'y', about: 'use the defaults, never ask', group: 'Run' },
  { name: 'dry-run', type: 'boolean', about: 'show the plan, change nothing', group: 'Run' },
  resumeFlag,
  { name: 'no-verify', type: 'boolean', about: 'skip the proof that tenants are isolated', group: 'Run' },
  { name: 'git', type: 'boolean', about: 'create a git repository also inside another one', group: 'Run' },
  { ...statementTimeoutFlag, about: 'longest run of a statement (default: 30 in the rehearsal)', group: 'Run' },
  { name: 'no-git', type: 'boolean', about: 'create no git repository', group: 'Run' },
  {
    name: 'install',
    type: 'boolean',
    about: 'install the packages of the product and its app at the end',
    group: 'Run',
  },
  {
    name: 'start',
    type: 'boolean',
    about: 'then start the database and the app, until Ctrl-C; implies --install',
    group: 'Run',
  },
  ...outputFlags,
];

/**
 * `create-muse`: the whole program, from argv to the exit code.
 * @param argv without `node` and the script
 */
export async function main(argv: string[]): Promise<number> {
  // Help and version come before everything else that costs start-up time.
  if (isAmong(argv, 'help', 'h')) return print((await helpResult()).text);
  if (isAmong(argv, 'version', 'v')) return print((await versionResult()).text);
  const [{ setFlagsFromString }, { runCommand }] = await Promise.all([import('node:v8'), import('./run.ts')]);
  // A run of seconds ends before V8's optimizing compiler has earned what it costs: an eighth of the processor time. A kit
  // of the size of the real MuseKit takes the same with it and without.
  setFlagsFromString('--no-opt');
  return runCommand('create-muse', argv, async () => ({
    title: 'create-muse',
    argv,
    flags: createFlags,
    work: create,
  }));
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

async function helpResult(): Promise<CommandResult & { text: string }> {
  const [{ formatHelp }, { columnsOf }] = await Promise.all([import('./help.ts'), import('./text.ts')]);
  const help = formatHelp({ about, usage, flags: createFlags, width: columnsOf(process.stdout) }).trimEnd();
  return { json: { help }, text: help, verbatim: true };
}

async function versionResult(): Promise<CommandResult & { text: string }> {
  const { packageVersion } = await import('../shared/version.ts');
  const version = packageVersion();
  return { json: { version }, text: version, verbatim: true };
}

async function completionResult(shell: string | undefined): Promise<CommandResult> {
  const { completionScript, shells } = await import('./completion.ts');
  const script = completionScript(shell, {
    name: 'create-muse',
    flags: createFlags,
    commands: [
      { name: 'help', about: 'show the help', flags: [] },
      { name: 'version', about: 'show the version', flags: [] },
      { name: 'completion', about: 'print the completion script for a shell', flags: [], completes: shells },
    ],
  });
  return { json: { script }, text: script, verbatim: true };
}

/** Reads flags, asks for what is missing, runs the pipeline, and reports. */
async function create(typed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  // Words that are commands, not names of products.
  if (typed.positionals[0] === 'help') return helpResult();
  if (typed.positionals[0] === 'version') return versionResult();
  if (typed.positionals[0] === 'completion' && typed.positionals.length === 2)
    return completionResult(typed.positionals[1]);
  const [{ finishReport, runOptions }, { resolve }] = await Promise.all([
    import('./pipeline-run.ts'),
    import('node:path'),
  ]);
  const { given, secrets } = await readGiven(typed, context);
  const options = runOptions(context);
  if (typed.has('resume')) {
    const { hasRun, resumeMuse, startsAnew } = await import('../create/create.ts');
    const place = given.directory ?? resolve(context.directory, given.name ?? '.');
    const isNamed = (given.directory ?? given.name) !== undefined;
    if (!isNamed || (await hasRun(place))) {
      const changes = {
        supabase: given.supabase,
        ...(given.databaseCa === undefined ? {} : { databaseCa: given.databaseCa }),
      };
      return finishReport(await resumeMuse(place, secrets, options, changes), context);
    }
    context.output.progress(startsAnew(place));
  }
  const { completeAnswers } = await import('./complete.ts');
  const answers = await completeAnswers(given, secrets, context, typed.has('dry-run'));
  if (typed.has('dry-run')) {
    const [{ planMuse }, { formatPlan }] = await Promise.all([
      import('../create/dry-run.ts'),
      import('./format-plan.ts'),
    ]);
    const { error, ...plan } = await planMuse(answers, secrets, options);
    const result = { json: { dryRun: true, ...plan }, text: formatPlan(plan, context.output) };
    if (error === undefined) return result;
    // What would be made, and what would be fixed, is shown even where it would not be enough.
    if (!context.output.json) context.output.progress(result.text);
    return { ...result, error };
  }
  const { createMuse } = await import('../create/create.ts');
  const report = await createMuse(answers, secrets, options);
  const { finishAndStart } = await import('./start-app.ts');
  return finishAndStart(report, { starts: typed.has('start'), isInstalled: answers.install }, context);
}

/** What was typed, as answers; what was not typed is not there. */
async function readGiven(
  typed: ParsedArguments,
  { directory, environment, output }: CommandContext,
): Promise<{ given: GivenAnswers; secrets: Secrets }> {
  const [{ MuseError }, { supabaseAnswers }, { resolve }] = await Promise.all([
    import('../shared/error.ts'),
    import('./supabase-answers.ts'),
    import('node:path'),
  ]);
  const { positionals } = typed;
  if (positionals.length > 1) {
    throw new MuseError({
      code: 'bad-name',
      message: `create-muse takes one name, but got ${positionals.length}: ${positionals.join(', ')}.`,
      suggestion: `To use all of it as the name: create-muse ${positionals.join('-')}`,
    });
  }
  const here = positionals[0] === '.' || positionals[0] === './';
  if (here && typed.text('dir') !== undefined) {
    throw new MuseError({
      code: 'bad-call',
      message: `"${positionals[0]}" is this directory, and --dir names another one.`,
      suggestion: 'Give a name instead: create-muse <name> --dir <path>',
    });
  }
  for (const [one, other] of [
    ['git', 'no-git'],
    ['resume', 'dry-run'],
    ['start', 'dry-run'],
    ['start', 'json'],
  ] as const) {
    if (!typed.has(one) || !typed.has(other)) continue;
    throw new MuseError({
      code: 'bad-flag',
      message: `--${one} and --${other} cannot be combined.`,
      suggestion: 'Use one of them.',
    });
  }
  const path = (flag: string): string | undefined => {
    const value = typed.text(flag);
    return value === undefined ? undefined : resolve(directory, value);
  };
  const timeout = typed.seconds('statement-timeout', longestTimeout);
  const given: GivenAnswers = {
    name: here ? (await import('../create/defaults.ts')).nameOfDirectory(directory) : positionals[0],
    directory: here ? directory : path('dir'),
    kit: typed.text('kit'),
    ref: typed.text('ref'),
    core: typed.texts('core'),
    extensions: typed.texts('extensions'),
    kitExtensions: typed.text('kit-extensions') as Answers['kitExtensions'] | undefined,
    without: typed.texts('without'),
    presets: typed.texts('preset'),
    tables: typed.texts('table'),
    spec: path('spec'),
    prefix: typed.text('prefix'),
    tenancy: typed.text('tenancy') as Answers['tenancy'],
    target: typed.text('target') as TargetKind | undefined,
    supabaseBaseline: typed.has('supabase-baseline'),
    databaseCa: path('db-ca'),
    fix: typed.has('fix'),
    verify: !typed.has('no-verify'),
    ...(timeout === undefined ? {} : { statementTimeoutMs: 1000 * timeout }),
    ...(typed.has('allow-widening') ? { allowWidening: true } : {}),
    git: typed.has('no-git') ? false : typed.has('git') ? true : undefined,
    install: typed.has('install') || typed.has('start'),
    supabase: supabaseAnswers(typed),
  };
  const databaseUrl = typed.text('database-url') ?? environment['DATABASE_URL'];
  return {
    given,
    secrets: { showPassword: !output.json && !output.quiet, ...(databaseUrl === undefined ? {} : { databaseUrl }) },
  };
}
