import { DatabaseError, type Database } from '../database/database.ts';
import { quoteLiteral } from '../database/quote.ts';
import { MuseError } from '../error.ts';
import type { Finding } from '../finding.ts';
import { packageVersion } from '../version.ts';
import { compare, driftFindings, outOfOrder, type Comparison, type FileName } from './compare.ts';
import { createLedger, insertRow, readLedger, updateRow, type LedgerRow } from './ledger.ts';
import type { Layer, Migration } from './migration.ts';
import { fileScript, runAlone } from './run-file.ts';
import { mayChangeSettings, runSettings, type RunSettings, type TimeLimits } from './session-state.ts';
import { planRun, type RunPlan } from './transactions.ts';

export interface MigrateOptions extends TimeLimits {
  /** Take the edited text of applied files as theirs: the ledger gets the new checksum, nothing is run. */
  acceptEdited?: boolean;
  /** How long to wait for another run, in ms. */
  waitMs?: number;
  onProgress?: (event: MigrateProgress) => void;
}

interface MigrateProgress {
  status: 'started' | 'applied';
  layer: Layer;
  file: string;
  /** 0-based place among the `count` files of this run. */
  index: number;
  count: number;
  /** With `applied`: how long it took. */
  ms?: number;
}

export interface MigrateResult {
  applied: (FileName & { ms: number })[];
  /** Applied before. */
  skipped: FileName[];
  /** Known to the ledger under an old name; the ledger has the new one now. */
  renamed: (FileName & { from: string })[];
  /** For people: what ran out of order, what the ledger has and no file, what was finished after an interruption. */
  notes: string[];
}

/**
 * Applies the pending migrations in order, core before extensions, each in one transaction with its ledger row, under
 * the database's run lock. With nothing to do it costs one query and no lock.
 * @param migrations as `readMigrations` gives them
 * @throws MuseError `findings` (nothing was run) for edited files and for files with their own BEGIN or COMMIT;
 *   `migration-failed` where PostgreSQL refuses a statement; `ledger-newer`; `locked`
 */
export async function migrate(database: Database, migrations: readonly Migration[], options: MigrateOptions = {}): Promise<MigrateResult> {
  const known = compareLedger(migrations, await readLedger(database), options);
  if (isDone(known)) return beginResult(migrations, known);
  return database.withRunLock(() => runPending(database, migrations, options), options.waitMs);
}

function isDone(comparison: Comparison): boolean {
  return comparison.pending.length + comparison.renamed.length + comparison.edited.length === 0;
}

/** @throws MuseError `findings` for edited files, unless they are accepted */
function compareLedger(migrations: readonly Migration[], rows: readonly LedgerRow[] | undefined, options: MigrateOptions): Comparison {
  const comparison = compare(migrations, rows ?? []);
  if (comparison.edited.length > 0 && options.acceptEdited !== true) {
    const names = comparison.edited.map(({ migration }) => migration.file).join(', ');
    throw new MuseError({
      code: 'findings',
      message: `Edited after they were applied: ${names}. Nothing was run.`,
      suggestion: 'Take the edits back and write the change as a new migration, with `muse new`.',
      findings: driftFindings(comparison),
    });
  }
  return comparison;
}

async function runPending(database: Database, migrations: readonly Migration[], options: MigrateOptions): Promise<MigrateResult> {
  // Another run may have been at work until the lock was ours.
  const rows = await readLedger(database);
  const comparison = compareLedger(migrations, rows, options);
  const result = beginResult(migrations, comparison);
  if (isDone(comparison)) return result;
  const plans = await planAll(comparison.pending);
  if (rows === undefined) await database.script(createLedger());
  const corrections = [
    ...comparison.renamed.map(({ migration, row }) => updateRow(row, renamedTo(migration))),
    ...comparison.edited.map(({ migration }) => updateRow(migration, `checksum = '${migration.checksum}'`)),
  ];
  if (corrections.length > 0) await database.script(`${corrections.join(';\n')};`);
  const settings = await runSettings(database, options, true);
  if (settings.begin !== '') await database.script(settings.begin);
  try {
    await runAll(database, plans, comparison, settings, result, options);
  } finally {
    // Where the connection is gone, so are its settings; what went wrong says more than this.
    if (settings.end !== '') await database.script(settings.end).catch(() => undefined);
  }
  return result;
}

async function runAll(
  database: Database,
  plans: readonly PlannedFile[],
  comparison: Comparison,
  settings: RunSettings,
  result: MigrateResult,
  options: MigrateOptions,
): Promise<void> {
  const tool = packageVersion();
  const count = plans.length;
  let reset = false;
  for (const [index, { migration, plan }] of plans.entries()) {
    const event = { layer: migration.layer, file: migration.file, index, count };
    options.onProgress?.({ ...event, status: 'started' });
    const began = performance.now();
    // A function that one file makes may change settings when a later file calls it.
    reset ||= mayChangeSettings(migration.sql);
    const script = fileScript(migration.sql, insertRow(migration, 'applied', tool), settings, { durable: index === count - 1, reset });
    const interrupted = comparison.interrupted.some((row) => row.file === migration.file && row.layer === migration.layer);
    try {
      await (plan.how === 'script' ? database.script(script.text) : runAlone(database, migration, plan.statements, { settings, tool, interrupted }));
    } catch (error) {
      if (await wasAppliedMeanwhile(database, migration, error)) {
        result.skipped.push({ layer: migration.layer, file: migration.file });
        continue;
      }
      const { failure } = await import('./failure.ts');
      const waiting = plans.slice(index + 1).map((next) => next.migration);
      throw await failure(database, error, migration, script, { applied: result.applied, waiting }, 'muse migrate');
    }
    const ms = Math.round(performance.now() - began);
    result.applied.push({ layer: migration.layer, file: migration.file, ms });
    options.onProgress?.({ ...event, status: 'applied', ms });
  }
}

interface PlannedFile {
  migration: Migration;
  plan: Exclude<RunPlan, { how: 'refused' }>;
}

/** @throws MuseError `findings` for files that cannot be run as they are */
async function planAll(pending: readonly Migration[]): Promise<PlannedFile[]> {
  const findings: Finding[] = [];
  const planned: PlannedFile[] = [];
  for (const migration of pending) {
    const plan = await planRun(migration);
    if (plan.how === 'refused') findings.push(...plan.findings);
    else planned.push({ migration, plan });
  }
  if (findings.length === 0) return planned;
  throw new MuseError({
    code: 'findings',
    message: `${findings.length === 1 ? 'One statement' : `${findings.length} statements`} cannot run in the transaction that a file has with its ledger row. Nothing was run.`,
    suggestion: findings[0]!.suggestion,
    findings,
  });
}

function beginResult(migrations: readonly Migration[], comparison: Comparison): MigrateResult {
  const known = new Set([...comparison.applied, ...comparison.edited.map(({ migration }) => migration)]);
  return {
    applied: [],
    skipped: migrations.filter((migration) => known.has(migration)).map(({ layer, file }) => ({ layer, file })),
    renamed: comparison.renamed.map(({ migration, row }) => ({ layer: migration.layer, file: migration.file, from: row.file })),
    notes: [
      ...outOfOrder(migrations, comparison).map(({ file }) => `${file} runs out of order: files behind it are applied already.`),
      ...comparison.interrupted.map(({ file }) => `${file} was interrupted outside a transaction in an earlier run: it runs again, without the invalid indexes that it left.`),
      ...comparison.missing.map(({ file, applied_at: at }) => `${file} was applied on ${at.slice(0, 10)} and there is no such file any more.`),
    ],
  };
}

function renamedTo(migration: Migration): string {
  return `layer = ${quoteLiteral(migration.layer)}, file = ${quoteLiteral(migration.file)}`;
}

/** Says whether the file failed only because a run that does not know our lock has applied the same text meanwhile. */
async function wasAppliedMeanwhile(database: Database, migration: Migration, error: unknown): Promise<boolean> {
  if (!(error instanceof DatabaseError)) return false;
  return compare([migration], (await readLedger(database)) ?? []).applied.length === 1;
}
