import { join } from 'node:path';
import type { Database } from '../database/database.ts';
import type { Finding } from '../shared/finding.ts';
import type { FetchedKit } from '../kit/fetch.ts';
import type { FileName } from '../migrations/compare.ts';
import type { MigrationFiles } from '../migrations/read.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import type { Connected } from '../supabase/connect.ts';
import type { Secret } from '../supabase/secret.ts';
import type { Answers, Secrets } from './answers.ts';
import type { Cloud } from '../targets/cloud.ts';
import type { Journal } from './journal.ts';
import type { Lazy } from '../shared/lazy.ts';
import type { Mending } from '../muse/repair/repair.ts';
import type { StepEvents, StepResult } from './step.ts';

/** What the steps of a creation share: what came in, and what each leaves for the ones after it. */
export interface CreateContext extends StepEvents {
  readonly answers: Answers;
  readonly secrets: Secrets;
  /** Absolute path of the muse. */
  readonly directory: string;
  /** Where the muse is put together until the rehearsal is green; afterwards everything is in `directory`. */
  readonly stage: string;
  /** Where the command was called: what is printed is relative to it. */
  readonly workingDirectory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Asks for a yes or no on the way; absent where nobody can be asked. */
  readonly agree?: (question: string) => Promise<boolean>;
  readonly journal: Journal;
  readonly results: StepResult[];
  /** The throw-away database, opening since before the first step. */
  readonly throwAway: Lazy<Database>;
  /** The target's database; opened once, by the first step that needs it. */
  readonly target: Lazy<Database>;
  /** The way to Supabase; read from the settings once. */
  readonly cloud: () => Promise<Cloud>;
  /** Errors end the run where they are found; what is left here are warnings. */
  readonly findings: Finding[];
  /** What was shown to hold, for the summary. */
  readonly proven: string[];
  /** The commands to type next. */
  readonly next: string[];
  /** Things that the person should know, one sentence each. */
  readonly notes: string[];
  /** git's version, or the error that there is none. */
  git?: Promise<string> | undefined;
  kit?: FetchedKit;
  museFile?: MuseFile;
  /** What `--fix` found to mend. */
  mending?: Mending;
  /** Supabase: how its database was reached. */
  connected?: Connected;
  /** Shown once at the end of a run in a terminal, and never written down. */
  adminPassword?: Secret;
  files?: MigrationFiles;
  /** All of the kit's migrations, those among them that were then archived. */
  kitFiles?: MigrationFiles;
  applied: (FileName & { ms: number })[];
  skipped: FileName[];
}

/** The stage of a directory: inside it, so that moving out of it is a rename. */
export function stageOf(directory: string): string {
  return join(directory, '.muse', 'stage');
}

/**
 * What an earlier step must have left.
 * @throws Error where it has not: a mistake in the order of the steps
 */
export function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is missing: a step runs before the one that it needs.`);
  return value;
}
