import { confirmFlag } from '../../flags.ts';
import type { Subcommand } from '../../muse-command.ts';
import { confirmedRollout, onlyFlag, rolloutOptions, rolloutResult, runFlags, withPortfolio } from '../../portfolio.ts';

/** `muse portfolio migrate`: the same for many muses. */
export const command: Subcommand = {
  about: 'apply pending migrations to many muses, in waves',
  usage: ['[--env <name>] [--only <name|tag>] [--canary <name>] [--waves <list>]', '--resume <run>'],
  flags: [onlyFlag, ...runFlags, confirmFlag],
  run: (context) =>
    withPortfolio(context, async (portfolio) =>
      rolloutResult(
        await portfolio.rollOut('migrate', await confirmedRollout(context, rolloutOptions(context))),
        context,
        true,
      ),
    ),
};
