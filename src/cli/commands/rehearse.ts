import { hasErrors } from '../../shared/finding.ts';
import type { MuseCommand } from '../muse-command.ts';
import { statementTimeoutFlag } from '../flags.ts';
import { limitsOf, museFields } from '../muse-context.ts';
import { counted } from '../../shared/printable.ts';

/** `muse rehearse`: all migrations on a shadow database, twice and back, with every check. */
export const command: MuseCommand = {
  section: 'Checks',
  about: 'run all migrations on a shadow database',
  usage: ['[--env <name>] [--statement-timeout <seconds>]'],
  flags: [statementTimeoutFlag],
  async run(context) {
    const { extensionsThere, rehearseMuse } = await import('../../muse/rehearse.ts');
    const muse = await context.openMuse();
    const { environmentName: name, environment, typed } = context;
    const isNamed = typed.text('env') !== undefined;
    context.working('Rehearsing on a shadow database');
    const { findings, rehearsal, silenced } = await rehearseMuse(muse, {
      ...context.hooks,
      ...limitsOf(typed),
      targetExtensions: extensionsThere(muse, name, environment, { ...context.hooks, isNamed }),
      onPhase: (text) => context.working(`Rehearsing: ${text}`),
    });
    const json = { ...museFields(muse), findings, silenced };
    if (hasErrors(findings)) {
      const { fixInMuse, refusal } = await import('../../muse/examine.ts');
      return { json, error: refusal(findings, 'No database was changed.', fixInMuse) };
    }
    const { formatText } = await import('../../publish/findings-text.ts');
    const { onceText, repeatText } = await import('../../rehearsal/rehearse.ts');
    const lines = [
      ...(findings.length === 0 ? [] : [formatText(findings, context.output), '']),
      `${context.output.paint('green', '✓')} ${repeatText(rehearsal)}.` +
        (rehearsal.rolledBack.length > 0 ? ' Extensions were rolled back and applied again.' : ''),
      ...[onceText(rehearsal) ?? []].flat(),
      ...(silenced === 0 ? [] : [`${counted(silenced, 'finding')} silenced by comments in the SQL.`]),
      'Next: muse migrate',
    ];
    return { json, text: lines.join('\n') };
  },
};
