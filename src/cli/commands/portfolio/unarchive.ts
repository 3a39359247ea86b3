import { MuseError } from '../../../shared/error.ts';
import { printableLine } from '../../../shared/printable.ts';
import type { Subcommand } from '../../muse-command.ts';
import { withPortfolio } from '../../portfolio.ts';

/** `muse portfolio unarchive <name>…`. */
export const command: Subcommand = {
  about: 'take muses out of the archive',
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
      const changed = await portfolio.archive(names, false);
      return {
        json: { muses: changed.map((name) => ({ name, archived: false })) },
        text:
          changed.length === 0 ? 'Nothing to do.' : `Not archived any more: ${changed.map(printableLine).join(', ')}.`,
      };
    }),
};
