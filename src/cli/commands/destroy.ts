import { wrap } from '../../shared/wrap.ts';
import type { MuseCommand } from '../muse-command.ts';
import { environmentFields } from '../muse-context.ts';

/** `muse destroy`: deletes the environment's Supabase project; the directory stays. */
export const command: MuseCommand = {
  section: 'Supabase',
  about: 'delete the Supabase project; the directory stays',
  usage: ['[--confirm <ref>] [--env <name>]'],
  flags: [
    {
      name: 'confirm',
      type: 'string',
      value: '<ref>',
      about: "the project's ref or name, instead of typing it when asked",
      group: 'Command',
    },
  ],
  async run(context) {
    const { destroyMuse } = await import('../../create/destroy.ts');
    const { output, typed, ask } = context;
    const muse = await context.openMuse();
    const { ref, name: projectName } = await destroyMuse(
      muse,
      context.environmentName,
      context.environment,
      async (project) => {
        const confirmed = typed.text('confirm');
        if (confirmed !== undefined || ask === undefined) return confirmed ?? '';
        const warning = `This permanently deletes the project "${project.name}" (${project.ref}) and all its data.`;
        for (const line of wrap(warning, output.width)) output.progress(line);
        return (await ask()).text("Type the project's name to continue:");
      },
      () => context.working('The project cannot be deleted yet; trying again'),
      context.signal,
    );
    const done =
      projectName === undefined
        ? `The project ${ref} was already deleted.`
        : `Deleted the project "${projectName}" (${ref}).`;
    return {
      json: { ...environmentFields(muse, context), ref, deleted: projectName !== undefined },
      text: `${done} The directory is unchanged.`,
    };
  },
};
