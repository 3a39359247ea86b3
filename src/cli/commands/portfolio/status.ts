import { resolve } from 'node:path';
import type { PortfolioEnvironment, PortfolioMuse } from '../../../portfolio/api-types.ts';
import { MuseError } from '../../../shared/error.ts';
import { counted, printableLine } from '../../../shared/printable.ts';
import type { Subcommand } from '../../muse-command.ts';
import type { Output } from '../../output.ts';
import { onlyFlag, secretsFlag, withPortfolio } from '../../portfolio.ts';

const group = 'Portfolio';

/** `muse portfolio status`: what is known about every muse. */
export const command: Subcommand = {
  about: 'show every muse: state, kit, migrations, drift, isolation',
  usage: ['[--refresh [--drift]] [--check] [--only <name|tag>] [--page <file.html>]'],
  flags: [
    { name: 'refresh', type: 'boolean', about: 'look at every muse and its databases now', group },
    { name: 'drift', type: 'boolean', about: 'with --refresh: also compare the schemas with the migrations', group },
    { name: 'check', type: 'boolean', about: 'exit with 3 unless everything is known, applied and unchanged', group },
    { name: 'page', type: 'string', value: '<file>', about: 'also write all of it as one HTML file', group },
    onlyFlag,
    secretsFlag,
  ],
  run: (context) =>
    withPortfolio(context, async (portfolio) => {
      const { isFine } = await import('../../../portfolio/status.ts');
      const { typed, output, working } = context;
      const refresh = typed.has('refresh');
      const muses = await portfolio.status({
        only: typed.text('only'),
        refresh,
        drift: typed.has('drift'),
        secretsFrom: typed.text('secrets-from'),
        onMuse: (name, index, count) => working(`${index}/${count} ${name}`),
      });
      const wrong = muses.filter((muse) => !isFine(muse));
      const fine = muses.filter(isFine);
      const lines = [...wrong, ...fine].flatMap((muse) => linesOf(muse, output));
      const summary =
        muses.length === 0
          ? 'No muses yet. Add some: muse portfolio add --scan <folder>'
          : `${counted(muses.length, 'muse')}: ${fine.length} as they should be, ${wrong.length} not.`;
      const page = typed.text('page');
      if (page !== undefined) {
        const { writeWhole } = await import('../../../shared/files.ts');
        await writeWhole(resolve(context.directory, page), await portfolio.page({ only: typed.text('only') }));
      }
      const json = { muses, ...(page === undefined ? {} : { page: resolve(context.directory, page) }) };
      if (typed.has('check') && (wrong.length > 0 || muses.length === 0))
        return { json, error: notFine(wrong, output.json ? [] : lines, summary) };
      // What was looked for and found is a finding, asked for a check or not.
      const found =
        refresh && muses.some(({ known, environments }) => !known || environments.some(({ drift = 0 }) => drift > 0));
      return {
        json,
        text: [...lines, summary, ...(page === undefined ? [] : [`Page: ${page}`])].join('\n'),
        ...(found ? { exitCode: 3 } : {}),
      };
    }),
};

function linesOf({ name, state, kit, environments, error, known }: PortfolioMuse, output: Output): string[] {
  const { paint } = output;
  const behind =
    kit.behind === undefined
      ? ''
      : kit.behind === 0
        ? ', kit up to date'
        : `, kit ${counted(kit.behind, 'commit')} behind`;
  const head = `${paint('bold', printableLine(name))}: ${state}${behind}`;
  // An error of an environment is shown there.
  const own = error !== undefined && environments.every((one) => one.error?.message !== error.message);
  return [
    head,
    ...(own ? [`  ${paint('red', printableLine(error.message))}`] : []),
    ...(environments.length === 0 && !known ? [`  ${paint('yellow', 'no environment is known')}`] : []),
    ...environments.flatMap((environment) => environmentLines(environment, output)),
  ];
}

function environmentLines(environment: PortfolioEnvironment, { paint }: Output): string[] {
  const { name, target, known, error, seenAt, drift, isolation } = environment;
  const parts = (['applied', 'pending', 'edited', 'missing', 'unreadable'] as const)
    .filter((list) => (environment[list] ?? 0) > 0 || (list === 'applied' && environment.applied !== undefined))
    .map((list) => paint(list === 'applied' ? 'reset' : 'yellow', `${environment[list]} ${list}`));
  if (drift !== undefined) parts.push(drift === 0 ? 'no drift' : paint('red', `${drift} differences`));
  if (isolation !== undefined)
    parts.push(
      isolation.errors > 0
        ? paint('red', `isolation: ${counted(isolation.errors, 'error')}`)
        : `${isolation.proven} proven isolated`,
    );
  const seen = seenAt === undefined ? 'never seen' : `seen ${seenAt.slice(0, 16).replace('T', ' ')} UTC`;
  parts.push(
    known === 'yes' ? paint('gray', seen) : paint('yellow', known === 'unreachable' ? `unreachable, ${seen}` : seen),
  );
  return [
    `  ${name} (${target}): ${parts.join(', ')}`,
    ...(error === undefined ? [] : [`    ${paint('red', printableLine(error.message))}`]),
  ];
}

function notFine(wrong: readonly PortfolioMuse[], lines: readonly string[], summary: string): MuseError {
  const names = wrong.slice(0, 10).map(({ name }) => printableLine(name));
  return new MuseError({
    code: 'findings',
    message:
      wrong.length === 0
        ? 'There is no muse to check.'
        : `Not as they should be, or not known: ${names.join(', ')}${wrong.length > 10 ? ` and ${wrong.length - 10} more` : ''}.`,
    ...(lines.length === 0 ? {} : { detail: [...lines, summary].join('\n') }),
    suggestion:
      wrong.length === 0
        ? 'Add some: muse portfolio add --scan <folder>'
        : 'Look again: muse portfolio status --refresh. Apply what is pending: muse portfolio migrate --env <name>',
  });
}
