import { resolve } from 'node:path';
import { MuseError } from '../../../shared/error.ts';
import type { Subcommand } from '../../muse-command.ts';
import { rolloutOptions, rolloutResult, runFlags, withPortfolio } from '../../portfolio.ts';

/** `muse portfolio provision <file>`: many products from one file. */
export const command: Subcommand = {
  about: 'create the products of a file, each with its project',
  usage: ['<file.yaml> [--waves <list>] [--dry-run]', '--resume <run>'],
  takesWords: true,
  completes: 'files',
  flags: runFlags,
  run: (context) =>
    withPortfolio(context, async (portfolio) => {
      const [file, ...more] = context.typed.positionals;
      const options = rolloutOptions(context);
      if (more.length > 0 || (file === undefined) === (options.resume === undefined)) {
        throw new MuseError({
          code: 'bad-call',
          message:
            file === undefined
              ? 'The file with the products is missing.'
              : 'muse portfolio provision takes one file, or --resume without a file.',
          suggestion: 'For example: muse portfolio provision new-muses.yaml',
        });
      }
      return rolloutResult(
        await portfolio.provision(file === undefined ? undefined : resolve(context.directory, file), options),
        context,
      );
    }),
};
