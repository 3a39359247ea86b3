import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { hasErrors } from '../shared/finding.ts';
import { fileDone } from '../shared/hooks.ts';
import { once } from '../shared/lazy.ts';
import { migrate, type MigrateProgress } from '../migrations/apply.ts';
import { compare } from '../migrations/compare.ts';
import type { Migration } from '../sql/migration.ts';
import { readHistory } from '../migrations/history.ts';
import { readReadable } from './readable.ts';
import type { EnvironmentName, Muse } from '../shared/muse-file.ts';
import type { IsolationReport } from '../verify/report/report.ts';
import { type OpenEnvironment, openEnvironment } from '../targets/open.ts';
import { commandFor, needConsent } from './guard.ts';
import type { ProductionOptions, ProductionResult } from './guard-production.ts';
import type { rehearsePending } from './rehearse-pending.ts';

/** How a run of migrations is confirmed, limited, followed and stopped. */
export interface MigrateMuseOptions extends Omit<
  ProductionOptions,
  'prepare' | 'onProgress' | 'beforeRun' | 'command'
> {
  /** Installs what every Supabase project has on a plain PostgreSQL server first. */
  supabaseBaseline?: boolean;
  /** Prove tenant isolation; default true. */
  verify?: boolean;
  /** Finds out whether the pending files can be applied; default {@link rehearsePending}. */
  rehearse?: typeof rehearsePending;
}

/**
 * Applies the pending migrations of an environment, after a rehearsal of all of them where there are any. What they change is
 * proven to keep tenants apart: in a local development database once they are applied, for any other on the rehearsal's,
 * before anything is applied. Production also requires that staging has applied them, its name as a confirmation, and a
 * backup, and is verified afterwards.
 * @returns with `error` where the files are applied and the proof has errors
 * @throws MuseError `bad-confirmation` for production without a way to confirm; `findings` where the rehearsal or the proof
 *   before it says no; what opening the database, `migrate` and `migrateProduction` throw
 */
export async function migrateMuse(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  options: MigrateMuseOptions = {},
): Promise<ProductionResult> {
  if (name === 'production') needConsent(name, options, 'muse migrate --env production');
  const { database, migrations, target } = await openBeside(muse, name, environment, options);
  const provesAfter = name === 'development' && target.local;
  let prepare = (): Promise<void> => Promise.resolve();
  let isolation: IsolationReport | undefined;
  const beforeRun = async (pending: readonly Migration[], isFirst: boolean): Promise<void> => {
    // A database with applied migrations has what they build on.
    if (isFirst) prepare = await target.preparePlatform(database, options.supabaseBaseline === true);
    options.onPhase?.('Rehearsing on a shadow database');
    // Loaded only here: a run with nothing to do starts faster without them.
    const [rehearsal, { fixInMuse, refuseErrors }] = await Promise.all([
      import('./rehearse-pending.ts'),
      import('./examine.ts'),
    ]);
    const proves = !provesAfter && options.verify !== false;
    // A database in the muse's directory has what the shadow has.
    const targetExtensions = target.local
      ? undefined
      : once(async () => (await import('../database/platform/install.ts')).offeredExtensions(database));
    const rehearse = options.rehearse ?? rehearsal.rehearsePending;
    const rehearsed = await rehearse(muse, pending, proves, { ...options, targetExtensions });
    ({ isolation } = rehearsed);
    refuseErrors(rehearsed.findings, 'Nothing was applied.', fixInMuse);
    if (isolation !== undefined)
      refuseErrors(
        isolation.findings,
        'Nothing was applied.',
        'Fix the policies, grants and functions above, or skip the proof: --no-verify.',
      );
    // In production nothing is installed before the run is confirmed.
    if (name !== 'production') await prepare();
  };
  let running = '';
  const onProgress = ({ status, layer, file, ms, index, count }: MigrateProgress): void => {
    running = `${index + 1}/${count} ${file}`;
    if (status === 'started') options.onPhase?.(running);
    else options.onDone?.(fileDone('applied', { layer, file, ...(ms === undefined ? {} : { ms }) }));
  };
  const stopHearing = database.onRaise?.((text) => options.onPhase?.(`${running}: ${text}`));
  const run = {
    ...options,
    onProgress,
    beforeRun,
    prepare: () => prepare(),
    command: commandFor('muse migrate', name),
  };
  try {
    const result: ProductionResult =
      name === 'production'
        ? await toProduction(muse, environment, database, migrations, run)
        : await migrate(database, migrations, run).catch(async (error: unknown) => {
            throw provesAfter ? await ownEdit(error, muse, database, migrations, environment) : error;
          });
    stopHearing?.();
    if (result.applied.length === 0) return result;
    const { copyReports } = await import('./copied.ts');
    result.notes.push(...(await copyReports(database, migrations, result.applied)));
    // Others may have what only their own place has, e.g. the extensions of a project.
    if (name === 'development') {
      const { refreshTypes } = await import('./types.ts');
      const types = await refreshTypes(muse.directory, database);
      if (types !== undefined) result.notes.push(`Updated ${types}.`);
    }
    if (options.verify === false)
      result.notes.push(`Tenant isolation was not proven (--no-verify). Prove it: ${commandFor('muse verify', name)}`);
    else if (provesAfter) return await withProof(database, muse, migrations, result, options);
    return {
      ...result,
      ...(isolation === undefined ? {} : { isolation, findings: result.findings ?? isolation.findings }),
    };
  } finally {
    await database.close();
  }
}

/** Looks at what was applied to a local development database. */
async function withProof(
  database: Database,
  muse: Muse,
  migrations: readonly Migration[],
  result: ProductionResult,
  options: MigrateMuseOptions,
): Promise<ProductionResult> {
  const [{ followProof, proveApplied }, { refusal }, { provingText }] = await Promise.all([
    import('./prove-files.ts'),
    import('./examine.ts'),
    import('./rehearse-pending.ts'),
  ]);
  options.onPhase?.(provingText);
  const applied = new Set(result.applied.map(({ file }) => file));
  const isolation = await proveApplied(
    database,
    muse.museFile,
    migrations,
    migrations.filter(({ file }) => applied.has(file)),
    followProof(provingText, options.onPhase),
  );
  const { findings } = isolation;
  if (!hasErrors(findings)) return { ...result, isolation, findings };
  const steps = applied.size === 1 ? '' : ` --steps ${applied.size}`;
  const error = refusal(
    findings,
    `${applied.size === 1 ? 'The file is' : `All ${applied.size} files are`} applied to development.`,
    `Roll back, fix what is above, and apply it again: muse rollback${steps}, edit, muse migrate. Other ` +
      'environments refuse the files until then.',
  );
  return { ...result, isolation, findings, error };
}

/**
 * Where files were edited that only this development database has: the error that also says how to bring the two together.
 * Any other error as it is.
 */
async function ownEdit(
  refusal: unknown,
  muse: Muse,
  database: Database,
  migrations: readonly Migration[],
  environment: NodeJS.ProcessEnv,
): Promise<unknown> {
  if (!(refusal instanceof MuseError) || !(refusal.findings ?? []).some(({ rule }) => rule === 'checksum-drift'))
    return refusal;
  const rows = (await readHistory(database)) ?? [];
  const edited = new Set(compare(migrations, rows).edited.map(({ row }) => row.file));
  const { development: _own, ...others } = muse.museFile.environments;
  const elsewhere = { ...muse, museFile: { ...muse.museFile, environments: others } };
  // Another database that is in use may have the file: then nothing is known, and nothing more is said.
  const { appliedFiles } = await import('./applied.ts');
  const applied = await appliedFiles(elsewhere, migrations, environment).catch(() => undefined);
  if (applied === undefined || [...edited].some((file) => applied.files.has(file))) return refusal;
  // Newest first, as they are rolled back; what core made has no rollback.
  const newest = rows.toSorted((a, b) => Date.parse(b.applied_at) - Date.parse(a.applied_at));
  const steps = newest.findLastIndex(({ file }) => edited.has(file)) + 1;
  const again = newest.slice(0, steps).every(({ layer }) => layer === 'extension')
    ? `muse rollback${steps === 1 ? '' : ` --steps ${steps}`}, then muse migrate`
    : 'muse reset';
  const known =
    applied.notes.length === 0
      ? 'Only your development database has the old text.'
      : `${applied.notes.join(' ')} Undo the edit if the file is applied there. If not:`;
  return new MuseError({
    code: refusal.code,
    message: refusal.message,
    suggestion: `${known} To apply the new text: ${again}. To keep the database as it is: muse migrate --accept-edited.`,
    ...(refusal.findings === undefined ? {} : { findings: refusal.findings }),
    cause: refusal,
  });
}

async function toProduction(
  muse: Muse,
  environment: NodeJS.ProcessEnv,
  database: Database,
  migrations: readonly Migration[],
  {
    beforeRun,
    ...options
  }: ProductionOptions & { beforeRun(pending: readonly Migration[], isFirst: boolean): Promise<void> },
): Promise<ProductionResult> {
  const rows = (await readHistory(database)) ?? [];
  const { pending } = compare(migrations, rows);
  if (pending.length === 0) return migrate(database, migrations, options);
  await beforeRun(pending, rows.length === 0);
  const { migrateProduction } = await import('./guard-production.ts');
  return migrateProduction(muse, environment, database, migrations, pending, options);
}

/** Opens the database while the files are read: the server's answer to a connection takes as long as a hundred files. */
async function openBeside(
  muse: Muse,
  name: EnvironmentName,
  environment: NodeJS.ProcessEnv,
  { onNote, signal, statementTimeoutMs: timeoutMs }: MigrateMuseOptions,
): Promise<OpenEnvironment & { migrations: Migration[] }> {
  const [opened, read] = await Promise.allSettled([
    openEnvironment(muse, name, environment, { onNote, signal, timeoutMs }),
    readReadable(muse, { rollbacks: false }),
  ]);
  if (opened.status === 'fulfilled' && read.status === 'fulfilled')
    return { ...opened.value, migrations: read.value.migrations };
  if (opened.status === 'fulfilled') await opened.value.database.close();
  throw read.status === 'rejected' ? read.reason : (opened as PromiseRejectedResult).reason;
}
