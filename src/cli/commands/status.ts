import { type EnvironmentStatus, museStatus, museStatuses } from '../../muse/status.ts';
import { MuseError } from '../../shared/error.ts';
import type { EnvironmentName } from '../../shared/muse-file.ts';
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
  const open = environments.filter(({ pending, edited, missing, drift = [], error }) => pending.length + edited.length + missing.length + drift.length > 0 || error !== undefined);
  const lines = environments.flatMap((environment) => linesOf(environment, context));
  if (isSet(parsed, 'check') && open.length > 0) return { json, error: notUpToDate(open.map((environment) => environment.name), context.output.json ? [] : lines) };
  return { json, text: lines.join('\n'), ...(environments.some(({ error }) => error !== undefined) ? { exitCode: 1 } : {}) };
}

/** An environment for people: the counts, then what is not as it should be. */
function linesOf(environment: EnvironmentStatus, { output: { paint } }: CommandContext): string[] {
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
}

function notUpToDate(names: readonly string[], lines: readonly string[]): MuseError {
  return new MuseError({
    code: 'findings',
    message: `Not up to date: ${names.join(', ')}.`,
    ...(lines.length === 0 ? {} : { detail: lines.join('\n') }),
    suggestion: 'muse migrate applies what is pending; what is edited, missing or has drifted is for a new migration: muse new.',
  });
}
