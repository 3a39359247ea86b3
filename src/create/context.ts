import { join } from 'node:path';
import type { Database } from '../database/database.ts';
import type { FetchedKit } from '../kit/fetch.ts';
import type { MigrationFiles } from '../migrations/read.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import type { Lazy } from '../shared/lazy.ts';
import type { Cloud } from '../targets/cloud.ts';
import type { Opened } from '../targets/target.ts';
import type { Answers, Secrets } from './answers.ts';
import type { Journal } from './journal.ts';
import type { StepEvents, StepResult } from './step.ts';
import type { TargetWork } from './target-work.ts';

/** A target, open until it is closed. */
export interface OpenTarget extends Opened, TargetWork {
  close(): Promise<void>;
}

/** What every step has: what came in, and the connections that steps share. */
export interface Run extends StepEvents {
  readonly answers: Answers;
  readonly secrets: Secrets;
  /** Absolute path of the muse. */
  readonly directory: string;
  /** Where the muse is put together until the rehearsal passes; `muse provision` works in `directory` itself. */
  readonly stage: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Nothing outside the stage may change: the run only finds out what it would do. */
  readonly dryRun: boolean;
  /** Asks a yes-or-no question during the run; absent where there is nobody to ask. */
  readonly agree?: (question: string) => Promise<boolean>;
  /** Asks which of several to take, and resolves to its index; absent where there is nobody to ask. */
  readonly choose?: (question: string, choices: readonly string[]) => Promise<number>;
  readonly journal: Journal;
  /** Writes the journal. */
  readonly save: () => Promise<void>;
  /** How each step of this run ended. */
  readonly results: StepResult[];
  /** git's version, asked once; undefined if the run needs no git. */
  readonly git: () => Promise<string | undefined>;
  /** The shadow database, which the rehearsal uses up. */
  readonly shadow: Lazy<Database>;
  /** The target; the first step that needs it opens it. */
  readonly opened: Lazy<OpenTarget>;
  /** The database of `opened`. */
  readonly target: () => Promise<Database>;
  /** The Management API, from settings that are read once. */
  readonly cloud: () => Promise<Cloud>;
}

/** The kit's files are in the stage. */
export interface Fetched extends Run {
  kit: FetchedKit;
}

/** There is a muse.json, in the stage or in a muse that already exists. */
export interface Configured extends Run {
  museFile: MuseFile;
  /** All migrations that came with the kit, those that are archived later included; absent for an existing muse. */
  kitFiles?: MigrationFiles;
}

/** The muse is in place, and its migrations are read. */
export interface Placed extends Configured {
  files: MigrationFiles;
}

/** The stage of a directory: inside it, so that moving out of it is a rename. */
export function stageOf(directory: string): string {
  return join(directory, '.muse', 'stage');
}
