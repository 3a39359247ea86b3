import { MuseError } from '../../../shared/error.ts';
import type { Subcommand } from '../../muse-command.ts';
import { withPortfolio } from '../../portfolio.ts';
import { counted } from '../../../shared/printable.ts';

/** `muse portfolio cancel <run>`. */
export const command: Subcommand = {
  about: 'cancel a run: what runs is finished, nothing else is begun',
  usage: ['<run>'],
  takesWords: true,
  flags: [],
  run: (context) =>
    withPortfolio(context, async (portfolio) => {
      const [name, ...more] = context.typed.positionals;
      if (name === undefined || more.length > 0) {
        throw new MuseError({
          code: 'bad-call',
          message: name === undefined ? 'The run is missing.' : 'muse portfolio cancel takes one run.',
          suggestion: 'For example: muse portfolio cancel migrate-7. List the runs: muse portfolio list --runs',
        });
      }
      const { run, cancelled } = await portfolio.cancel(name);
      return {
        json: { run, cancelled },
        text:
          run.state === 'cancelled'
            ? `${run.name} is cancelled: ${counted(cancelled, 'muse')} will not be begun. ` +
              `Resume it: muse portfolio ${run.kind} --resume ${run.name}`
            : `${run.name} had ended already: ${run.state}.`,
      };
    }),
};
