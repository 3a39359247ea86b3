import { countRows } from '../database/count-rows.ts';
import { MuseError } from '../shared/error.ts';
import { fileDone, type Hooks } from '../shared/hooks.ts';
import { migrate, type MigrateProgress } from '../migrations/apply.ts';
import type { FileName } from '../migrations/compare.ts';
import { readHistory } from '../migrations/history.ts';
import type { MigrationFiles } from '../migrations/read.ts';
import { rollback } from '../migrations/rollback.ts';
import { rollbackSteps } from '../migrations/rollback-plan.ts';
import { fixInMuse, refuseErrors } from './examine.ts';
import { openEnvironment, placeOf } from '../targets/open.ts';
import { lostBuckets } from './guard-plan.ts';
import type { Muse } from '../shared/muse-file.ts';
import { rehearseMuse } from './rehearse.ts';
import { bucketsNotEmpty, followRollback } from './rollback.ts';
import { seedMuse, type SeedResult } from './seed.ts';
import { readReadable } from './readable.ts';

/** What a reset did. */
export interface ResetResult extends Pick<SeedResult, 'seeds' | 'added' | 'logins'> {
  /** Files rolled back, newest first; none for a database that was deleted as a whole. */
  rolledBack: FileName[];
  applied: (FileName & { ms: number })[];
}

export interface ResetOptions extends Hooks {
  /** Asked if rows would be lost, with their number by table; false stops the reset before anything runs. */
  agree(rows: Readonly<Record<string, number>>): Promise<boolean>;
  onPhase?(text: string): void;
}

/**
 * Recreates development: drops what its migrations created, migrates and seeds. The muse's own database is deleted as a whole;
 * on a server every applied file is rolled back, because dropping schemas would drop what is not the muse's.
 * @throws MuseError `findings` where the rehearsal finds errors; `rollback-missing` with the files that have no rollback;
 *   `bucket-not-empty`; `data-would-be-lost` without agreement: nothing is dropped until then. What seeding throws
 */
export async function resetMuse(
  muse: Muse,
  environment: NodeJS.ProcessEnv,
  { agree, onPhase, ...hooks }: ResetOptions,
): Promise<ResetResult> {
  const files = await readReadable(muse);
  onPhase?.('Rehearsing on a shadow database');
  refuseErrors((await rehearseMuse(muse, hooks)).findings, 'Nothing was dropped.', fixInMuse);
  const { place, target } = placeOf(muse, 'development', environment);
  onPhase?.('Dropping');
  let rolledBack: FileName[] = [];
  if (target.drop === undefined)
    rolledBack = await rollBackAll(muse, environment, files, {
      agree,
      ...(onPhase === undefined ? {} : { onPhase }),
      ...hooks,
    });
  else if (await target.exists(place)) {
    await ask(await rowsOf(muse, environment, hooks), agree);
    await target.drop(place, hooks);
    hooks.onDone?.({ list: 'dropped', text: 'dropped the development database', entry: 'development' });
  }
  const { database } = await openEnvironment(muse, 'development', environment, hooks);
  let applied: ResetResult['applied'];
  try {
    const onProgress = ({ status, layer, file, ms, index, count }: MigrateProgress): void => {
      if (status === 'started') onPhase?.(`${index + 1}/${count} ${file}`);
      else hooks.onDone?.(fileDone('applied', { layer, file, ...(ms === undefined ? {} : { ms }) }));
    };
    applied = (await migrate(database, files.migrations, { onProgress })).applied;
    await (await import('./types.ts')).refreshTypes(muse.directory, database);
  } finally {
    await database.close();
  }
  const { seeds, added, logins } = await seedMuse(muse, 'development', environment, {
    ...hooks,
    ...(onPhase === undefined ? {} : { onProgress: onPhase }),
  });
  return { rolledBack, applied, seeds, added, ...(logins === undefined ? {} : { logins }) };
}

/** Row counts of a database that is deleted as a whole; empty for one that cannot be opened any more. */
async function rowsOf(muse: Muse, environment: NodeJS.ProcessEnv, hooks: Hooks): Promise<Record<string, number>> {
  try {
    const { database } = await openEnvironment(muse, 'development', environment, hooks);
    return await countUserRows(database).finally(() => database.close());
  } catch (error) {
    if (error instanceof MuseError && ['database-version', 'embedded-failed'].includes(error.code)) return {};
    throw error;
  }
}

async function rollBackAll(
  muse: Muse,
  environment: NodeJS.ProcessEnv,
  { migrations, rollbacks }: MigrationFiles,
  { agree, onPhase, ...hooks }: ResetOptions,
): Promise<FileName[]> {
  const { database } = await openEnvironment(muse, 'development', environment, hooks);
  try {
    const history = (await readHistory(database)) ?? [];
    if (history.length === 0) return [];
    const steps = rollbackSteps(migrations, rollbacks, history, { steps: history.length });
    const buckets = await lostBuckets(
      database,
      steps.map((step) => step.rollback.sql),
    );
    if (buckets.length > 0) throw bucketsNotEmpty(buckets);
    await ask(await countUserRows(database), agree);
    const { rolledBack } = await rollback(database, migrations, rollbacks, {
      steps: history.length,
      onProgress: followRollback(hooks, onPhase),
    });
    return rolledBack.map(({ layer, file }) => ({ layer, file }));
  } finally {
    await database.close();
  }
}

/** Rows outside the schemas of Supabase's services, which have rows from the start; tables without rows are left out. */
async function countUserRows(session: Parameters<typeof countRows>[0]): Promise<Record<string, number>> {
  const counts = Object.entries(await countRows(session));
  return Object.fromEntries(
    counts.filter(
      ([table, rows]) => rows > 0 && !/^(?:storage|realtime|supabase_|vault|auth\.schema_migrations)/.test(table),
    ),
  );
}

async function ask(rows: Readonly<Record<string, number>>, agree: ResetOptions['agree']): Promise<void> {
  if (Object.keys(rows).length === 0 || (await agree(rows))) return;
  throw new MuseError({
    code: 'bad-confirmation',
    message: 'A reset deletes all data in development, and some tables have rows. Nothing was deleted.',
    detail: Object.entries(rows)
      .map(([table, count]) => `${table}: ${count} ${count === 1 ? 'row' : 'rows'}`)
      .join('\n'),
    suggestion: 'To delete them: muse reset --yes. To keep them, take a backup first: muse backup',
  });
}
