import { MuseError } from '../../../shared/error.ts';
import { counted, printableLine } from '../../../shared/printable.ts';
import type { Subcommand } from '../../muse-command.ts';
import { withPortfolio } from '../../portfolio.ts';

const group = 'Portfolio';

/** `muse portfolio audit`: what was changed, by whom; checks that nothing of it was changed afterwards. */
export const command: Subcommand = {
  about: 'show who changed what, and check that the record is whole',
  usage: ['[--muse <name>] [--since <time>]'],
  flags: [
    { name: 'muse', type: 'string', value: '<name>', about: 'only what is about this muse', group },
    {
      name: 'since',
      type: 'string',
      value: '<time>',
      about: 'only what is newer, e.g. 2026-11-01 or yesterday',
      group,
    },
  ],
  run: (context) =>
    withPortfolio(context, async (portfolio) => {
      const { typed, output } = context;
      const { rows, broken } = await portfolio.audit({ muse: typed.text('muse'), since: typed.text('since') });
      const lines = rows.map(({ number, at, who, host, action, muse, run, before, after }) => {
        const what = [action, muse, run === undefined ? undefined : `run ${run}`].filter((part) => part !== undefined);
        const change = [before, after].flatMap((value) => (value === undefined ? [] : [JSON.stringify(value)]));
        const head = `${String(number).padStart(5)}  ${at.slice(0, 19)}Z`;
        const text = printableLine(`${who}@${host}  ${what.join(' ')}`);
        return `${head}  ${text}  ${output.paint('gray', printableLine(change.join(' → ')))}`;
      });
      const json = { audit: rows, ...(broken === undefined ? {} : { broken }) };
      if (broken === undefined)
        return { json, text: [...lines, `${counted(rows.length, 'row')}. The record is whole.`].join('\n') };
      return {
        json,
        error: new MuseError({
          code: 'findings',
          message: `The audit is not as it was written: ${broken.why}.`,
          ...(output.json ? {} : { detail: lines.join('\n') }),
          suggestion: 'Find out who had access to the registry. Compare it with a backup of that database.',
        }),
      };
    }),
};
