import { realpath } from 'node:fs/promises';
import { delimiter, join, relative, sep } from 'node:path';
import { appFolder, hasApp } from '../kit/app.ts';
import { packageDirectory } from '../kit/builtin.ts';
import { isInstalled } from '../kit/manifest.ts';
import { packageManagerOf } from '../kit/package-manager.ts';
import type { FileName } from '../migrations/compare.ts';
import type { MuseError } from '../shared/error.ts';
import type { AccessReport } from '../rules/engine/fix/guard.ts';
import type { Finding } from '../shared/finding.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import { kindOf } from '../shared/files.ts';
import { shellPath } from '../shared/shell.ts';
import type { TargetKind } from '../targets/kinds.ts';
import { targetOf } from '../targets/open.ts';
import type { Secret } from '../supabase/secret.ts';
import { type IsolationJson, isolationJson } from '../verify/report/isolation-json.ts';
import type { Run } from './context.ts';
import { type JournalData, readMatrix } from './journal.ts';
import type { StepResult } from './step.ts';

/** The result of a run; what `--json` prints. */
export interface CreateReport {
  ok: boolean;
  name: string;
  directory: string;
  kit: { source: string; commit?: string; layout?: string };
  target: { kind: TargetKind; ref?: string; region?: string };
  steps: StepResult[];
  migrations: { applied: (FileName & { ms: number })[]; skipped: FileName[] };
  findings: Finding[];
  /** What the isolation proof came to; absent where it was not run, or not yet. */
  isolation?: IsolationJson;
  /** The tables that the extension adds, and whose rows they hold. */
  tables: { name: string; scope: string; open?: boolean }[];
  /** What `--fix` fixed. */
  repairs?: Omit<NonNullable<JournalData['repairs']>, 'access'>;
  /** How `--fix` changed access. */
  access?: AccessReport;
  /** What was proven, one line each. */
  proven: string[];
  /** The commands to type next. */
  next: string[];
  /** What the user should know, one sentence each. */
  notes: string[];
  /** To be shown once, in a terminal, and never stored. */
  adminPassword?: Secret;
  error?: MuseError;
}

/** A run as far as it got. */
export interface Reached extends Run {
  museFile?: MuseFile;
  adminPassword?: Secret;
}

/**
 * The report of a run, put together from what the journal has of its steps: a resumed run reports as if never
 * interrupted.
 */
export async function reportOf(run: Reached, error?: MuseError): Promise<CreateReport> {
  const { adminPassword, answers, directory, journal, museFile, results } = run;
  const outputs = journal.steps.map(({ output }) => output);
  const findings = [...outputs.flatMap((output) => output.findings), ...(error?.findings ?? [])];
  const matrix = outputs.findLast((output) => output.matrix !== undefined)?.matrix;
  const { commit = journal.data.commit, layout } = museFile?.kit ?? {};
  const { ref, region } = { ...journal.data.project, ...museFile?.environments[answers.environment] };
  return {
    ok: error === undefined,
    name: answers.name,
    directory,
    kit: {
      source: museFile?.kit.source ?? answers.kit,
      ...(commit === undefined ? {} : { commit }),
      ...(layout === undefined ? {} : { layout }),
    },
    target: {
      kind: answers.target,
      ...(ref === undefined ? {} : { ref }),
      ...(region === undefined ? {} : { region }),
    },
    steps: results,
    migrations: {
      applied: outputs.flatMap(({ applied }) => applied),
      skipped: outputs.flatMap(({ skipped }) => skipped),
    },
    findings,
    ...(matrix === undefined
      ? {}
      : { isolation: isolationJson({ tables: await readMatrix(directory, { matrix }), findings }) }),
    tables: journal.data.tables ?? [],
    ...repairsOf(journal.data),
    proven: outputs.flatMap(({ proven }) => proven),
    next: error === undefined ? await nextCommands(run, museFile) : [],
    notes: outputs.flatMap(({ notes }) => notes),
    ...(adminPassword === undefined ? {} : { adminPassword }),
    ...(error === undefined ? {} : { error }),
  };
}

function repairsOf({ repairs }: JournalData): Pick<CreateReport, 'repairs' | 'access'> {
  if (repairs === undefined) return {};
  const { access, ...made } = repairs;
  return { repairs: made, access };
}

/** What to type next, for where this command was called: commands that work in that shell, in their order. */
async function nextCommands(
  { directory, environment, journal }: Run,
  museFile: MuseFile | undefined,
): Promise<string[]> {
  const way = relative(process.cwd(), directory);
  const enter = journal.pipeline === 'create' && way !== '' ? [`cd ${shellPath(way)}`] : [];
  const manager = await packageManagerOf(directory);
  const isGlobal = await isOnPath(environment);
  const install = isGlobal || (await isInstalled(directory)) ? [] : [`${manager.name} install`];
  const muse = isGlobal ? 'muse' : `${manager.exec} muse`;
  const { development } = museFile?.environments ?? {};
  // Last, because it runs until it is stopped.
  const isServed = development !== undefined && targetOf(development.target).local;
  if (!isServed || !(await hasApp(directory)))
    return [...enter, ...install, `${muse} status`, `${muse} verify`, ...(isServed ? [`${muse} dev`] : [])];
  const isThere = await kindOf(join(directory, appFolder, 'node_modules'));
  const installApp = isThere === undefined ? [`${manager.name} install --prefix ${appFolder}`] : [];
  return [...enter, ...install, `${muse} status`, `${muse} verify`, ...installApp, `${manager.run} dev`];
}

/** Says whether `muse` is this package in the user's shell. */
async function isOnPath(environment: NodeJS.ProcessEnv): Promise<boolean> {
  const ours = await realpath(join(packageDirectory, 'bin', 'muse.js'));
  for (const place of (environment['PATH'] ?? '').split(delimiter)) {
    // npm puts these on the path for one run only.
    if (place === '' || place.split(sep).includes('node_modules') || place.includes('_npx')) continue;
    for (const name of process.platform === 'win32' ? ['muse.cmd', 'muse.exe'] : ['muse']) {
      const found = await realpath(join(place, name)).catch(() => undefined);
      if (found === ours || (found !== undefined && process.platform === 'win32')) return true;
    }
  }
  return false;
}
