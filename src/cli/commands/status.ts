import type { Drift } from '../../muse/drift.ts';
import type { EnvironmentStatus } from '../../muse/status.ts';
import { MuseError } from '../../shared/error.ts';
import type { EnvironmentName } from '../../shared/muse-file.ts';
import { printableLine } from '../../shared/printable.ts';
import type { MuseCommand } from '../muse-command.ts';
import { type MuseContext, museFields } from '../muse-context.ts';
import type { Output } from '../output.ts';

const group = 'Command';

/** `muse status`: every environment of the muse, or the one named by `--env`. */
export const command: MuseCommand = {
  section: 'Migrations',
  about: 'show which migrations are applied, pending, edited or missing',
  usage: ['[--env <name>] [--check] [--drift]'],
  flags: [
    { name: 'check', type: 'boolean', about: 'exit with 3 unless everything is applied and unchanged', group },
    {
      name: 'drift',
      type: 'boolean',
      about: 'also compare the schema with the migrations; exit with 3 if it differs',
      group,
    },
  ],
  async run(context) {
    const { museStatus, museStatuses } = await import('../../muse/status.ts');
    const { typed, output } = context;
    const muse = await context.openMuse();
    const wanted = typed.text('env') as EnvironmentName | undefined;
    const options = { drift: typed.has('drift'), ...context.hooks };
    const environments =
      wanted === undefined
        ? await museStatuses(muse, context.environment, options)
        : [await museStatus(muse, wanted, context.environment, options)];
    // Each environment has the same files: what is wrong with them is said once.
    const findings = environments.find(({ error }) => error === undefined)?.findings ?? [];
    const json = {
      ...museFields(muse),
      environments: environments.map(({ findings: _findings, ...rest }) => rest),
      ...(findings.length === 0 ? {} : { findings }),
    };
    const lines = environments.flatMap((environment) => linesOf(environment, context));
    const behind = environments.filter(isBehind);
    if (typed.has('check') && behind.length > 0) return { json, error: notUpToDate(behind, output.json ? [] : lines) };
    const unknown = environments.some(
      ({ error, unreadable, drift: differences = [] }) =>
        error !== undefined || differences.length > 0 || unreadable.length > 0,
    );
    return { json, text: lines.join('\n'), ...(unknown ? { exitCode: 3 } : {}) };
  },
};

function isBehind({ pending, edited, missing, unreadable, drift = [], error }: EnvironmentStatus): boolean {
  return pending.length + edited.length + missing.length + unreadable.length + drift.length > 0 || error !== undefined;
}

/** An environment for people: the counts, then what is not as it should be. */
function linesOf(environment: EnvironmentStatus, { output: { paint } }: MuseContext): string[] {
  const { error } = environment;
  if (error !== undefined)
    return [
      `${paint('bold', environment.name)} (${environment.target}): ${paint('red', error.message)}`,
      `  ${paint('cyan', '→')} ${error.suggestion}`,
    ];
  const counts = (['applied', 'pending', 'edited', 'missing', 'unreadable'] as const)
    .filter((state) => environment[state].length > 0 || state === 'applied')
    .map((state) => `${environment[state].length} ${state}`);
  const head = `${paint('bold', environment.name)} (${environment.target}): ${counts.join(', ')}`;
  const files = (['pending', 'edited', 'missing'] as const).flatMap((state) =>
    environment[state].map(
      ({ file }) => `  ${paint(state === 'pending' ? 'cyan' : 'red', state.padEnd(8))} ${printableLine(file)}`,
    ),
  );
  const unreadable = environment.findings.map(
    ({ file = '', line, message, suggestion }) =>
      `  ${paint('red', 'unreadable')} ${printableLine(`${file}${line === undefined ? '' : `:${line}`}`)}\n    ${message} ${suggestion}`,
  );
  const { health, drift: differences } = environment;
  const unhealthy = health?.services.filter(({ status }) => status !== 'ACTIVE_HEALTHY') ?? [];
  const lines =
    health === undefined
      ? []
      : [`  project  ${health.status}${unhealthy.map(({ name, status }) => `, ${name} ${status}`).join('')}`];
  if (differences !== undefined)
    lines.push(
      `  drift    ${differences.length === 0 ? 'none' : ''}`.trimEnd(),
      ...differences.flatMap((difference) => driftLines(difference, paint)),
    );
  return [head, ...lines, ...files, ...unreadable];
}

/** `+`, `-` or `~`, the object and where the files make it; below it, its SQL. */
function driftLines({ change, object = '', file, line, sql }: Drift, paint: Output['paint']): string[] {
  const color = change === '+' ? 'green' : change === '-' ? 'red' : 'yellow';
  const place = file === undefined ? '' : ` ${paint('dim', `${file}:${line ?? 1}`)}`;
  return [
    `  ${paint(color, change)} ${printableLine(object)}${place}`,
    ...sql.flatMap((statement) => statement.split('\n')).map((text) => `      ${text}`),
  ];
}

function notUpToDate(environments: readonly EnvironmentStatus[], lines: readonly string[]): MuseError {
  return new MuseError({
    code: 'findings',
    message: `Not up to date: ${environments.map(({ name }) => name).join(', ')}.`,
    ...(lines.length === 0 ? {} : { detail: lines.join('\n') }),
    suggestion:
      'Apply pending migrations: muse migrate. For edited or missing files and for drift, write a new migration: ' +
      'muse new <name>. Save unreadable files as UTF-8.',
  });
}
