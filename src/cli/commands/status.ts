import { museStatus, museStatuses } from '../../create/muse/status.ts';
import { MuseError } from '../../error.ts';
import type { EnvironmentName } from '../../muse-file.ts';
import { museOf, noPositionals } from '../muse-context.ts';
import { flagText, isSet, type ParsedArguments } from '../parse.ts';
import type { CommandContext, CommandResult } from '../run.ts';

/** `muse status`: every environment of the muse, or the one named by `--env`. */
export async function statusCommand(parsed: ParsedArguments, context: CommandContext): Promise<CommandResult> {
  noPositionals(parsed, 'status');
  const muse = await museOf(parsed, context);
  const { name } = muse.museFile;
  const wanted = flagText(parsed, 'env') as EnvironmentName | undefined;
  const drift = isSet(parsed, 'drift');
  const environments = wanted === undefined ? await museStatuses(muse, context.environment, drift) : [await museStatus(muse, wanted, context.environment, drift)];
  const json = { name, directory: muse.directory, environments };
  const open = environments.filter(({ pending, edited, missing, error }) => pending.length + edited.length + missing.length > 0 || error !== undefined);
  if (isSet(parsed, 'check') && open.length > 0) return { json, error: notUpToDate(open.map((environment) => environment.name)) };
  const { paint } = context.output;
  const lines = environments.flatMap((environment) => {
    const { error } = environment;
    if (error !== undefined) return [`${paint('bold', environment.name)} (${environment.target}): ${paint('red', error.message)}`, `  ${paint('cyan', '→')} ${error.suggestion}`];
    const counts = (['applied', 'pending', 'edited', 'missing'] as const)
      .filter((state) => environment[state].length > 0 || state === 'applied')
      .map((state) => `${environment[state].length} ${state}`);
    const head = `${paint('bold', environment.name)} (${environment.target}): ${counts.join(', ')}`;
    const files = (['pending', 'edited', 'missing'] as const).flatMap((state) =>
      environment[state].map(({ file }) => `  ${paint(state === 'pending' ? 'cyan' : 'red', state.padEnd(8))} ${file}`),
    );
    const { health, drift: differences } = environment;
    const ill = health?.services.filter(({ status }) => status !== 'ACTIVE_HEALTHY') ?? [];
    const lines = health === undefined ? [] : [`  project  ${health.status}${ill.map(({ name, status }) => `, ${name} ${status}`).join('')}`];
    if (differences !== undefined) lines.push(`  drift    ${differences.length === 0 ? 'none' : ''}`.trimEnd(), ...differences.map(({ object }) => `           ${object}`));
    return [head, ...lines, ...files];
  });
  return { json, text: lines.join('\n'), ...(environments.some(({ error }) => error !== undefined) ? { exitCode: 1 } : {}) };
}

function notUpToDate(names: readonly string[]): MuseError {
  return new MuseError({
    code: 'findings',
    message: `Not up to date: ${names.join(', ')}.`,
    suggestion: 'muse status says what is pending or edited; muse migrate applies what is pending.',
  });
}
