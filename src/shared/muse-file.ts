/** The shape of `muse.json`: committed, holds no secret. */

/** How tenants are isolated: Supabase's `auth.uid()`, or session variables that the app's own connection sets. */
export type Isolation = 'auth-uid' | 'session';

/** With session variables: the roles, and the names of the variables that the app's own connection sets. */
export interface SessionTenancy {
  /** The role that the app works as; it owns nothing, so row-level security applies to it. */
  role: string;
  /** The role for work across tenants; every use of it is logged. */
  superadminRole: string;
  /** Holds the id of the organization. */
  organization: string;
  /** Holds the id of the user. */
  user: string;
  /** The kit's own policies open every row where this one is `true`. */
  superadmin?: string;
}

/** Where a muse keeps its migrations. Paths are relative to the muse's directory, with `/`. */
export interface MigrationFolders {
  core: string[];
  extensions: string[];
  rollback: string;
  archive: string;
  /** How the files of a folder are named and ordered, by the layout: a form of `src/migrations/forms.ts`. */
  order: MigrationOrder;
}

/** The forms of migrations, each for what `src/migrations/forms.ts` says. */
export const migrationOrders = [
  'number',
  'timestamp',
  'journal',
  'flyway',
  'pair',
  'db-migrate',
  'goose',
  'dbmate',
  'sql-migrate',
  'node-pg-migrate',
  'folder',
  'up-folder',
  'sqitch',
  'committed',
  'atlas',
  'postgrator',
  'dotted',
  'gathered',
  'schema',
] as const;

export type MigrationOrder = (typeof migrationOrders)[number];

/**
 * One environment of a muse. Which of the keys it may have is up to its target (`settings` in `src/targets/<target>.ts`).
 * The database's password and URL are in `.env.local`, never here.
 */
export interface Environment {
  /** Name of a target, as `src/targets/targets.ts` lists them. */
  target: string;
  /** Supabase project ref. */
  ref?: string;
  region?: string;
  organization?: string;
  /** `postgres`: the variable of `.env.local` that holds the URL; default `DATABASE_URL`. */
  urlVariable?: string;
  /** Path, relative to the muse with `/`, of the certificate that the server's identity is verified with. */
  databaseCa?: string;
}

export type EnvironmentName = 'development' | 'staging' | 'production';

export interface MuseFile {
  /** The JSON Schema that editors complete and check the file with. */
  $schema?: string;
  version: 1;
  name: string;
  kit: {
    /** As the user gave it, without credentials: `builtin`, a URL, `owner/repo` or a path. */
    source: string;
    /** The branch, tag or commit that was asked for. */
    ref?: string;
    /** The commit that was cloned, 40 hex; for `builtin` `create-muse@<version>`. */
    commit: string;
    /** The commit "Take the kit" of the muse's own repository: what a later upgrade merges from. */
    base?: string;
    /** The version of create-muse that took the kit. */
    tool?: string;
    /** Layout id of `src/kit/layouts.ts`, or `custom` with `--core`. */
    layout: string;
  };
  migrations: MigrationFolders;
  isolation: Isolation;
  /** With isolation `session`. */
  session?: SessionTenancy;
  /** Table prefix with its underscore, e.g. `kv_`; empty for none. */
  prefix: string;
  presets: string[];
  /** Modules of the built-in kit that were left out, e.g. `social`. */
  without?: string[];
  environments: Partial<Record<EnvironmentName, Environment>>;
  /** More paths to prune from the kit than the built-in list. */
  prune?: string[];
  /** Severities that this muse sets itself; `off` silences a warning. */
  rules?: Partial<Record<string, 'error' | 'warning' | 'off'>>;
}

/** A muse on disk. */
export interface Muse {
  /** Absolute path. */
  directory: string;
  museFile: MuseFile;
}
