import type { Subcommand } from '../../muse-command.ts';
import { onlyFlag, rolloutOptions, rolloutResult, runFlags, withPortfolio } from '../../portfolio.ts';

/** `muse portfolio verify`: the same for many muses. */
export const command: Subcommand = {
  about: 'prove the isolation of tenants in many muses',
  usage: ['[--env <name>] [--only <name|tag>] [--canary <name>] [--waves <list>]', '--resume <run>'],
  flags: [onlyFlag, ...runFlags],
  run: (context) =>
    withPortfolio(context, async (portfolio) =>
      rolloutResult(await portfolio.rollOut('verify', rolloutOptions(context)), context),
    ),
};
