import { cancelled, MuseError } from '../shared/error.ts';
import { asMuseError } from '../shared/files.ts';
import { lazy, once } from '../shared/lazy.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import { gitVersion } from '../kit/git.ts';
import { parseKitSource } from '../kit/source.ts';
import { lockDirectory } from '../muse/lock.ts';
import { readMuseFile, writeMuseFile } from '../muse/muse-json.ts';
import { keepCertificate, takesCertificate } from '../targets/certificate.ts';
import { targetOf } from '../targets/open.ts';
import type { Answers, Secrets } from './answers.ts';
import { type Changes, takeChanges } from './changes.ts';
import { checkDirectory, claimDirectory, releaseDirectory, resumeCommand, unfinishedRun } from './claim.ts';
import { type Run, stageOf } from './context.ts';
import { type CreateReport, reportOf } from './create-report.ts';
import { type Journal, type JournalStorage, parseJournal, readJournal, writeJournal } from './journal.ts';
import { checkUrl } from './defaults.ts';
import { live, pipelines } from './pipeline.ts';
import { runSequence } from './sequence.ts';
import type { StepEvents } from './step.ts';
import { mayMakeAgain } from './steps/project.ts';
import { openTarget } from './target.ts';

/** How the caller follows and stops a run. */
export interface RunOptions extends StepEvents {
  signal: AbortSignal;
  environment: NodeJS.ProcessEnv;
  /**
   * Asks a yes-or-no question that only comes up during the run; absent where there is nobody to ask. What it throws
   * cancels the run.
   */
  agree?(question: string): Promise<boolean>;
  /** Asks which of several to take, and resolves to its index; absent where there is nobody to ask. */
  choose?(question: string, choices: readonly string[]): Promise<number>;
  /** Where the journal is kept besides the muse's directory. */
  storage?: JournalStorage;
}

/**
 * Creates a muse: clone, scaffold, rehearse, migrate, check, commit.
 * @returns the report; a failure after the directory was claimed is in `error`, with what to do next
 * @throws MuseError `bad-…` and the like, if nothing was started
 */
export async function createMuse(answers: Answers, secrets: Secrets, options: RunOptions): Promise<CreateReport> {
  await checkAnswers(answers, secrets);
  const { directory } = answers;
  const { made } = await claimDirectory(directory);
  return runLocked(directory, secrets, options, async () => {
    // Another run may have made its muse here while this one waited for the lock.
    await checkDirectory(directory);
    return {
      version: 2,
      pipeline: 'create',
      answers,
      ...(made === undefined ? {} : { made }),
      steps: [],
      data: {},
    };
  });
}

/**
 * {@link createMuse} with a journal that is kept elsewhere too: where there is one, the run continues with it. What is known of
 * the project is in that journal, whatever machine wrote it. What was done to the muse's files is only in the journal of the
 * machine that has them: where they are not in place they are made again, at the same commit of the kit.
 * @throws MuseError `journal-unreadable`, and what {@link createMuse} throws
 */
export async function createAnywhere(
  answers: Answers,
  secrets: Secrets,
  options: RunOptions & Required<Pick<RunOptions, 'storage'>>,
): Promise<CreateReport> {
  const { directory } = answers;
  const [kept, local] = await Promise.all([options.storage.read(), readJournal(directory)]);
  const journal = kept === undefined ? local : await parseJournal(kept, 'The journal in the registry');
  if (journal === undefined) return createMuse(answers, secrets, options);
  journal.answers = answers;
  const made = local === undefined ? ((await claimDirectory(directory)).made ?? directory) : local.made;
  if (made === undefined) delete journal.made;
  else journal.made = made;
  journal.steps = stepsHere(journal, local);
  return runLocked(directory, secrets, options, () => Promise.resolve(journal));
}

/**
 * Says whether there is a run in the directory to resume.
 * @param environment of a project that is being provisioned: then a finished run counts only if it was for that
 */
export async function hasRun(directory: string, environment?: EnvironmentName): Promise<boolean> {
  const journal = await readJournal(directory);
  if (journal === undefined || isRefused(journal)) return false;
  const isFinished = journal.finished === true && environment !== undefined;
  return !isFinished || (journal.pipeline === 'provision' && journal.answers.environment === environment);
}

/** What is said where `--resume` starts a run, as there is none. */
export function startsAnew(directory: string): string {
  return `There is no unfinished run in ${directory}: starting from the beginning.`;
}

/**
 * Resumes a run that stopped, from the first step that is not done.
 * @param directory absolute path of the muse
 * @param changes answers that replace those of the stopped run
 * @throws MuseError `nothing-to-resume` if there is no journal, `bad-change`, `bad-certificate`
 */
export async function resumeMuse(
  directory: string,
  secrets: Secrets,
  options: RunOptions,
  changes: Changes = {},
): Promise<CreateReport> {
  await journalToResume(directory);
  return runLocked(directory, secrets, options, async () => {
    const journal = await journalToResume(directory);
    // A directory that was moved, or is reached by another path, is the same muse.
    journal.answers.directory = directory;
    takeChanges(journal, changes);
    if (changes.databaseCa !== undefined) {
      await checkCertificate(journal.answers);
      if (isPlaced(journal)) await replaceCertificate(directory, journal.answers.environment, changes.databaseCa);
    }
    // Until the muse is in place, the stage is made again from the start, at the same commit of the kit.
    if (!isPlaced(journal)) journal.steps = [];
    return journal;
  });
}

/** @throws MuseError `nothing-to-resume` */
async function journalToResume(directory: string): Promise<Journal> {
  const journal = await readJournal(directory);
  if (journal !== undefined) return journal;
  throw new MuseError({
    code: 'nothing-to-resume',
    message: `There is no unfinished run in ${directory}.`,
    suggestion: 'Start one: create-muse <name>. If the run is in another directory, name that: --dir <path> --resume.',
  });
}

/**
 * Gives an existing muse a Supabase project: the rest of the pipeline, in its directory. Data in its current database
 * is not copied.
 * @throws MuseError `run-unfinished` if another run stopped there
 */
export async function provisionMuse(
  { directory, museFile }: Muse,
  answers: Answers,
  secrets: Secrets,
  options: RunOptions,
): Promise<CreateReport> {
  await checkCertificate(answers);
  return runLocked(directory, secrets, options, async () => {
    const before = await readJournal(directory);
    // A run that stopped before it asked for a project left nothing to resume.
    if (before !== undefined && before.finished !== true && !isRefused(before)) throw unfinishedRun(directory, before);
    return {
      version: 2,
      pipeline: 'provision',
      answers: { ...answers, name: museFile.name, directory },
      steps: [],
      data: { tables: (before?.data.tables ?? []).slice() },
    };
  });
}

/**
 * Checks the answers that name something outside of the muse.
 * @throws MuseError `bad-call` for a database URL that is missing, `bad-certificate`
 */
export async function checkAnswers(answers: Answers, secrets: Secrets): Promise<void> {
  checkUrl(answers, secrets);
  await checkCertificate(answers);
}

/** @throws MuseError `bad-certificate` before anything is made */
async function checkCertificate({ databaseCa }: Answers): Promise<void> {
  if (databaseCa !== undefined)
    await (await import('../database/postgres/certificate.ts')).readCertificates(databaseCa);
}

/** Replaces the certificate of an environment that is in `muse.json` already. */
async function replaceCertificate(directory: string, name: EnvironmentName, from: string): Promise<void> {
  const museFile = await readMuseFile(directory);
  const entry = museFile.environments[name];
  if (entry === undefined || !takesCertificate(targetOf(entry.target))) return;
  entry.databaseCa = await keepCertificate(directory, name, from);
  await writeMuseFile(directory, museFile);
}

/**
 * The steps of a journal from elsewhere that need not be done again in this directory: what they wrote is in it.
 * @param local the directory's own journal
 */
function stepsHere({ data }: Journal, local: Journal | undefined): Journal['steps'] {
  if (local === undefined || !isPlaced(local)) return [];
  // Other machines may have come to another project meanwhile, or to the first: its files are of no project then.
  const isSame = local.data.project?.ref === data.project?.ref;
  return isSame ? local.steps : local.steps.slice(0, local.steps.findIndex(({ id }) => id === 'place') + 1);
}

/** Says whether the muse is in its final place: from then on nothing is removed again. */
function isPlaced({ pipeline, steps }: Journal): boolean {
  return pipeline === 'provision' || steps.some((step) => step.id === 'place');
}

/** Says whether `muse provision` stopped before it made anything, so that it can simply be run again. */
function isRefused({ pipeline, steps }: Journal): boolean {
  return pipeline === 'provision' && !steps.some((step) => step.id === 'project');
}

/**
 * Runs a pipeline while no other run is in the directory.
 * @param open gives the journal, once that is sure: what it finds in the directory is not going to change
 */
async function runLocked(
  directory: string,
  secrets: Secrets,
  options: RunOptions,
  open: () => Promise<Journal>,
): Promise<CreateReport> {
  const unlock = await lockDirectory(directory, {
    signal: options.signal,
    onWait: (text) => options.onProgress?.(text),
  });
  try {
    return await runPipeline(await open(), secrets, options);
  } finally {
    await unlock();
  }
}

async function runPipeline(journal: Journal, secrets: Secrets, options: RunOptions): Promise<CreateReport> {
  const run = startRun(journal, secrets, options);
  try {
    await run.save();
    await runToTheEnd(run);
    journal.finished = true;
    await run.save();
    return await reportOf(run);
  } catch (error) {
    const failure = options.signal.aborted ? cancelled(error) : asMuseError(error, journal.answers.directory);
    await closeAll(run);
    return await reportOf(run, await settle(run, failure));
  } finally {
    await closeAll(run);
  }
}

/**
 * Runs all sequences; the last one again for each project that Supabase could not start and that is to be made again.
 */
async function runToTheEnd(run: Run): Promise<void> {
  for (let sequences = pipelines[run.journal.pipeline]; ; sequences = [live]) {
    try {
      for (const sequence of sequences) await runSequence(sequence, run);
      return;
    } catch (error) {
      if (!(await mayMakeAgain(error, run))) throw error;
    }
  }
}

/** After a failure, either leaves the directory as it was, or adds the command that resumes the run to the error. */
async function settle({ answers, directory, journal }: Run, error: MuseError): Promise<MuseError> {
  if (!isPlaced(journal)) {
    await releaseDirectory(directory, journal.made);
    if (error.code !== 'cancelled') return error;
    return new MuseError({
      ...fieldsOf(error),
      message: 'Cancelled. Nothing was left behind.',
      suggestion: 'Run the same command again.',
    });
  }
  if (isRefused(journal)) return error;
  const resume = resumeCommand(answers.name, directory);
  const ref = journal.data.project?.ref;
  return new MuseError({
    ...fieldsOf(error),
    ...(error.code === 'cancelled' && ref !== undefined
      ? { message: `Cancelled. The Supabase project ${ref} exists and stays.` }
      : {}),
    suggestion:
      error.code === 'cancelled' ? `Continue with: ${resume}` : `${error.suggestion}\nThen continue with: ${resume}`,
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

/**
 * A run that is about to start: nothing is opened yet.
 * @param dryRun whether it only finds out what it would do; then it works in the directory of the answers itself
 */
export function startRun(journal: Journal, secrets: Secrets, options: RunOptions, dryRun = false): Run {
  const { answers } = journal;
  const { directory } = answers;
  const { environment, signal } = options;
  const needsGit = answers.git !== false || parseKitSource(answers.kit).kind !== 'builtin';
  const run: Run = {
    ...options,
    answers,
    secrets,
    directory,
    stage: dryRun || journal.pipeline === 'provision' ? directory : stageOf(directory),
    dryRun,
    journal,
    async save() {
      await writeJournal(directory, journal);
      await options.storage?.write(journal);
    },
    results: [],
    git: once(async () => (needsGit ? gitVersion({ environment }) : undefined)),
    shadow: lazy(async () => (await import('../database/embedded/embedded.ts')).openEmbedded({ signal })),
    opened: lazy(() => openTarget(run)),
    target: async () => (await run.opened()).database,
    cloud: once(async () =>
      (await import('../targets/cloud.ts')).openCloud(environment, signal, options.onProgress?.bind(options)),
    ),
  };
  return run;
}

/** Closes what a run has opened. */
export async function closeAll({ opened, shadow }: Run): Promise<void> {
  await Promise.all([opened.close(), shadow.close()]);
}
