import { once } from 'node:events';
import type { FilledFile } from '../../dev/env-file.ts';
import type { RunningServer } from '../../dev/running.ts';
import { confirmFlag } from '../flags.ts';
import { counted, printableLine } from '../../shared/printable.ts';
import type { MuseCommand } from '../muse-command.ts';
import { consentOf, environmentFields, type MuseContext } from '../muse-context.ts';

const group = 'Command';

/** `muse dev`: serves the database of an environment as a local Supabase, or its dashboard alone, until it is stopped. */
export const command: MuseCommand = {
  section: 'Development',
  about: 'serve the database as a local Supabase: Data API, Auth, Storage, Realtime',
  usage: [
    '[--port <number>] [--db-port <number>] [--no-dashboard] [--env <name> [--confirm <name>]]',
    '[flags] -- <command> …',
  ],
  takesWords: true,
  flags: [
    {
      name: 'port',
      type: 'string',
      value: '<number>',
      about: 'where the API listens; the next free port where it is taken (default: 54321)',
      group,
    },
    {
      name: 'db-port',
      type: 'string',
      value: '<number>',
      about: 'where PostgreSQL listens; the next free port where it is taken (default: 54322)',
      group,
    },
    {
      name: 'no-dashboard',
      type: 'boolean',
      about: 'serve no page with rows, findings, files, mails and requests',
      group,
    },
    confirmFlag,
  ],
  async run(context) {
    const [{ AlreadyRunning }, { serveEnvironment }, { collectSooner }] = await Promise.all([
      import('../../dev/dev.ts'),
      import('../../dev/dashboard-only.ts'),
      import('../../shared/memory.ts'),
    ]);
    collectSooner();
    const { typed, output, signal, hooks } = context;
    const muse = await context.openMuse();
    const about = environmentFields(muse, context);
    context.working('opening the database');
    try {
      const serving = await serveEnvironment(muse, {
        environment: context.environmentName,
        variables: context.environment,
        port: typed.port('port'),
        databasePort: typed.port('db-port'),
        dashboard: !typed.has('no-dashboard'),
        consent: consentOf(context),
        signal,
        onNote: hooks.onNote,
      });
      const { close, filled, publishableKey } = serving;
      const ready = `${(performance.now() / 1000).toFixed(1)} s`;
      output.progress(`${output.paint('green', '✓')} Ready in ${ready}`);
      output.progress(linesOf(serving, context, filled?.files));
      if (output.json)
        output.resultJson({ ok: true, command: 'muse dev', ...about, ...shown(serving), publishableKey });
      // It is ready without this: what is wrong with the files, muse status tells.
      const pending = (await serving.pending?.().catch(() => [])) ?? [];
      if (pending.length > 0 && !signal.aborted) output.note(await pendingText(pending.length, context));
      const exitCode = signal.aborted ? undefined : await untilEnd(context);
      // What it has acknowledged is kept in any case.
      await close().catch((error: unknown) => output.note(error instanceof Error ? error.message : String(error)));
      return { json: {}, served: true, ...(exitCode === undefined ? {} : { exitCode }) };
    } catch (error) {
      if (!(error instanceof AlreadyRunning)) throw error;
      const { running } = error;
      if (typed.positionals.length > 0) {
        output.progress(`${error.message}\n${linesOf(running, context)}`);
        const exitCode = await untilEnd(context);
        return { json: {}, served: true, ...(exitCode === undefined ? {} : { exitCode }) };
      }
      return {
        json: { ...about, ...shown(running), pid: running.pid, attached: true },
        text: `${error.message}\n${linesOf(running, context)}`,
      };
    }
  },
};

/**
 * Waits until the server is stopped. A command that was typed after the flags runs meanwhile, and its end is the server's.
 * @returns the command's exit code; undefined where the server was stopped
 */
async function untilEnd({ typed, environment, directory, output, signal }: MuseContext): Promise<number | undefined> {
  const [program, ...words] = typed.positionals;
  if (program === undefined) {
    await once(signal, 'abort');
    return undefined;
  }
  const { execa } = await import('execa');
  const { code, exitCode, failed, shortMessage } = await execa(program, words, {
    cwd: directory,
    env: environment,
    extendEnv: false,
    preferLocal: true,
    cancelSignal: signal,
    reject: false,
    // With --json, stdout is for the one object.
    stdio: ['inherit', output.json ? process.stderr : 'inherit', 'inherit'],
  });
  if (failed && exitCode === undefined && !signal.aborted)
    output.note(
      code === 'ENOENT' ? `There is no program ${program}: is it installed?` : (shortMessage ?? `${program} failed.`),
    );
  return signal.aborted ? undefined : (exitCode ?? 1);
}

async function pendingText(count: number, { environmentName }: MuseContext): Promise<string> {
  const { commandFor } = await import('../../muse/guard.ts');
  const is = count === 1 ? 'is' : 'are';
  return `${counted(count, 'migration')} ${is} not applied yet: ${commandFor('muse migrate', environmentName)}`;
}

/** Where the server is, without what opens it: JSON goes into logs. */
function shown({ url, databaseUrl }: Pick<RunningServer, 'url' | 'databaseUrl'>): Record<string, string> {
  return { url, ...(databaseUrl === undefined ? {} : { databaseUrl: withoutPassword(databaseUrl) }) };
}

const withoutPassword = (url: string): string => url.replace(/:[^:@/]*@/, ':…@');

/** Where the server is, for people. */
function linesOf(
  { url, databaseUrl, dashboardUrl, only }: Pick<RunningServer, 'url' | 'databaseUrl' | 'dashboardUrl' | 'only'>,
  { output: { paint }, environmentName: name }: MuseContext,
  filled: readonly FilledFile[] = [],
): string {
  const keysIn = filled.map(({ file }) => printableLine(file)).join(', ');
  const rows: [string, string | undefined, (string | undefined)?][] = [
    ['API', only === undefined ? url : undefined, keysIn === '' ? undefined : `(keys in ${keysIn})`],
    ['Database', databaseUrl && withoutPassword(databaseUrl), `(password in .muse/dev-${name}.json)`],
    ['Dashboard', dashboardUrl],
  ];
  return rows
    .flatMap(([name, at, more]) =>
      at === undefined
        ? []
        : [`  ${paint('bold', name.padEnd(11))}${paint('cyan', at)}${more === undefined ? '' : `  ${more}`}`],
    )
    .join('\n');
}
