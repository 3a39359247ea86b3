import { join } from 'node:path';
import { MuseError } from '../shared/error.ts';
import { readText, writeWhole } from '../shared/files.ts';
import type { Decision } from '../rules/engine/fix/fix.ts';
import type { Answers } from './answers.ts';
import type { JournalProject } from './journal-schema.ts';

/** How far a step got: a crash leaves `started`. */
export interface JournalStep {
  id: string;
  status: 'started' | 'done';
  /** Duration in ms, once done. */
  ms?: number;
}

/** What steps remember for the ones after them, and for a run that goes on after a crash. Holds no secret. */
export interface JournalData {
  /** The kit's commit: a resumed run takes the same one, wherever the branch has moved meanwhile. */
  commit?: string;
  /** Where the kit came from, to be the remote `upstream`. */
  upstream?: string;
  /** Files of the kit that its own `.gitignore` names, and that it has all the same. */
  ignored?: string[];
  /** `schema.name` of the tables that the extension adds, with whose rows they hold. */
  tables?: { name: string; scope: string }[];
  project?: JournalProject;
  /** What was shown to hold, for the summary of a resumed run. */
  proven?: string[];
  /** What `--fix` mended, class by class, and what of it changes who may do what. */
  repairs?: { classes: { rule: string; files: string[] }[]; decisions: Decision[] };
}

export type { JournalProject };

/** `.muse/journal.json`: how far a provisioning got. */
export interface Journal {
  version: 1;
  /** Which list of steps. */
  pipeline: 'create' | 'provision';
  answers: Answers;
  /** The topmost directory that this run made, so that it may take it away again. */
  made?: string;
  steps: JournalStep[];
  data: JournalData;
  /** Set when everything is done. */
  finished?: boolean;
}

/** Path of the journal in a muse. */
function journalPath(directory: string): string {
  return join(directory, '.muse', 'journal.json');
}

/**
 * The journal in a directory, or undefined where there is none.
 * @throws MuseError `journal-unreadable` for one that a later version wrote, or that is damaged: what is wrong, and where
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
  const [{ journalSchema }, { pathText, problemsOf }] = await Promise.all([import('./journal-schema.ts'), import('../shared/schema.ts')]);
  const [problem] = problemsOf(journalSchema, value);
  if (problem !== undefined) throw unreadable(path, `${problem.path.length === 0 ? '' : `${pathText(problem.path)}: `}${problem.message}`);
  return value as Journal;
}

function unreadable(path: string, why: string, cause?: unknown): MuseError {
  return new MuseError({
    code: 'journal-unreadable',
    message: `${path} is not a journal that this version can read: ${why}.`,
    suggestion: 'Use the version of create-muse that began the run, or remove the directory and start again.',
    cause,
  });
}

/** Writes the journal whole, so that a crash leaves the old one or the new one. */
export async function writeJournal(directory: string, journal: Journal): Promise<void> {
  await writeWhole(journalPath(directory), `${JSON.stringify(journal, undefined, 2)}\n`);
}

/** Has a step, and all after it, run again. */
export function redoFrom(journal: Journal, id: string): void {
  const first = journal.steps.findIndex((step) => step.id === id);
  if (first !== -1) journal.steps.splice(first);
}

/** What a journal says once its project is deleted: what is wanted stays, for the next one. */
export function forgetProject(journal: Journal): void {
  const { project } = journal.data;
  if (project === undefined) return;
  const { organization, selection, size } = project;
  journal.data.project = { organization, ...(selection === undefined ? {} : { selection }), ...(size === undefined ? {} : { size }) };
  redoFrom(journal, 'project');
}
