/// <reference types="node" preserve="true" />
/**
 * The public API: everything that `create-muse` and `muse` do, as functions. Results are plain data, and every failure
 * is thrown as a {@link MuseError}. Nothing here prints, prompts or exits. docs/api.md has an example of each function.
 */
import { join, resolve } from 'node:path';
import type { Answers, SupabaseAnswers } from './create/answers.ts';
import type {
  CreateOptions,
  CreateResult,
  PipelineOptions,
  ProvisionOptions,
  ResumeOptions,
} from './create/api-types.ts';
import type { CreateReport } from './create/create-report.ts';
import type { RunOptions } from './create/create.ts';
import type { DevOptions, DevServer } from './dev/api-types.ts';
import type { Plan } from './create/dry-run.ts';
import type {
  DestroyOptions,
  EnvOptions,
  EnvResult,
  EnvironmentOptions,
  FixOptions,
  GuardedOptions,
  LintOptions,
  LintResult,
  MigrateOptions,
  MigrateResult,
  NewOptions,
  RehearseResult,
  ResetOptions,
  RollbackOptions,
  StatusOptions,
  TypesOptions,
  VerifyOptions,
  VerifyResult,
} from './muse/api-types.ts';
import type { Backup } from './muse/backup.ts';
import type { DocsResult } from './muse/docs.ts';
import type { FixResult } from './muse/fix.ts';
import { openMuse as openOnDisk } from './muse/open.ts';
import type { ResetResult } from './muse/reset.ts';
import type { RestoreResult } from './muse/restore.ts';
import type { RollbackResult } from './muse/rollback.ts';
import type { SeedResult } from './muse/seed.ts';
import type { EnvironmentStatus } from './muse/status.ts';
import type { TypesResult } from './muse/types.ts';
import { Portfolio } from './portfolio/api.ts';
import type { PortfolioOptions } from './portfolio/api-types.ts';
import { call, type CallContext as Context, type CallOptions } from './shared/call.ts';
import type { EnvironmentName, MuseFile, Muse as MuseOnDisk } from './shared/muse-file.ts';

export { type ErrorCode, errorCodes, MuseError } from './shared/error.ts';
export { type Finding, hasErrors, type Severity } from './shared/finding.ts';
export { type Rule, type RuleName, rules } from './rules/registry.ts';
export type * from './create/api-types.ts';
export type * from './dev/api-types.ts';
export type * from './muse/api-types.ts';
export type * from './portfolio/api-types.ts';
export { Portfolio } from './portfolio/api.ts';
export type {
  CallOptions,
  EnvironmentName,
  EnvironmentStatus,
  FixResult,
  MuseFile,
  Plan,
  ResetResult,
  RestoreResult,
  RollbackResult,
  SeedResult,
  SupabaseAnswers,
  TypesResult,
};

/**
 * Creates a muse: fetch the kit, scaffold, rehearse, migrate, verify, commit.
 * @throws MuseError. Before the muse is in its directory, nothing is left behind; afterwards, continue with {@link
 *   resumeMuse}
 */
export function createMuse(options: CreateOptions): Promise<CreateResult> {
  return call(options, async (context) => {
    const [answers, { createMuse: create }] = await Promise.all([answersOf(options), import('./create/create.ts')]);
    return resultOf(await create(answers, secretsOf(options, context), runOptions(options, context)));
  });
}

/**
 * Returns what {@link createMuse} would do with these options: its steps, migrations, files and requests. Changes
 * nothing.
 * @throws MuseError where {@link createMuse} would be refused, `findings` for what the rehearsal finds
 */
export function planMuse(options: CreateOptions): Promise<Plan> {
  return call(options, async (context) => {
    const [answers, { planMuse: plan }] = await Promise.all([answersOf(options), import('./create/dry-run.ts')]);
    const { error, ...planned } = await plan(answers, secretsOf(options, context), runOptions(options, context));
    if (error !== undefined) throw error;
    return planned;
  });
}

/**
 * Continues a run of {@link createMuse} or `muse.provision` that stopped, from the first unfinished step.
 * @param directory of the muse
 * @throws MuseError `nothing-to-resume`, `bad-change` for an answer that can no longer change
 */
export function resumeMuse(directory: string, options: ResumeOptions = {}): Promise<CreateResult> {
  return call(options, async (context) => {
    const { resumeMuse: resume } = await import('./create/create.ts');
    const changes = {
      ...(options.supabase === undefined ? {} : { supabase: options.supabase }),
      ...certificateOf(options),
    };
    return resultOf(
      await resume(resolve(directory), secretsOf(options, context), runOptions(options, context), changes),
    );
  });
}

/**
 * Opens the muse at a path, or in the nearest directory above it.
 * @throws MuseError `no-muse`, `muse-json-unreadable`
 */
export function openMuse(path = '.'): Promise<Muse> {
  return call({}, async () => new Muse(await openOnDisk(path)));
}

/**
 * Serves a muse's database as a local Supabase: Data API, Auth, Storage, Realtime and PostgreSQL's own protocol, on this
 * machine only. Close it at the end.
 * @throws MuseError `no-muse`, `dev-running` if another process serves the environment, `bad-target` for a Supabase
 *   project, and what opening the database throws
 */
export function startDev(options: DevOptions = {}): Promise<DevServer> {
  return call(options, async ({ environment, signal }) => {
    const { directory = '.', env = 'development', dashboard = false, port, databasePort, confirm, onNote } = options;
    const [muse, { serve }] = await Promise.all([openOnDisk(directory), import('./dev/dev.ts')]);
    const { filled: _filled, ...server } = await serve(muse, {
      environment: env,
      variables: environment,
      dashboard,
      consent: given({ confirmed: confirm }),
      ...given({ port, databasePort, onNote }),
      signal,
    });
    return server;
  });
}

/**
 * Opens the portfolio of this user, or the one at `registry` that a team shares; creates it where there is none. Close it at
 * the end.
 * @throws MuseError `bad-registry`, `database-in-use`, and what connecting throws
 */
export function openPortfolio(options: PortfolioOptions = {}): Promise<Portfolio> {
  return call(options, async (context) => {
    const [{ openOwnPortfolio }, { checkProduct, createProduct }] = await Promise.all([
      import('./portfolio/portfolio.ts'),
      import('./create/create-product.ts'),
    ]);
    const { registry: url, directory, onNote } = options;
    const creator = { check: checkProduct, create: createProduct };
    const own = await openOwnPortfolio({ ...context, url, directory, onNote, creator });
    return new Portfolio(own, context.environment);
  });
}

/** A muse on disk. Each call reads `muse.json` again, so changes by other programs take effect. */
export class Muse {
  /** Absolute path. */
  readonly directory: string;
  #museFile: MuseFile;

  /** Use {@link openMuse} instead. */
  constructor({ directory, museFile }: MuseOnDisk) {
    this.directory = directory;
    this.#museFile = museFile;
  }

  /** `muse.json` as of the last call. */
  get museFile(): MuseFile {
    return this.#museFile;
  }

  /**
   * Returns which migrations are applied, pending, edited or missing. An environment that cannot be reached has an
   * `error`.
   */
  status({ env, drift = false, ...options }: StatusOptions = {}): Promise<EnvironmentStatus[]> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const { museStatus, museStatuses } = await import('./muse/status.ts');
      if (env === undefined) return museStatuses(muse, environment, { drift, signal });
      return [await museStatus(muse, env, environment, { drift, signal })];
    });
  }

  /** Creates an extension migration with its rollback. Returns the paths of the files, relative to the muse. */
  new(title: string, { tables = [], copy, ...options }: NewOptions = {}): Promise<{ files: string[] }> {
    return this.#call(options, async (muse) => {
      const { newDataInMuse, newInMuse } = await import('./muse/new.ts');
      if (copy === undefined) return { files: await newInMuse(muse, title, tables) };
      return { files: await newDataInMuse(muse, title, { ...copy, map: Object.entries(copy.map ?? {}) }) };
    });
  }

  /** Checks all migrations without a database; with `files`, only what is found in those is returned. */
  lint({ files = [], ...options }: LintOptions = {}): Promise<LintResult> {
    return this.#call(options, async (muse) => {
      const paths = files.map((file) => resolve(muse.directory, file));
      return (await import('./muse/lint.ts')).lintMuse(muse, paths);
    });
  }

  /** Fixes what can be fixed, with one commit per rule. The remaining findings are in `findings`. */
  fix({ dryRun = false, allowWidening = false, onProgress, ...options }: FixOptions = {}): Promise<FixResult> {
    return this.#call(options, async (muse, context) => {
      const { fixMuse } = await import('./muse/fix.ts');
      return fixMuse(muse, { ...context, dryRun, mayWiden: () => allowWidening, ...given({ onProgress }) });
    });
  }

  /** Runs all migrations twice on a shadow database, rolls the extensions back, and runs every check. */
  rehearse(options: CallOptions = {}): Promise<RehearseResult> {
    return this.#call(options, async (muse, { signal }) => {
      const { findings, silenced, rehearsal } = await (
        await import('./muse/rehearse.ts')
      ).rehearseMuse(muse, { signal });
      const { files, unchanged, once, rolledBack } = rehearsal;
      return { findings, silenced, files, unchanged, once, rolledBack };
    });
  }

  /**
   * Rehearses, then applies pending migrations.
   * @throws MuseError `findings` if the rehearsal, or the verification of production afterwards, has errors
   */
  migrate({ env = 'development', confirm, onProgress, ...options }: MigrateOptions = {}): Promise<MigrateResult> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const { migrateMuse } = await import('./muse/migrate.ts');
      const { error, ...result } = await migrateMuse(muse, env, environment, {
        ...options,
        signal,
        ...given({ confirmed: confirm, onPhase: onProgress }),
      });
      if (error !== undefined) throw error;
      return inPlace(muse, result);
    });
  }

  /**
   * Rolls back the newest migrations: one, `steps` of them, or all after `to`.
   * @throws MuseError `data-would-be-lost` without `allowDataLoss`
   */
  rollback({
    env = 'development',
    confirm,
    onProgress,
    allowDataLoss = false,
    ...options
  }: RollbackOptions = {}): Promise<RollbackResult> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const { rollbackMuse } = await import('./muse/rollback.ts');
      const guard = { ...options, signal, ...given({ confirmed: confirm, onPhase: onProgress }) };
      return inPlace(
        muse,
        await rollbackMuse(muse, env, environment, options, () => Promise.resolve(allowDataLoss), guard),
      );
    });
  }

  /** Runs the files in `seeds/`. Any environment but development needs `confirm`. */
  seed({ env = 'development', confirm, onProgress, ...options }: GuardedOptions = {}): Promise<SeedResult> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const { seedMuse } = await import('./muse/seed.ts');
      return inPlace(
        muse,
        await seedMuse(muse, env, environment, { signal, ...given({ confirmed: confirm, onProgress }) }),
      );
    });
  }

  /**
   * Recreates the development database: drop, migrate, seed.
   * @throws MuseError `bad-confirmation` if there are rows and `allowDataLoss` is not set
   */
  reset({ allowDataLoss = false, onProgress, ...options }: ResetOptions = {}): Promise<ResetResult> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const { resetMuse } = await import('./muse/reset.ts');
      return resetMuse(muse, environment, {
        agree: () => Promise.resolve(allowDataLoss),
        signal,
        ...given({ onPhase: onProgress }),
      });
    });
  }

  /** Saves the data of an environment to a file, whose absolute path it returns. */
  backup({ env = 'development', ...options }: EnvironmentOptions = {}): Promise<Backup> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const { file, ...rows } = await (await import('./muse/backup.ts')).backupMuse(muse, env, environment, { signal });
      return { file: join(muse.directory, file), ...rows };
    });
  }

  /**
   * Restores the data of an environment from a backup. Always needs `confirm`, because it replaces all rows.
   * @param file a file written by {@link Muse.backup}
   */
  restore(
    file: string,
    { env = 'development', confirm, onProgress, ...options }: GuardedOptions & { confirm: string },
  ): Promise<RestoreResult> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const [{ needConsent }, { restoreMuse }] = await Promise.all([
        import('./muse/guard.ts'),
        import('./muse/restore.ts'),
      ]);
      const consent = given({ confirmed: confirm });
      needConsent(env, consent, `muse restore ${file}`);
      return inPlace(
        muse,
        await restoreMuse(muse, env, environment, resolve(file), { ...consent, signal, ...given({ onProgress }) }),
      );
    });
  }

  /** Proves by acting as users that tenants are isolated. Leaves nothing behind. Violations are in `findings`. */
  verify({ env = 'development', offline = false, onProgress, ...options }: VerifyOptions = {}): Promise<VerifyResult> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const hooks = { signal, onProgress };
      if (offline) return (await import('./muse/verify-offline.ts')).verifyOffline(muse, env, environment, hooks);
      return (await import('./muse/verify.ts')).verifyMuse(muse, env, environment, hooks);
    });
  }

  /** The environments of `muse.json`; with `add`, after adding one with its secrets file. */
  env({ add, target, ...options }: EnvOptions = {}): Promise<EnvResult> {
    return this.#call(options, async (muse) => {
      const { addEnvironment, defaultEnvironmentTarget, listEnvironments } = await import('./muse/environment-list.ts');
      if (add === undefined) return { environments: await listEnvironments(muse) };
      const added = await addEnvironment(muse, add, target ?? defaultEnvironmentTarget(add));
      return { environments: await listEnvironments(await openOnDisk(muse.directory)), added };
    });
  }

  /** Updates the list of tables in README.md, and the picture of the schema in docs/schema.svg. */
  docs(options: CallOptions = {}): Promise<DocsResult> {
    return this.#call(options, async (muse) => (await import('./muse/docs.ts')).documentMuse(muse));
  }

  /** Writes TypeScript types of the database, as `supabase gen types typescript` gives them; with `check`, only compares. */
  types({ env = 'development', out, check, schemas, ...options }: TypesOptions = {}): Promise<TypesResult> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const { museTypes } = await import('./muse/types.ts');
      return museTypes(muse, env, environment, { signal, ...given({ out, check, schemas }) });
    });
  }

  /**
   * Creates a Supabase project for an environment, or uses the one in `supabase.projectRef`, then migrates and
   * configures it.
   */
  provision(options: ProvisionOptions = {}): Promise<CreateResult> {
    return this.#call(options, async (muse, context) => {
      const [{ provisionAnswers }, { provisionMuse }] = await Promise.all([
        import('./create/defaults.ts'),
        import('./create/create.ts'),
      ]);
      const answers = provisionAnswers(muse, {
        environment: options.env ?? 'development',
        supabase: options.supabase ?? {},
        ...certificateOf(options),
      });
      return resultOf(await provisionMuse(muse, answers, secretsOf(options, context), runOptions(options, context)));
    });
  }

  /** Permanently deletes the Supabase project of an environment. The directory stays. */
  destroy({
    env = 'development',
    confirm,
    onWait,
    ...options
  }: DestroyOptions): Promise<{ ref: string; deleted: boolean }> {
    return this.#call(options, async (muse, { environment, signal }) => {
      const { destroyMuse } = await import('./create/destroy.ts');
      const { ref, name } = await destroyMuse(muse, env, environment, () => Promise.resolve(confirm), onWait, signal);
      return { ref, deleted: name !== undefined };
    });
  }

  async #call<T>(options: CallOptions, work: (muse: MuseOnDisk, context: Context) => Promise<T>): Promise<T> {
    return call(options, async (context) => {
      const muse = await openOnDisk(this.directory);
      this.#museFile = muse.museFile;
      return work(muse, context);
    });
  }
}

async function answersOf(options: CreateOptions): Promise<Answers> {
  return (await import('./create/defaults.ts')).withDefaults({ supabase: {}, ...options }, process.cwd());
}

function secretsOf(
  { databaseUrl, returnAdminPassword = false }: ResumeOptions,
  { environment }: Context,
): { databaseUrl?: string; showPassword: boolean } {
  return { showPassword: returnAdminPassword, ...given({ databaseUrl: databaseUrl ?? environment['DATABASE_URL'] }) };
}

function runOptions(
  { onStep, onProgress, recreateFailedProject = false }: PipelineOptions,
  context: Context,
): RunOptions {
  return {
    ...context,
    ...given({ onStep, onProgress }),
    ...(recreateFailedProject ? { agree: () => Promise.resolve(true) } : {}),
  };
}

function certificateOf({ databaseCa }: { databaseCa?: string }): { databaseCa?: string } {
  return databaseCa === undefined ? {} : { databaseCa: resolve(databaseCa) };
}

/** @throws MuseError the report's error, if the run stopped */
function resultOf({ ok: _ok, error, adminPassword, ...report }: CreateReport): CreateResult {
  if (error !== undefined) throw error;
  return adminPassword === undefined ? report : { ...report, adminPassword: adminPassword.reveal() };
}

/** Returns the result with the absolute path of its backup. */
function inPlace<T extends { backup?: string }>({ directory }: MuseOnDisk, result: T): T {
  return result.backup === undefined ? result : { ...result, backup: join(directory, result.backup) };
}

/** The options that were given. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
