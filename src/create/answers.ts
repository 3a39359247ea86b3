/**
 * create/: the pipeline from a name to a muse: named, journaled steps, and the life cycle of its Supabase project.
 * May touch: the muse's directory, git, its databases, the Management API.
 */
import type { EnvironmentName, Isolation } from '../shared/muse-file.ts';
import type { TargetKind } from '../targets/kinds.ts';

/** Answers for Supabase; all optional if there is a sensible choice. */
export interface SupabaseAnswers {
  organization?: string;
  region?: string;
  size?: string;
  siteUrl?: string;
  adminEmail?: string;
  /** Adopt this project instead of creating one. */
  projectRef?: string;
  /** Seconds to wait until the project serves. */
  waitTimeout?: number;
}

/** Everything that is asked before the first effect; journaled, so it holds no secret. */
export interface Answers {
  name: string;
  /** Absolute path. */
  directory: string;
  /** Kit source as typed: `builtin`, a git URL, `owner/repo`, a path. */
  kit: string;
  ref?: string;
  /** Migration folders named by hand, for a kit whose layout is not known. */
  core?: string[];
  extensions?: string[];
  kitExtensions: 'keep' | 'archive';
  /** Modules of the built-in kit that are left out. */
  without?: string[];
  presets: string[];
  /** Table specifications as `--table` takes them. */
  tables: string[];
  /** Path of a YAML or JSON specification. */
  spec?: string;
  prefix: string;
  /** How tenants are isolated; default: as in the kit. */
  tenancy?: Isolation;
  target: TargetKind;
  /** Which environment of the muse the target is for. */
  environment: EnvironmentName;
  supabaseBaseline: boolean;
  /** Path of a certificate authority file. */
  databaseCa?: string;
  supabase: SupabaseAnswers;
  fix: boolean;
  /** With `fix`: also make the repairs that widen access. */
  allowWidening?: boolean;
  /** Prove tenant isolation; default true. */
  verify?: boolean;
  /** Whether the muse gets a repository of its own; absent: unless it is inside another one that tracks its files. */
  git?: boolean;
  /** How long a statement may take, in ms; default: 30 s in the rehearsal, on the target what its server says. */
  statementTimeoutMs?: number;
  install: boolean;
}

/** What may only be stored in `.env.local`. */
export interface Secrets {
  databaseUrl?: string;
  /** The database password of a Supabase project that is created; default: a new one. */
  databasePassword?: string;
  /** Whether a password that is made for the admin can be shown once. */
  showPassword?: boolean;
}
