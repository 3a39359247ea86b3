import { MuseError } from '../../shared/error.ts';
import type { MuseCommand } from '../muse-command.ts';
import { environmentFields } from '../muse-context.ts';
import { addedLines, loginLines } from '../text.ts';
import { counted } from '../../shared/printable.ts';

/** `muse reset`: development recreated, migrated and seeded. */
export const command: MuseCommand = {
  section: 'Data',
  about: 'recreate development: drop, migrate, seed',
  usage: ['[--yes]'],
  flags: [],
  async run(context) {
    const { typed, output, ask, environmentName: name } = context;
    if (name !== 'development') {
      throw new MuseError({
        code: 'bad-environment',
        message: `muse reset drops all data, so it works in development only, not in ${name}. Nothing was run.`,
        suggestion: `To roll back migrations of ${name}: muse rollback --env ${name}`,
      });
    }
    const { resetMuse } = await import('../../muse/reset.ts');
    const muse = await context.openMuse();
    const { rolledBack, applied, seeds, added, logins } = await resetMuse(muse, context.environment, {
      async agree(rows) {
        if (typed.has('yes')) return true;
        if (ask === undefined) return false;
        const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
        output.progress(
          `This drops ${counted(total, 'row')} in ${counted(Object.keys(rows).length, 'table')} of development.`,
        );
        return (await ask()).confirm('Drop them?', false);
      },
      ...context.hooks,
      onPhase: context.working,
    });
    const tick = output.paint('green', '✓');
    const lines = [
      ...(rolledBack.length === 0 ? [] : [`${tick} rolled back ${counted(rolledBack.length, 'migration')}`]),
      `${tick} applied ${counted(applied.length, 'migration')}`,
      ...seeds.map(({ file }) => `${tick} ${file}`),
      ...addedLines(added),
      'Development was recreated.',
      ...loginLines(logins),
    ];
    return {
      json: {
        ...environmentFields(muse, context),
        rolledBack,
        migrations: { applied, skipped: [] },
        seeds,
        added,
        ...(logins === undefined ? {} : { logins }),
      },
      text: lines.join('\n'),
    };
  },
};
