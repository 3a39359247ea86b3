import { join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { readText, writeWhole } from '../shared/files.ts';
import type { Decision } from '../rules/engine/fix/fix.ts';
import type { AccessReport } from '../rules/engine/fix/guard.ts';
import type { FileName } from '../migrations/compare.ts';
import type { TableReport } from '../verify/report/report.ts';
import type { Finding } from '../shared/finding.ts';
import type { Answers } from './answers.ts';
import type { JournalProject } from './journal-schema.ts';

/**
 * What a step has to say in the report. Journaled under the step, so that a resumed run says it once. Holds no secret.
 */
export interface StepOutput {
  /** A few words on the result, for the progress display. */
  summary?: string;
  /** What was proven, one line each. */
  proven: string[];
  /** What the user should know, one sentence each. */
  notes: string[];
  /** Warnings; errors end the run where they are found. Without the source line, which may hold anything. */
  findings: Finding[];
  /** Migrations that this step ran. */
  applied: (FileName & { ms: number })[];
  /** Migrations that had been applied before. */
  skipped: FileName[];
  /** Name of the file beside the journal that has the matrix of the isolation proof. */
  matrix?: string;
}

/** The output of a step that has said nothing yet. */
export function emptyOutput(): StepOutput {
  return { proven: [], notes: [], findings: [], applied: [], skipped: [] };
}

/** How far a step got: a crash leaves `started`. */
export interface JournalStep {
  id: string;
  status: 'started' | 'done';
  /** Duration in ms, once done. */
  ms?: number;
  output: StepOutput;
}

/** Facts that steps keep for later steps and for a run that is resumed after a crash. Holds no secret. */
export interface JournalData {
  /** The kit's commit: a resumed run takes the same one, even if the branch has moved in the meantime. */
  commit?: string;
  /** The folder of migrations that was chosen of several in the kit. */
  core?: string;
  /** Where the history goes: a new repository, the empty one in the directory, or nowhere. */
  repository?: 'own' | 'existing' | 'none';
  /** Where the kit came from, to be the remote `upstream`. */
  upstream?: string;
  /** Files that the kit contains although its own `.gitignore` names them. */
  ignored?: string[];
  /** The tables that the extension adds as `schema.name`, and whose rows they hold. */
  tables?: { name: string; scope: string; open?: boolean }[];
  project?: JournalProject;
  /** What was applied to a local target during the rehearsal, until the step that migrates reports it. */
  ahead?: { applied: (FileName & { ms: number })[]; notes: string[] };
  /** What `--fix` fixed, class by class, and which of it changes who may do what. */
  repairs?: { classes: { rule: string; files: string[] }[]; decisions: Decision[]; access: AccessReport };
}

export type { JournalProject };

/** `.muse/journal.json`: how far a run got, and what its steps had to say. */
export interface Journal {
  version: 2;
  /** Which list of steps. */
  pipeline: 'create' | 'provision';
  answers: Answers;
  /** The topmost directory that this run made, and may remove again. */
  made?: string;
  steps: JournalStep[];
  data: JournalData;
  /** Set when everything is done. */
  finished?: boolean;
}

/** Keeps the matrix of an isolation proof beside the journal, which would grow too large to be written at every step. */
export async function writeMatrix(directory: string, tables: readonly TableReport[]): Promise<string> {
  await writeWhole(join(directory, '.muse', matrixName), JSON.stringify(tables));
  return matrixName;
}

const matrixName = 'isolation.json';

/** The matrix that an output names; empty where the file is gone. */
export async function readMatrix(
  directory: string,
  { matrix }: Required<Pick<StepOutput, 'matrix'>>,
): Promise<TableReport[]> {
  const text = await readText(join(directory, '.muse', matrix));
  return text === undefined ? [] : (JSON.parse(text) as TableReport[]);
}

/** Path of the journal in a muse. */
function journalPath(directory: string): string {
  return join(directory, '.muse', 'journal.json');
}

/** Where a run keeps its journal, besides the muse's directory: so that it can be continued on another machine. */
export interface JournalStorage {
  /** What was written last, as it was; undefined where nothing was. */
  read(): Promise<unknown>;
  /** Keeps the journal before it resolves. What it throws ends the run. */
  write(journal: Journal): Promise<void>;
}

/**
 * The journal in a directory, or undefined if there is none.
 * @throws MuseError `journal-unreadable` for one of a later version, or a damaged one: what is wrong, and where
 */
export async function readJournal(directory: string): Promise<Journal | undefined> {
  const path = journalPath(directory);
  const text = await readText(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable(path, `it is not valid JSON: ${(error as Error).message}`, error);
  }
  return parseJournal(value, path);
}

/**
 * A journal from data of any origin.
 * @param path where it was, for the error
 * @throws MuseError `journal-unreadable`
 */
export async function parseJournal(value: unknown, path: string): Promise<Journal> {
  const [{ journalSchema }, { pathText, problemsOf }] = await Promise.all([
    import('./journal-schema.ts'),
    import('../shared/schema.ts'),
  ]);
  const journal = isVersion1(value) ? fromVersion1(value) : value;
  const [problem] = problemsOf(journalSchema, journal);
  if (problem !== undefined)
    throw unreadable(path, `${problem.path.length === 0 ? '' : `${pathText(problem.path)}: `}${problem.message}`);
  return journal as Journal;
}

function unreadable(path: string, why: string, cause?: unknown): MuseError {
  return new MuseError({
    code: 'journal-unreadable',
    message: `${path} is not a journal that this version can read: ${why}.`,
    suggestion: 'Use the version of create-muse that started the run, or delete the directory and start again.',
    cause,
  });
}

/** Version 1 kept what was proven for the run as a whole, and the rest of the steps' output in memory only. */
interface JournalVersion1 extends Omit<Journal, 'version' | 'steps' | 'data'> {
  version: 1;
  steps: Omit<JournalStep, 'output'>[];
  data: JournalData & { proven?: string[] };
}

/** Says whether a journal claims to be of version 1; only the parts that the conversion reads are checked here. */
function isVersion1(value: unknown): value is JournalVersion1 {
  const { version, steps, data } = (value ?? {}) as Partial<JournalVersion1>;
  return (
    version === 1 &&
    Array.isArray(steps) &&
    typeof data === 'object' &&
    data !== null &&
    (data.proven === undefined || Array.isArray(data.proven))
  );
}

function fromVersion1({ steps, data: { proven = [], ...data }, ...rest }: JournalVersion1): Journal {
  // The rehearsal comes first of the steps that prove something, and is done in every run that can be resumed.
  const withOutput = steps.map((step) => ({
    ...step,
    output: { ...emptyOutput(), ...(step.id === 'rehearse' ? { proven: [...new Set(proven)] } : {}) },
  }));
  return { ...rest, version: 2, steps: withOutput, data };
}

/** Writes the journal whole, so that a crash leaves the old one or the new one. */
export async function writeJournal(directory: string, journal: Journal): Promise<void> {
  await writeWhole(journalPath(directory), `${JSON.stringify(journal, undefined, 2)}\n`);
}

/**
 * The project that an earlier step of the run chose.
 * @throws MuseError `journal-unreadable` for a journal that has lost it
 */
export function chosenProject({ answers, data }: Journal): JournalProject {
  if (data.project === undefined)
    throw unreadable(journalPath(answers.directory), 'it does not name the Supabase organization and region');
  return data.project;
}

/** Makes a step run again, in its place. */
export function redo(journal: Journal, id: string): void {
  const entry = journal.steps.find((step) => step.id === id);
  if (entry !== undefined) entry.status = 'started';
}

/** Makes a step, and all steps after it, run again. */
export function redoFrom(journal: Journal, id: string): void {
  const first = journal.steps.findIndex((step) => step.id === id);
  if (first !== -1) journal.steps.splice(first);
}

/** Forgets a project that is deleted; what was asked for stays, for the next one. */
export function forgetProject(journal: Journal): void {
  const { project } = journal.data;
  if (project === undefined) return;
  const { organization, selection, size } = project;
  journal.data.project = {
    organization,
    ...(selection === undefined ? {} : { selection }),
    ...(size === undefined ? {} : { size }),
  };
  redoFrom(journal, 'project');
}
