import { MuseError } from '../../../shared/error.ts';
import { counted, printableLine } from '../../../shared/printable.ts';
import type { Subcommand } from '../../muse-command.ts';
import { withPortfolio } from '../../portfolio.ts';

const group = 'Portfolio';

/** `muse portfolio add`: directories, what a folder holds, repositories. */
export const command: Subcommand = {
  about: 'add muses: directories, or the URLs of their repositories',
  usage: ['<path|url>… [--tag <tag>]', '--scan <folder> [--tag <tag>]'],
  takesWords: true,
  completes: 'files',
  flags: [
    {
      name: 'scan',
      type: 'string',
      value: '<folder>',
      multiple: true,
      about: 'add all muses in a folder; repeatable',
      group,
    },
    {
      name: 'tag',
      type: 'string',
      value: '<tag>',
      multiple: true,
      about: 'a word to select them by; repeatable',
      group,
    },
  ],
  run: (context) =>
    withPortfolio(context, async (portfolio) => {
      const { typed, directory, output } = context;
      const muses = await portfolio.add(
        typed.positionals,
        { scan: typed.texts('scan') ?? [], tags: typed.texts('tag') ?? [] },
        directory,
      );
      const { paint } = output;
      const lines = muses.map(({ name, source, added, error }) => {
        const shown = printableLine(name ?? source);
        if (error !== undefined)
          return `${paint('red', '✗')} ${printableLine(error.message)}\n  ${paint('cyan', '→')} ${printableLine(error.suggestion)}`;
        return added
          ? `${paint('green', '✓')} ${shown} ${paint('gray', printableLine(source))}`
          : `${paint('gray', '·')} ${shown} was there already`;
      });
      const refused = muses.filter(({ error }) => error !== undefined);
      if (refused.length === 0)
        return { json: { muses }, text: [...lines, 'Next: muse portfolio status --refresh'].join('\n') };
      return {
        json: { muses },
        error: new MuseError({
          code: refused[0]!.error!.code as MuseError['code'],
          message: `${counted(refused.length, 'muse')} of ${muses.length} ${refused.length === 1 ? 'was' : 'were'} not added.`,
          ...(output.json ? {} : { detail: lines.join('\n') }),
          suggestion: 'See above for each. Run the command again: what is there already stays as it is.',
        }),
      };
    }),
};
