import { cancelled, MuseError } from '../../../shared/error.ts';
import type { Subcommand } from '../../muse-command.ts';
import { concurrencyFlag, itemLines, secretsFlag, wholeNumber, withPortfolio } from '../../portfolio.ts';

/** `muse portfolio work`: a worker, on this machine, until Ctrl-C. */
export const command: Subcommand = {
  about: 'work on the runs that others start, until Ctrl-C',
  usage: ['[--concurrency <n>] [--secrets-from <command>]'],
  flags: [concurrencyFlag, secretsFlag],
  run: (context) =>
    withPortfolio(context, async (portfolio) => {
      const { typed, output, working } = context;
      const concurrency = wholeNumber(context, 'concurrency');
      output.note(`Working on ${portfolio.registry.description}. Press Ctrl-C to stop.`);
      const report = await portfolio.work({
        concurrency,
        secretsFrom: typed.text('secrets-from'),
        onItem: itemLines(context),
        onNote: working,
      });
      const { done, failed, unknown, returned } = report;
      return {
        json: { work: report },
        error: new MuseError({
          code: cancelled(undefined).code,
          message: `Stopped: ${done} done, ${failed} failed, ${unknown} not reached, ${returned} given back.`,
          suggestion: 'Other workers continue with that. Start this one again: muse portfolio work',
        }),
      };
    }),
};
