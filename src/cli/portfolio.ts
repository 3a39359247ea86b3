/** What the commands of `muse portfolio` share: the registry, the flags of a run, and how its result is told. */
import type { Rollout, RolloutOptions } from '../portfolio/api-types.ts';
import type { OwnPortfolio } from '../portfolio/portfolio.ts';
import type { ItemEvent } from '../portfolio/worker/work.ts';
import { MuseError } from '../shared/error.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import { counted, printableLine } from '../shared/printable.ts';
import type { Flag } from './flags.ts';
import type { Subcommand } from './muse-command.ts';
import type { MuseContext } from './muse-context.ts';
import type { Output } from './output.ts';
import type { CommandResult } from './run.ts';

const group = 'Portfolio';

/** The flag of all commands of `muse portfolio`. */
export const registryFlag: Flag = {
  name: 'registry',
  type: 'string',
  value: '<url>',
  about: 'PostgreSQL database of the registry (default: MUSE_REGISTRY, else one of this user)',
  group,
};

/** Limits a command to some muses. */
export const onlyFlag: Flag = {
  name: 'only',
  type: 'string',
  value: '<name|tag>',
  about: 'only muses of this name, in which * stands for any text, or with this tag',
  group,
};

/** Where the secrets of the muses come from. */
export const secretsFlag: Flag = {
  name: 'secrets-from',
  type: 'string',
  value: '<command>',
  about: 'command that prints the variables of an environment; gets the muse and the environment as arguments',
  group,
};

/** How many items at a time. */
export const concurrencyFlag: Flag = {
  name: 'concurrency',
  type: 'string',
  value: '<n>',
  about: 'how many muses at a time (default: up to 8)',
  group,
};

/** How a run goes through the muses. */
export const runFlags: readonly Flag[] = [
  {
    name: 'canary',
    type: 'string',
    value: '<name>',
    multiple: true,
    about: 'muses of the first wave; repeatable',
    group,
  },
  {
    name: 'waves',
    type: 'string',
    value: '<list>',
    about: 'how far each wave goes, e.g. 1,10%,100% (muses of earlier waves included)',
    group,
  },
  concurrencyFlag,
  {
    name: 'on-error',
    type: 'string',
    value: '<what>',
    choices: ['stop', 'continue'],
    about: 'stop (default): nothing new begins after a failure',
    group,
  },
  { name: 'max-failures', type: 'string', value: '<n>', about: 'stop after so many failures', group },
  { name: 'pause-between', type: 'string', value: '<seconds>', about: 'wait before each next wave', group },
  { name: 'dry-run', type: 'boolean', about: 'show the waves, change nothing', group },
  { name: 'resume', type: 'string', value: '<run>', about: 'continue a run: what failed or was not begun', group },
  { name: 'detach', type: 'boolean', about: 'leave the work to workers (muse portfolio work)', group },
  secretsFlag,
];

/** Opens the portfolio for a command, and closes it afterwards. */
export async function withPortfolio<T>(
  { typed, environment, signal, output }: MuseContext,
  use: (portfolio: OwnPortfolio) => Promise<T>,
): Promise<T> {
  const [{ openOwnPortfolio }, { checkProduct, createProduct }] = await Promise.all([
    import('../portfolio/portfolio.ts'),
    import('../create/create-product.ts'),
  ]);
  const portfolio = await openOwnPortfolio({
    url: typed.text('registry'),
    environment,
    signal,
    creator: { check: checkProduct, create: createProduct },
    onNote: output.note,
  });
  try {
    return await use(portfolio);
  } finally {
    await portfolio.close();
  }
}

/**
 * The command that archives muses, or ends that.
 * @param done what is said before the names of those that were not so before
 */
export function archiving(archived: boolean, about: string, done: string): Subcommand {
  return {
    about,
    usage: ['<name>…'],
    takesWords: true,
    flags: [],
    run: (context) =>
      withPortfolio(context, async (portfolio) => {
        const names = context.typed.positionals;
        if (names.length === 0) {
          throw new MuseError({
            code: 'bad-call',
            message: 'The name of a muse is missing.',
            suggestion: 'List all muses: muse portfolio list --archived',
          });
        }
        const changed = await portfolio.archive(names, archived);
        return {
          json: { muses: changed.map((name) => ({ name, archived })) },
          text: changed.length === 0 ? 'Nothing to do.' : `${done}: ${changed.map(printableLine).join(', ')}.`,
        };
      }),
  };
}

/**
 * A flag that takes a whole number from 1.
 * @throws MuseError `bad-flag`
 */
export function wholeNumber({ typed }: MuseContext, name: string): number | undefined {
  const text = typed.text(name);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new MuseError({
    code: 'bad-flag',
    message: `--${name} takes a whole number from 1, not "${text}".`,
    suggestion: `For example: --${name} 4`,
  });
}

/** The options of a run, as typed. */
export function rolloutOptions(context: MuseContext): RolloutOptions {
  const { typed } = context;
  const onError = typed.text('on-error') as RolloutOptions['onError'];
  const env = typed.text('env') as EnvironmentName | undefined;
  return {
    ...(env === undefined ? {} : { env }),
    confirm: typed.text('confirm'),
    only: typed.text('only'),
    canary: typed.texts('canary')?.flatMap((names) => names.split(',')),
    waves: typed.text('waves'),
    concurrency: wholeNumber(context, 'concurrency'),
    onError,
    maxFailures: wholeNumber(context, 'max-failures'),
    pauseBetween: typed.seconds('pause-between', 24 * 60 * 60),
    resume: typed.text('resume'),
    detach: typed.has('detach'),
    dryRun: typed.has('dry-run'),
    secretsFrom: typed.text('secrets-from'),
    onItem: itemLines(context),
    onNote: context.working,
    onWait: context.output.note,
  };
}

/** Asks once for production's name where there is someone to ask, and nothing confirmed it yet. */
export async function confirmedRollout(context: MuseContext, options: RolloutOptions): Promise<RolloutOptions> {
  if (options.env !== 'production' || options.confirm !== undefined || options.dryRun === true) return options;
  const ask = await context.ask?.();
  if (ask === undefined) return options;
  context.output.progress('This changes production of every muse in the run. See first what it would do: --dry-run');
  return { ...options, confirm: (await ask.text('Type production to continue:')).trim() };
}

/** Shows each item when it is done. */
export function itemLines({ output, working }: MuseContext): (event: ItemEvent) => void {
  return ({ muse, state, ms = 0, error }) => {
    const name = printableLine(muse);
    if (state === 'started') working(name);
    else if (state === 'returned') output.progress(`${output.paint('gray', '·')} ${name} given back`);
    else if (state === 'done')
      output.progress(`${output.paint('green', '✓')} ${name} ${output.paint('gray', `${(ms / 1000).toFixed(1)} s`)}`);
    else output.progress(`${signOf(state, output)} ${name}: ${printableLine(error?.message ?? '')}`);
  };
}

function signOf(state: string, { paint }: Output): string {
  if (state === 'done') return paint('green', '✓');
  if (state === 'failed') return paint('red', '✗');
  return state === 'unknown' ? paint('yellow', '?') : paint('gray', '·');
}

/**
 * What a run came to, as a command's result.
 * @param confirms whether the command that resumes it has to be confirmed for production
 */
export async function rolloutResult(rollout: Rollout, context: MuseContext, confirms = false): Promise<CommandResult> {
  const { rolloutError } = await import('../portfolio/rollout.ts');
  const { run, muses, attached, skipped, added } = rollout;
  const json = { run, muses, attached, skipped, added };
  const confirmation = confirms && run.environment === 'production' ? ' --confirm production' : '';
  const again = `muse portfolio ${run.kind} --resume ${run.name}${confirmation}`;
  const error = rolloutError(rollout, again);
  const notes = [
    ...(attached ? [`${run.name} had been started before, so this continued it.`] : []),
    ...(skipped.length === 0
      ? []
      : [`Without ${run.environment}, so not in the run: ${skipped.map(printableLine).join(', ')}.`]),
    ...(added.length === 0 ? [] : [`Added after the run began, so not in it: ${added.map(printableLine).join(', ')}.`]),
  ];
  if (error !== undefined) {
    for (const note of notes) context.output.note(note);
    return { json, error };
  }
  if (run.state === 'planned') return { json, text: [...planLines(rollout), ...notes].join('\n') };
  const head =
    run.state === 'running'
      ? `${run.name} is under way. Workers continue it: muse portfolio work. Show it: muse portfolio list --runs`
      : `${run.name}: ${counted(muses.length, 'muse')} done.`;
  // Where what was made is.
  const places = muses.flatMap(({ name, result }) =>
    typeof result?.['directory'] === 'string'
      ? [`  ${printableLine(name)}  ${printableLine(result['directory'])}`]
      : [],
  );
  return { json, text: [head, ...places, ...notes].join('\n') };
}

function planLines({ run, muses }: Rollout): string[] {
  const lines = [`${counted(muses.length, 'muse')} in ${counted(run.waves, 'wave')} on ${run.environment}:`];
  for (let wave = 1; wave <= run.waves; wave += 1) {
    const names = muses.filter((muse) => muse.wave === wave).map(({ name }) => printableLine(name));
    const shown = names.length > 8 ? [...names.slice(0, 8), `and ${names.length - 8} more`] : names;
    lines.push(`  ${String(wave).padStart(3)}  ${shown.join(', ')}`);
  }
  return [...lines, 'Nothing was changed.'];
}
