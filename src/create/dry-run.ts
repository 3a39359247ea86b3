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
import type { Answers } from './answers.ts';
import { startRun, type RunOptions } from './create.ts';
import { emptyOutput } from './journal.ts';
import { draft, pipelines } from './pipeline.ts';
import { stepsOf } from './sequence.ts';
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
}

/** What `--fix` would do. */
export interface PlannedRepairs {
  classes: { rule: string; files: string[]; diff: string }[];
  /** The repairs that change who may do what. */
  decisions: Decision[];
}

/**
 * Finds out what a run would do without doing it: the muse is put together in a temporary directory, read, and
 * deleted.
 * @throws MuseError what fetching, recognizing and scaffolding throw
 */
export async function planMuse(answers: Answers, options: RunOptions): Promise<Plan> {
  const place = await mkdtemp(join(tmpdir(), 'create-muse-plan-'));
  try {
    // What is deleted at the end needs no git history.
    const planned = { ...answers, git: false };
    const output = emptyOutput();
    const run = startRun({ version: 2, pipeline: 'create', answers: planned, steps: [], data: {} }, {}, options, place);
    const { museFile, repairs } = await draft.perform(run, output);
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
      steps: pipelines.create.flatMap((sequence) => stepsOf(sequence, planned)),
      migrations: migrations.map(({ layer, file }) => ({ layer, file })),
      files: files.sort(),
      ...(targetOf(answers.target).provisioned ? { requests: await requestsOf(answers) } : {}),
      ...(repairs === undefined
        ? {}
        : { repairs: await plannedRepairs(repairs, options), access: repairs.access, findings: repairs.findings }),
      notes: output.notes,
    };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
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
