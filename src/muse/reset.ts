import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { countRows } from '../database/count-rows.ts';
import { takeLock } from '../shared/directory-lock.ts';
import { MuseError } from '../shared/error.ts';
import { kindOf } from '../shared/files.ts';
import { migrate } from '../migrations/apply.ts';
import type { FileName } from '../migrations/compare.ts';
import { readLedger } from '../migrations/history.ts';
import { type MigrationFiles, readMigrations } from '../migrations/read.ts';
import { rollback } from '../migrations/rollback.ts';
import { rollbackSteps } from '../migrations/rollback-plan.ts';
import { mendInMuse, refuseErrors } from './examine.ts';
import { embeddedDirectory, openEnvironment } from '../targets/open.ts';
import { lostBuckets } from './guard-plan.ts';
import type { Muse } from '../shared/muse-file.ts';
import { rehearseMuse } from './rehearse.ts';
import { bucketsNotEmpty } from './rollback.ts';
import { seedMuse, type SeedResult } from './seed.ts';

/** What a reset did. */
export interface ResetResult extends Pick<SeedResult, 'seeds' | 'added'> {
  /** Files taken back, newest first; none for an embedded database, which is made new. */
  rolledBack: FileName[];
  applied: (FileName & { ms: number })[];
}

export interface ResetOptions {
  /** Asked with the rows that would go, by table, where there are any; false ends it before anything ran. */
  agree(rows: Readonly<Record<string, number>>): Promise<boolean>;
  onPhase?(text: string): void;
}

/**
 * Makes development new: drops what its migrations made, migrates and seeds. An embedded database is made anew; on a server
 * every applied file is taken back by its rollback file, as dropping whole schemas would take what is not the muse's.
 * @throws MuseError `findings` where the rehearsal says no; `rollback-missing` with the files that have no way back;
 *   `bucket-not-empty`; `data-would-be-lost` where nobody agrees: before that, nothing is dropped. What seeding throws
 */
export async function resetMuse(muse: Muse, environment: NodeJS.ProcessEnv, { agree, onPhase }: ResetOptions): Promise<ResetResult> {
  const files = await readMigrations(muse.directory, muse.museFile.migrations);
  onPhase?.('Rehearsing on a throw-away database');
  refuseErrors((await rehearseMuse(muse)).findings, 'Nothing was dropped.', mendInMuse);
  const embedded = muse.museFile.environments.development?.target === 'embedded';
  onPhase?.('Dropping');
  const rolledBack = embedded ? await dropEmbedded(muse, agree) : await takeAllBack(muse, environment, files, agree);
  const { database } = await openEnvironment(muse, 'development', environment);
  let applied: ResetResult['applied'];
  try {
    applied = (await migrate(database, files.migrations, { onProgress: ({ file }) => onPhase?.(file) })).applied;
  } finally {
    await database.close();
  }
  const { seeds, added } = await seedMuse(muse, 'development', environment, onPhase === undefined ? {} : { onProgress: onPhase });
  return { rolledBack, applied, seeds, added };
}

async function dropEmbedded(muse: Muse, agree: ResetOptions['agree']): Promise<FileName[]> {
  const directory = embeddedDirectory(muse.directory, 'development');
  const data = join(directory, 'data');
  if ((await kindOf(data)) === undefined) return [];
  await ask(await rowsOf(muse), agree);
  await mkdir(directory, { recursive: true });
  const release = await takeLock(join(directory, 'lock.json'));
  try {
    // Under a name that the next open clears away: a crash in between leaves no half a database.
    const old = join(directory, `data.new-${process.pid}-old`);
    await rename(data, old);
    await rm(old, { recursive: true, force: true });
  } finally {
    await release();
  }
  return [];
}

/** Row counts of the embedded database; one that cannot be opened any more has nothing that could be kept. */
async function rowsOf(muse: Muse): Promise<Record<string, number>> {
  try {
    const { database } = await openEnvironment(muse, 'development', {});
    return await countUserRows(database).finally(() => database.close());
  } catch (error) {
    if (error instanceof MuseError && ['database-version', 'embedded-failed'].includes(error.code)) return {};
    throw error;
  }
}

async function takeAllBack(muse: Muse, environment: NodeJS.ProcessEnv, { migrations, rollbacks }: MigrationFiles, agree: ResetOptions['agree']): Promise<FileName[]> {
  const { database } = await openEnvironment(muse, 'development', environment);
  try {
    const ledger = (await readLedger(database)) ?? [];
    if (ledger.length === 0) return [];
    const steps = rollbackSteps(migrations, rollbacks, ledger, { steps: ledger.length });
    const buckets = await lostBuckets(database, steps.map((step) => step.rollback.sql));
    if (buckets.length > 0) throw bucketsNotEmpty(buckets);
    await ask(await countUserRows(database), agree);
    return (await rollback(database, migrations, rollbacks, { steps: ledger.length })).rolledBack.map(({ layer, file }) => ({ layer, file }));
  } finally {
    await database.close();
  }
}

/** Rows outside the schemas of Supabase's services, which are there from the start; tables without rows are left out. */
async function countUserRows(session: Parameters<typeof countRows>[0]): Promise<Record<string, number>> {
  const counts = Object.entries(await countRows(session));
  return Object.fromEntries(counts.filter(([table, rows]) => rows > 0 && !/^(?:storage|realtime|supabase_|vault|auth\.schema_migrations)/.test(table)));
}

async function ask(rows: Readonly<Record<string, number>>, agree: ResetOptions['agree']): Promise<void> {
  if (Object.keys(rows).length === 0 || (await agree(rows))) return;
  throw new MuseError({
    code: 'bad-confirmation',
    message: 'A reset drops everything in development, and there are rows. Nothing was dropped.',
    detail: Object.entries(rows).map(([table, count]) => `${table}: ${count} ${count === 1 ? 'row' : 'rows'}`).join('\n'),
    suggestion: 'Say so: muse reset --yes. To keep them, take a backup first: muse backup',
  });
}
