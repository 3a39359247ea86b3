import { destroyMuse } from '../../create/destroy.ts';
import { environmentNameOf, museOf, noPositionals } from '../muse-context.ts';
import { flagText, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';
import { wrap } from '../../shared/wrap.ts';

/** `muse destroy`: the environment's Supabase project is deleted, the directory stays. */
export async function destroyCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'destroy');
  const muse = await museOf(parsed, context);
  const name = environmentNameOf(parsed);
  const { output } = context;
  const { ref, name: projectName } = await destroyMuse(
    muse,
    name,
    context.environment,
    async (project) => {
      const confirmed = flagText(parsed, 'confirm');
      if (confirmed !== undefined || context.ask === undefined) return confirmed ?? '';
      const warning = `This deletes the project "${project.name}" (${project.ref}) with all its data, for good.`;
      for (const line of wrap(warning, output.width)) output.progress(line);
      return (await context.ask()).text('Type its name to go on:');
    },
    () => output.transient(`${output.paint('cyan', '…')} not ready for deletion yet`),
    context.signal,
  );
  return {
    json: { name: muse.museFile.name, directory: muse.directory, environment: name, ref, deleted: projectName !== undefined },
    text: `${projectName === undefined ? `The project ${ref} was gone already.` : `The project "${projectName}" (${ref}) is deleted.`} The directory stays.`,
  };
}
