/** Options and results of the public API's calls on a muse. */
import type { MigrateResult as AppliedMigrations } from '../migrations/apply.ts';
import type { RollbackTarget } from '../migrations/rollback-plan.ts';
import type { TimeLimits } from '../migrations/session-state.ts';
import type { RehearsalReport } from '../rehearsal/rehearse.ts';
import type { CallOptions } from '../shared/call.ts';
import type { Finding } from '../shared/finding.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import type { TargetKind } from '../targets/kinds.ts';
import type { AddedEnvironment, ListedEnvironment } from './environment-list.ts';
import type { OfflineReport } from './verify-offline.ts';
import type { MuseProof } from './verify.ts';

/** Options of calls about one database. */
export interface EnvironmentOptions extends CallOptions {
  /** Which environment of `muse.json`. Default: `development`. */
  env?: EnvironmentName;
}

/** Options of calls that change a guarded database. */
export interface GuardedOptions extends EnvironmentOptions {
  /** Consent: the name of the environment that may be changed, e.g. `production`. */
  confirm?: string;
  /** Called with each line of progress. */
  onProgress?(text: string): void;
}

export interface StatusOptions extends CallOptions {
  /** A single environment. Default: all of them. */
  env?: EnvironmentName;
  /** Also compares the schema with the migrations. */
  drift?: boolean;
}

export interface NewOptions extends CallOptions {
  /** Tables to create, in the syntax of `--table`: `notes: title text!, owner user`. */
  tables?: readonly string[];
  /** Copies rows between tables instead; `map` has the source's column for each target column. */
  copy?: { from: string; to: string; map?: Readonly<Record<string, string>> };
}

export interface LintOptions extends CallOptions {
  /** Paths of migrations, rollbacks or seeds, relative to the muse. */
  files?: readonly string[];
}

export interface EnvOptions extends CallOptions {
  /** Adds this environment to `muse.json`. */
  add?: EnvironmentName;
  /** With `add`: where its database is. Default: `postgres`. */
  target?: TargetKind;
}

export interface EnvResult {
  environments: ListedEnvironment[];
  /** With `add`: what was written, and what is to be filled in. */
  added?: AddedEnvironment;
}

/** The static rules' findings. */
export interface LintResult {
  findings: Finding[];
  /** Findings that a comment in the SQL ignores. */
  silenced: number;
  /** How many migrations were read. */
  files: number;
}

export interface FixOptions extends CallOptions {
  /** Returns the diffs and changes nothing. */
  dryRun?: boolean;
  /** Also makes the repairs that widen access. Without it, they are listed in `access.withheld`. */
  allowWidening?: boolean;
  onProgress?(text: string): void;
}

export interface RehearseResult extends Pick<
  RehearsalReport,
  'findings' | 'files' | 'unchanged' | 'once' | 'rolledBack'
> {
  /** Findings that a comment in the SQL ignores. */
  silenced: number;
}

export interface MigrateOptions extends GuardedOptions, TimeLimits {
  /** Applies files to production that staging has not applied. */
  force?: boolean;
  /** Accepts applied files that were edited since. */
  acceptEdited?: boolean;
  /** Adds Supabase's schemas and roles to a plain PostgreSQL server first. */
  supabaseBaseline?: boolean;
}

export interface MigrateResult extends AppliedMigrations {
  /** Production: absolute path of the backup that was made first. */
  backup?: string;
  /** Production: findings of the verification afterwards, none of them errors. */
  findings?: Finding[];
}

export interface RollbackOptions extends GuardedOptions, RollbackTarget, TimeLimits {
  /** Consent: tables and columns that hold data may be dropped. */
  allowDataLoss?: boolean;
}

export interface ResetOptions extends CallOptions {
  /** Consent: the rows of development may be dropped. */
  allowDataLoss?: boolean;
  onProgress?(text: string): void;
}

export interface TypesOptions extends EnvironmentOptions {
  /** Where to write: absolute, or relative to the muse; `-` for nowhere. Default: in its app, if it has one. */
  out?: string;
  /** Only compares the file with the database. */
  check?: boolean;
  /** The schemas that the Data API serves. Default: `public`. */
  schemas?: readonly string[];
}

export interface VerifyOptions extends EnvironmentOptions {
  /** Proves a copy of the schema. The database itself is only read. */
  offline?: boolean;
  /** How far the proof is, where the connection delivers that. */
  onProgress?(text: string): void;
}

/** What was proven. The last two properties are for an offline proof. */
export type VerifyResult = MuseProof & Partial<Pick<OfflineReport, 'standIns' | 'notCopied'>>;

export interface DestroyOptions extends EnvironmentOptions {
  /** Consent: the ref or the name of the Supabase project. */
  confirm: string;
  /** Called each time that a request to Supabase has to wait. */
  onWait?(): void;
}
