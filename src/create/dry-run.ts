import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import type { Finding } from '../shared/finding.ts';
import { loadPreset } from '../scaffold/presets.ts';
import type { FileName } from '../migrations/compare.ts';
import { readMigrations } from '../migrations/read.ts';
import type { Decision } from '../rules/engine/fix/fix.ts';
import type { AccessReport } from '../rules/engine/fix/guard.ts';
import type { RequestRecord } from '../supabase/http.ts';
import { planRequests } from '../supabase/request-plan.ts';
import { targetOf } from '../targets/open.ts';
import { MuseError } from '../shared/error.ts';
import type { Answers, Secrets } from './answers.ts';
import { checkDirectory } from './claim.ts';
import type { Configured } from './context.ts';
import { checkAnswers, closeAll, startRun, type RunOptions } from './create.ts';
import { emptyOutput, type StepOutput } from './journal.ts';
import { draft, pipelines, preflight } from './pipeline.ts';
import { chooseRepository } from './repository.ts';
import { perform, stepsOf } from './sequence.ts';
import type { Fixed } from './steps/fix.ts';
import { rehearseStep } from './steps/rehearse.ts';
import type { FixPlan } from '../muse/repair/repair.ts';
import { diffOf, pathsOf } from '../muse/repair/write.ts';

/** What a run would do. */
export interface Plan {
  name: string;
  directory: string;
  kit: { source: string; commit: string; layout: string };
  target: { kind: Answers['target'] };
  steps: { id: string; title: string }[];
  /** The SQL that would run, in its order. */
  migrations: FileName[];
  /** The files that the directory would hold, with `/`. */
  files: string[];
  /** Supabase: the requests that would be sent, without secrets; `{ref}` is what the platform will name the project. */
  requests?: RequestRecord[];
  /** `--fix`: what would be fixed, class by class, each as a unified diff. */
  repairs?: PlannedRepairs;
  /** `--fix`: how it would change access. */
  access?: AccessReport;
  /** `--fix`: what would still be wrong. */
  findings?: Finding[];
  notes: string[];
  /** Why the run would be refused, where only its rehearsal shows that. */
  error?: MuseError;
}

type Drafted = Configured & Fixed;

/** What `--fix` would do. */
export interface PlannedRepairs {
  classes: { rule: string; files: string[]; diff: string }[];
  /** The repairs that change who may do what. */
  decisions: Decision[];
}

/**
 * Finds out what a run would do without doing it: the muse is put together in a temporary directory, rehearsed, read,
 * and deleted. What the run would refuse is refused: the target is connected to, and Supabase is asked.
 * @throws MuseError what the run would throw before its rehearsal
 */
export async function planMuse(answers: Answers, secrets: Secrets, options: RunOptions): Promise<Plan> {
  await checkAnswers(answers, secrets);
  await checkDirectory(answers.directory);
  const { environment, signal } = options;
  const { note } = await chooseRepository(answers.directory, answers.git, { environment, signal });
  const place = await mkdtemp(join(tmpdir(), 'create-muse-plan-'));
  // What is deleted at the end needs no git history.
  const planned = { ...answers, directory: place, git: false };
  const run = startRun(
    { version: 2, pipeline: 'create', answers: planned, steps: [], data: {} },
    secrets,
    options,
    true,
  );
  try {
    const output = emptyOutput();
    if (note !== undefined) output.notes.push(note);
    await run.git();
    await perform(preflight, run, output);
    const drafted = await draft.perform(run, output);
    const plan = await planOf(answers, drafted, output, options);
    try {
      await rehearseStep.run(drafted, output);
    } catch (error) {
      if (!(error instanceof MuseError) || error.code !== 'findings') throw error;
      plan.error = error;
    }
    return plan;
  } finally {
    await closeAll(run);
    await rm(place, { recursive: true, force: true });
  }
}

/** The plan of a run whose files are put together. */
async function planOf(
  answers: Answers,
  { directory: place, museFile, repairs }: Drafted,
  output: StepOutput,
  options: RunOptions,
): Promise<Plan> {
  const { migrations } = await readMigrations(place, museFile.migrations, { rollbacks: false });
  const names = await readdir(place, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(place, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return {
    name: answers.name,
    directory: answers.directory,
    kit: { source: museFile.kit.source, commit: museFile.kit.commit, layout: museFile.kit.layout },
    target: { kind: answers.target },
    steps: pipelines.create.flatMap((sequence) => stepsOf(sequence, answers)),
    migrations: migrations.map(({ layer, file }) => ({ layer, file })),
    files: files.filter((file) => !file.startsWith('.muse/')).sort(),
    ...(targetOf(answers.target).provisioned ? { requests: await requestsOf(answers) } : {}),
    ...(repairs === undefined
      ? {}
      : { repairs: await plannedRepairs(repairs, options), access: repairs.access, findings: repairs.findings }),
    notes: output.notes,
  };
}

async function plannedRepairs({ changes }: FixPlan, { environment, signal }: RunOptions): Promise<PlannedRepairs> {
  const classes: PlannedRepairs['classes'] = [];
  for (const change of changes)
    classes.push({ rule: change.rule, files: pathsOf(change), diff: await diffOf(change, { environment, signal }) });
  return { classes, decisions: changes.flatMap(({ decisions }) => decisions) };
}

async function requestsOf({ name, presets, supabase }: Answers): Promise<RequestRecord[]> {
  const { organization = '{organization}', waitTimeout: _wait, ...wanted } = supabase;
  const loaded = await Promise.all(presets.map(loadPreset));
  return planRequests({
    name,
    organization,
    ...wanted,
    buckets: loaded.flatMap((preset) => preset.buckets.map(({ id }) => id)),
  });
}
