import { MuseError, unexpected } from '../shared/error.ts';
import { fileError } from '../shared/files.ts';
import type { Answers, Secrets } from './answers.ts';
import { keepCertificate, takesCertificate } from '../targets/certificate.ts';
import { targetOf } from '../targets/open.ts';
import { readMuseFile, writeMuseFile } from '../muse/muse-json.ts';
import { type Changes, takeChanges } from './changes.ts';
import { claimDirectory, releaseDirectory, unfinishedRun } from './claim.ts';
import { type CreateContext, stageOf } from './context.ts';
import { type Journal, readJournal, writeJournal } from './journal.ts';
import { lockDirectory } from '../muse/lock.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { type CreateReport, reportOf } from './report.ts';
import { lazily, once } from '../shared/lazy.ts';
import { cancelled, runSteps, type StepEvents } from './step.ts';
import { pipelines } from './steps/steps.ts';
import { mayMakeAgain } from './steps/make-again.ts';
import { openTarget } from './target.ts';

/** How a run is watched and stopped. */
export interface RunOptions extends StepEvents {
  signal: AbortSignal;
  environment: NodeJS.ProcessEnv;
  /**
   * Asks for a yes or no on the way, where only what happened there raises the question; absent where nobody can be asked.
   * What it throws cancels the run.
   */
  agree?(question: string): Promise<boolean>;
}

/**
 * Makes a muse: clone, scaffold, rehearse, migrate, check, commit.
 * @returns what came of it; a failure after the directory was claimed is in `error`, with what to do next
 * @throws MuseError `bad-…` and the like, where nothing was begun
 */
export async function createMuse(answers: Answers, secrets: Secrets, options: RunOptions): Promise<CreateReport> {
  await checkCertificate(answers);
  const { made } = await claimDirectory(answers.directory);
  const journal: Journal = { version: 1, pipeline: 'create', answers, ...(made === undefined ? {} : { made }), steps: [], data: {} };
  return runPipeline(journal, secrets, options);
}

/**
 * Goes on with a run that stopped, from the first step that is not done.
 * @param directory absolute path of the muse
 * @param changes what is said anew
 * @throws MuseError `nothing-to-resume` where there is no journal, `bad-change`, `bad-certificate`
 */
export async function resumeMuse(directory: string, secrets: Secrets, options: RunOptions, changes: Changes = {}): Promise<CreateReport> {
  const journal = await readJournal(directory);
  if (journal === undefined) {
    throw new MuseError({
      code: 'nothing-to-resume',
      message: `There is no unfinished run in ${directory}.`,
      suggestion: 'Start one: create-muse <name>. If it is elsewhere, name it: --dir <path> --resume.',
    });
  }
  // A directory that was moved or is seen through another path is the same muse.
  journal.answers.directory = directory;
  takeChanges(journal, changes);
  if (changes.databaseCa !== undefined) {
    await checkCertificate(journal.answers);
    if (isPlaced(journal)) await replaceCertificate(directory, journal.answers.environment, changes.databaseCa);
  }
  // Until everything is in place, the stage is made again from the start, at the same commit of the kit.
  if (!isPlaced(journal)) journal.steps = [];
  return runPipeline(journal, secrets, options);
}

/**
 * Gives a muse that is there a Supabase project: the rest of the pipeline, in its directory. Data of the database that it
 * had is not copied.
 * @throws MuseError `run-unfinished` where another run stopped there
 */
export async function provisionMuse({ directory, museFile }: Muse, answers: Answers, secrets: Secrets, options: RunOptions): Promise<CreateReport> {
  await checkCertificate(answers);
  const before = await readJournal(directory);
  // One that stopped before it asked for a project left nothing to go on with.
  if (before !== undefined && before.finished !== true && !isRefused(before)) throw unfinishedRun(directory, before);
  const data = { tables: (before?.data.tables ?? []).slice() };
  return runPipeline({ version: 1, pipeline: 'provision', answers: { ...answers, name: museFile.name, directory }, steps: [], data }, secrets, options);
}

/** @throws MuseError `bad-certificate` before anything is made */
async function checkCertificate({ databaseCa }: Answers): Promise<void> {
  if (databaseCa !== undefined) await (await import('../database/postgres/certificate.ts')).readCertificates(databaseCa);
}

/** Keeps another certificate for an environment that is in `muse.json` already. */
async function replaceCertificate(directory: string, name: EnvironmentName, from: string): Promise<void> {
  const museFile = await readMuseFile(directory);
  const entry = museFile.environments[name];
  if (entry === undefined || !takesCertificate(targetOf(entry.target))) return;
  entry.databaseCa = await keepCertificate(directory, name, from);
  await writeMuseFile(directory, museFile);
}

/** Says whether the muse is where it lives: then nothing of it is taken away again. */
function isPlaced({ pipeline, steps }: Journal): boolean {
  return pipeline === 'provision' || steps.some((step) => step.id === 'place');
}

/** Says whether a provisioning stopped while it only looked: nothing was made, and it can begin anew. */
function isRefused({ pipeline, steps }: Journal): boolean {
  return pipeline === 'provision' && !steps.some((step) => step.id === 'project');
}

async function runPipeline(journal: Journal, secrets: Secrets, options: RunOptions): Promise<CreateReport> {
  const { answers } = journal;
  const unlock = await lockDirectory(answers.directory, { signal: options.signal, onWait: (text) => options.onProgress?.(text) });
  const context = contextOf(journal, secrets, options);
  try {
    await writeJournal(answers.directory, journal);
    await runToTheEnd(context);
    journal.finished = true;
    await writeJournal(answers.directory, journal);
    return reportOf(context);
  } catch (error) {
    const known = options.signal.aborted ? cancelled(error) : fileError(error, answers.directory);
    const failure = known instanceof MuseError ? known : unexpected(known);
    await closeAll(context);
    return reportOf(context, await settle(context, failure));
  } finally {
    await closeAll(context);
    await unlock();
  }
}

/** Runs all steps; those from `project` on once more for each project that did not start and is to be made again. */
async function runToTheEnd(context: CreateContext): Promise<void> {
  const all = pipelines[context.journal.pipeline];
  for (let steps = all; ; steps = all.slice(all.findIndex(({ id }) => id === 'project'))) {
    try {
      return await runSteps(steps, context);
    } catch (error) {
      if (!(await mayMakeAgain(error, context))) throw error;
    }
  }
}

/** After a failure: either the directory is as it was, or the error names the command that goes on. */
async function settle(context: CreateContext, error: MuseError): Promise<MuseError> {
  if (!isPlaced(context.journal)) {
    await releaseDirectory(context.directory, context.journal.made);
    if (error.code !== 'cancelled') return error;
    return new MuseError({ ...fieldsOf(error), message: 'Cancelled. Nothing was left behind.', suggestion: 'Run the same command again.' });
  }
  if (isRefused(context.journal)) return error;
  const resume = `create-muse ${context.answers.name} --dir ${context.directory} --resume`;
  const ref = context.journal.data.project?.ref;
  return new MuseError({
    ...fieldsOf(error),
    ...(error.code === 'cancelled' && ref !== undefined ? { message: `Cancelled. The Supabase project ${ref} is there and stays.` } : {}),
    suggestion: error.code === 'cancelled' ? `Go on with: ${resume}` : `${error.suggestion}\nThen go on with: ${resume}`,
  });
}

function fieldsOf(error: MuseError): ConstructorParameters<typeof MuseError>[0] {
  const { code, message, detail, suggestion, cause, findings } = error;
  return {
    code,
    message,
    suggestion,
    cause,
    ...(detail === undefined ? {} : { detail }),
    ...(findings === undefined ? {} : { findings }),
  };
}

/** The context of a run that begins: nothing is opened yet. */
export function contextOf(journal: Journal, secrets: Secrets, options: RunOptions): CreateContext {
  const { answers } = journal;
  const context: CreateContext = {
    ...options,
    answers,
    secrets,
    directory: answers.directory,
    workingDirectory: process.cwd(),
    stage: journal.pipeline === 'provision' ? answers.directory : stageOf(answers.directory),
    journal,
    results: [],
    findings: [],
    notes: [],
    proven: (journal.data.proven ??= []),
    next: [],
    applied: [],
    skipped: [],
    throwAway: lazily(async () => (await import('../database/embedded/embedded.ts')).openEmbedded({})),
    target: lazily(() => openTarget(context)),
    cloud: once(async () => (await import('../targets/cloud.ts')).openCloud(options.environment, options.signal, options.onProgress?.bind(options))),
  };
  return context;
}

async function closeAll(context: CreateContext): Promise<void> {
  await Promise.all([context.throwAway.close(), context.target.close()]);
}
