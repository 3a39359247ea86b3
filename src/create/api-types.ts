/** Options and results of the public API's runs of the pipeline. */
import type { CallOptions } from '../shared/call.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';
import type { Answers } from './answers.ts';
import type { CreateReport } from './create-report.ts';
import type { StepEvents } from './step.ts';

/** Options of a run of the pipeline, besides its answers. */
export interface PipelineOptions extends CallOptions, StepEvents {
  /** Consent: if a Supabase project that this run created does not start, it is deleted and created again. */
  recreateFailedProject?: boolean;
  /** Sets the first admin's password and returns it once, in the result. Default: the admin is invited by email. */
  returnAdminPassword?: boolean;
}

/**
 * The answers that `create-muse` asks for. Only the name has no default. Relative paths are resolved against the
 * working directory.
 */
export interface CreateOptions extends PipelineOptions, Partial<Omit<Answers, 'name' | 'environment'>> {
  name: string;
  /** URL of the PostgreSQL server for the target `postgres`. Default: `DATABASE_URL`. */
  databaseUrl?: string;
}

/** The answers that can be replaced when a run continues. */
export interface ResumeOptions extends PipelineOptions, Partial<Pick<Answers, 'supabase' | 'databaseCa'>> {
  /** URL of the PostgreSQL server, which is never stored. Default: `DATABASE_URL`. */
  databaseUrl?: string;
}

/** The result of a run of the pipeline. */
export interface CreateResult extends Omit<CreateReport, 'ok' | 'error' | 'adminPassword'> {
  /** Only with `returnAdminPassword`. It is never stored. */
  adminPassword?: string;
}

export interface ProvisionOptions extends PipelineOptions, Partial<Pick<Answers, 'supabase' | 'databaseCa'>> {
  /** The project's environment. Default: `development`. */
  env?: EnvironmentName;
}
