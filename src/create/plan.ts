import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import type { Finding } from '../shared/finding.ts';
import { loadPreset } from '../scaffold/presets.ts';
import type { FileName } from '../migrations/compare.ts';
import { readMigrations } from '../migrations/read.ts';
import type { Decision } from '../rules/engine/fix/fix.ts';
import type { RequestRecord } from '../supabase/http.ts';
import { planRequests } from '../supabase/plan.ts';
import { targetOf } from '../targets/open.ts';
import type { Answers } from './answers.ts';
import { needed } from './context.ts';
import { contextOf, type RunOptions } from './create.ts';
import type { Mending } from '../muse/repair/repair.ts';
import { diffOf, pathsOf } from '../muse/repair/write.ts';
import { archiveStep } from './steps/archive.ts';
import { fetchStep } from './steps/fetch.ts';
import { fixStep } from './steps/fix.ts';
import { ownStep } from './steps/own.ts';
import { scaffoldStep } from './steps/scaffold.ts';
import { pipelines } from './steps/steps.ts';

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
  /** `--fix`: what would be mended, class by class, each as a unified diff. */
  repairs?: PlannedRepairs;
  /** `--fix`: what would be wrong still. */
  findings?: Finding[];
  notes: string[];
}

/** What `--fix` would do. */
export interface PlannedRepairs {
  classes: { rule: string; files: string[]; diff: string }[];
  /** What of it changes who may do what. */
  decisions: Decision[];
}

/**
 * What a run would do, found out without doing it: the muse is put together in a temporary directory, read,
 * and taken away.
 * @throws MuseError what fetching, recognising and scaffolding throw
 */
export async function planMuse(answers: Answers, options: RunOptions): Promise<Plan> {
  const place = await mkdtemp(join(tmpdir(), 'create-muse-plan-'));
  try {
    // What is taken away at the end needs no history.
    const planned = { ...answers, git: false };
    const context = { ...contextOf({ version: 1, pipeline: 'create', answers: planned, steps: [], data: {} }, {}, options), stage: place };
    for (const step of [fetchStep, ownStep, fixStep, archiveStep, scaffoldStep]) {
      if (step.applies?.(context) !== false) await step.run(context);
    }
    const museFile = needed(context.museFile, 'muse.json');
    const { migrations } = await readMigrations(place, museFile.migrations, { rollbacks: false });
    const names = await readdir(place, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => !entry.isDirectory()).map((entry) => relative(place, join(entry.parentPath, entry.name)).split(sep).join('/'));
    return {
      name: answers.name,
      directory: answers.directory,
      kit: { source: museFile.kit.source, commit: museFile.kit.commit, layout: museFile.kit.layout },
      target: { kind: answers.target },
      steps: pipelines.create.filter((step) => step.applies?.(context) !== false).map(({ id, title }) => ({ id, title })),
      migrations: migrations.map(({ layer, file }) => ({ layer, file })),
      files: files.sort(),
      ...(targetOf(answers.target).provisioned ? { requests: await requestsOf(answers) } : {}),
      ...(context.mending === undefined ? {} : { repairs: await plannedRepairs(context.mending, options), findings: context.mending.findings }),
      notes: context.notes,
    };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function plannedRepairs({ changes }: Mending, { environment, signal }: RunOptions): Promise<PlannedRepairs> {
  const classes: PlannedRepairs['classes'] = [];
  for (const change of changes) classes.push({ rule: change.rule, files: pathsOf(change), diff: await diffOf(change, { environment, signal }) });
  return { classes, decisions: changes.flatMap(({ decisions }) => decisions) };
}

async function requestsOf({ name, presets, supabase }: Answers): Promise<RequestRecord[]> {
  const { organization = '{organization}', waitTimeout: _wait, ...wanted } = supabase;
  const loaded = await Promise.all(presets.map(loadPreset));
  return planRequests({ name, organization, ...wanted, buckets: loaded.flatMap((preset) => preset.buckets.map(({ id }) => id)) });
}
