import { confirmFlag } from '../flags.ts';
import type { MuseCommand } from '../muse-command.ts';
import { consentOf, environmentFields } from '../muse-context.ts';
import { addedLines, loginLines } from '../text.ts';

/** `muse seed`: the files of seeds/, in the order of their names. */
export const command: MuseCommand = {
  section: 'Data',
  about: 'run the files in seeds/; running them again adds no rows',
  usage: ['[--env <name>] [--confirm <name>]'],
  flags: [confirmFlag],
  async run(context) {
    const { seedMuse } = await import('../../muse/seed.ts');
    const { output, environmentName: name } = context;
    const muse = await context.openMuse();
    const { seeds, added, logins, backup } = await seedMuse(muse, name, context.environment, {
      ...consentOf(context),
      ...context.hooks,
      onProgress: context.working,
    });
    const lines = seeds.map(
      ({ file, ms }) => `${output.paint('green', '✓')} ${file} ${output.paint('gray', `${ms} ms`)}`,
    );
    lines.push(...addedLines(added));
    if (seeds.length === 0) lines.push('Nothing to do: there are no files in seeds/.');
    else
      lines.push(
        Object.keys(added).length === 0 ? 'No rows were added: all of them exist already.' : `Seeded ${name}.`,
      );
    lines.push(...loginLines(logins));
    return {
      json: {
        ...environmentFields(muse, context),
        seeds,
        added,
        ...(logins === undefined ? {} : { logins }),
        ...(backup === undefined ? {} : { backup }),
      },
      text: lines.join('\n'),
    };
  },
};
