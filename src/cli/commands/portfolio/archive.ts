import { MuseError } from '../../../shared/error.ts';
import { printableLine } from '../../../shared/printable.ts';
import type { Subcommand } from '../../muse-command.ts';
import { withPortfolio } from '../../portfolio.ts';

/** `muse portfolio archive <name>…`. */
export const command: Subcommand = {
  about: 'set muses aside: no run includes them, their names stay taken',
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
      const changed = await portfolio.archive(names, true);
      return {
        json: { muses: changed.map((name) => ({ name, archived: true })) },
        text: changed.length === 0 ? 'Nothing to do.' : `Archived: ${changed.map(printableLine).join(', ')}.`,
      };
    }),
};
