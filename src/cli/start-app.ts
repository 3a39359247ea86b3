import type { CreateReport } from '../create/create-report.ts';
import { MuseError } from '../shared/error.ts';
import { targetOf } from '../targets/open.ts';
import { finishReport } from './pipeline-run.ts';
import type { CommandContext, CommandResult } from './run.ts';

/**
 * The end of a run that made a muse. Where it has an app, and a database that can be served here, that is started: if it was
 * asked for, or if the person at the terminal agrees.
 * @param starts whether it was asked for
 * @param isInstalled whether the run has installed the packages
 */
export async function finishAndStart(
  report: CreateReport,
  { starts, isInstalled }: { starts: boolean; isInstalled: boolean },
  context: CommandContext,
): Promise<CommandResult> {
  const result = finishReport(report, context);
  const { ask, output } = context;
  if (result.error !== undefined || output.json || (!starts && ask === undefined)) return result;
  const { hasApp } = await import('../kit/app.ts');
  if (!targetOf(report.target.kind).local || !(await hasApp(report.directory))) {
    const why = 'Nothing was started: only an app on the embedded database is, and the kit has to have one.';
    return starts ? { ...result, text: `${result.text ?? ''}\n\n${why}` } : result;
  }
  output.result(result.text ?? '');
  if (!starts && !(await (await ask!()).confirm('Install and start now?')))
    return { json: {}, served: true, exitCode: 0 };
  const failure = isInstalled ? undefined : await install(report.directory, context);
  if (failure !== undefined) return { json: result.json, error: failure };
  const exitCode = await run(report.directory, context);
  return { json: {}, served: true, ...(exitCode === undefined ? {} : { exitCode }) };
}

async function install(directory: string, context: CommandContext): Promise<MuseError | undefined> {
  const { installPackages } = await import('../kit/install.ts');
  const { environment, signal, working } = context;
  const failure = await installPackages(directory, { environment, signal, onProgress: working });
  if (failure === undefined) return undefined;
  return new MuseError({
    code: 'install-failed',
    message: failure,
    suggestion: 'The product itself is complete. Then start it: npm run dev',
  });
}

/**
 * Runs the script `dev` until it ends, or until it is stopped.
 * @returns its exit code; undefined where it was stopped
 */
async function run(directory: string, { environment, signal }: CommandContext): Promise<number | undefined> {
  const [{ execa }, { packageManagerOf }] = await Promise.all([import('execa'), import('../kit/package-manager.ts')]);
  const { name } = await packageManagerOf(directory);
  const { exitCode } = await execa(name, ['run', 'dev'], {
    cwd: directory,
    env: environment,
    extendEnv: false,
    cancelSignal: signal,
    reject: false,
    stdio: 'inherit',
  });
  return signal.aborted ? undefined : (exitCode ?? 1);
}
