import { counted, printableLine } from '../../../shared/printable.ts';
import type { Subcommand } from '../../muse-command.ts';
import { onlyFlag, withPortfolio } from '../../portfolio.ts';

const group = 'Portfolio';

/** `muse portfolio list`: the muses, or the runs. */
export const command: Subcommand = {
  about: 'list the muses, or the latest runs',
  usage: ['[--only <name|tag>] [--archived]', '--runs'],
  flags: [
    onlyFlag,
    { name: 'archived', type: 'boolean', about: 'archived muses too', group },
    { name: 'runs', type: 'boolean', about: 'the latest runs instead of the muses', group },
  ],
  run: (context) =>
    withPortfolio(context, async (portfolio) => {
      const { typed, output } = context;
      const { paint } = output;
      if (typed.has('runs')) {
        const runs = (await portfolio.runs()).map(({ run, muses }) => ({ ...run, muses }));
        const lines = runs.map(({ name, environment, state, wave, waves, muses, createdAt }) => {
          const done = muses.filter((muse) => muse.state === 'done').length;
          const far = `wave ${wave} of ${waves}, ${done} of ${counted(muses.length, 'muse')} done`;
          return `${paint('bold', name)} (${environment}): ${state}, ${far} ${paint('gray', createdAt)}`;
        });
        return { json: { runs }, text: lines.length === 0 ? 'No runs yet.' : lines.join('\n') };
      }
      const muses = await portfolio.list({ only: typed.text('only'), archived: typed.has('archived') });
      const width = Math.max(0, ...muses.map(({ name }) => name.length));
      const lines = muses.map(({ name, state, source, archivedAt }) => {
        const shown = (archivedAt === undefined ? state : 'archived').padEnd(8);
        return `${paint('bold', printableLine(name).padEnd(width))}  ${shown}  ${paint('gray', printableLine(source))}`;
      });
      return {
        json: { muses },
        text: lines.length === 0 ? 'No muses yet. Add some: muse portfolio add --scan <folder>' : lines.join('\n'),
      };
    }),
};
