import { MuseError } from '../../shared/error.ts';
import { confirmFlag, limitFlags } from '../flags.ts';
import type { MuseCommand } from '../muse-command.ts';
import { consentOf, environmentFields, limitsOf } from '../muse-context.ts';
import { counted } from '../../shared/printable.ts';

const group = 'Command';

/** `muse rollback`: the newest extension migrations rolled back. */
export const command: MuseCommand = {
  section: 'Migrations',
  about: 'roll back the newest extension migrations',
  usage: ['[--steps <n> | --to <number>] [--env <name>]'],
  flags: [
    { name: 'steps', type: 'string', value: '<n>', about: 'how many files, newest first (default: 1)', group },
    {
      name: 'to',
      type: 'string',
      value: '<number>',
      about: 'roll back everything after this extension file; 0 rolls back all',
      group,
    },
    confirmFlag,
    ...limitFlags,
  ],
  async run(context) {
    const { describeLosses, rollbackMuse } = await import('../../muse/rollback.ts');
    const { typed, output, ask, environmentName: name } = context;
    const muse = await context.openMuse();
    const to = typed.text('to');
    const steps = stepsOf(typed.text('steps'));
    const { rolledBack, losses, backup, types } = await rollbackMuse(
      muse,
      name,
      context.environment,
      { ...(to === undefined ? {} : { to }), ...(steps === undefined ? {} : { steps }) },
      async (found) => {
        if (typed.has('yes')) return true;
        if (ask === undefined) return false;
        // There the name is typed under a plan that says the same.
        if (name === 'production') return true;
        output.progress(`This drops data:\n${describeLosses(found)}`);
        return (await ask()).confirm('Drop it?', false);
      },
      { ...consentOf(context), ...limitsOf(typed), ...context.hooks, onPhase: context.working },
    );
    const lines = rolledBack.map(
      ({ file, ms }) => `${output.paint('green', '✓')} ${file} ${output.paint('gray', `${ms} ms`)}`,
    );
    lines.push(
      rolledBack.length === 0
        ? 'Nothing to roll back.'
        : `Rolled back ${counted(rolledBack.length, 'migration')} in ${name}. To apply again: muse migrate`,
    );
    if (types !== undefined) lines.push(`Updated ${types}.`);
    if (backup !== undefined) lines.push(`Backup taken before: ${backup}`);
    return {
      json: { ...environmentFields(muse, context), rolledBack, losses, ...(backup === undefined ? {} : { backup }) },
      text: lines.join('\n'),
    };
  },
};

function stepsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new MuseError({
    code: 'bad-flag',
    message: `--steps takes how many files to roll back, from 1 to 999999, not "${text}".`,
    suggestion: 'For example: --steps 1',
  });
}
