/**
 * rehearsal/: run every migration on a shadow database and explain what happened. May touch: the shadow database that
 * is passed in.
 *
 * This file: the whole run and its findings. It runs every file, queries every table as the API's roles, runs every
 * file again, and rolls the own files back and applies them again.
 */
import type { Database } from '../database/database.ts';
import { type Finding, hasErrors } from '../shared/finding.ts';
import { accessFindings } from './access-findings.ts';
import { probeAccess } from './access.ts';
import type { FileName } from '../migrations/compare.ts';
import { diagnose, diagnoseRepeat, lackedExtension, mayBeBrought, notRehearsed, type OnlyThere } from './diagnose.ts';
import { measuredNow } from './measure.ts';
import type { Migration } from '../sql/migration.ts';
import type { Rollback } from '../migrations/read.ts';
import { isEmptyRollback } from '../migrations/rollback-plan.ts';
import { rehearseFile, tryStatements, type RehearsalRun } from './rehearse-file.ts';
import { changeFindings, seedFindings } from './rehearse-repeat.ts';
import { rehearseRollbacks } from './rehearse-rollback.ts';
import { strictErrors, strictFindings, type StrictErrors } from './rehearse-strict.ts';
import { withoutHash } from '../migrations/graphile-hash.ts';
import { fieldsOf } from '../sql/nodes.ts';
import { createsOnce } from './repeatable.ts';
import { readFiles } from '../sql/catalog/build.ts';
import { counted } from '../shared/printable.ts';
import { loadParser } from '../sql/parser.ts';
import type { GoesOn, Measured } from '../rules/engine/fix/access.ts';
import type { Statement } from '../sql/statement.ts';
import { hasStatements } from '../sql/trivia.ts';
import { filesThatRunOnce } from './run-once.ts';
import { runSettings } from '../migrations/session-state.ts';
import { defaultLimitMs, isEnded, stuckFinding } from './stuck.ts';
import { changesBetween, snapshotTaker, type Snapshot } from './snapshot.ts';
import { parsedFilesOf, type Place, type ParsedFiles } from './parsed-files.ts';

export interface RehearsalInput extends Pick<RehearsalRun, 'failing'> {
  /** In the order of a run, as returned by `readMigrations`. */
  migrations: readonly Migration[];
  /** By the file of the migration. */
  rollbacks: ReadonlyMap<string, Rollback>;
  /** The files whose rollback is rehearsed. They are last in the order, like the muse's own extension files. */
  own: readonly string[];
  /** So many of the first files are in the database already, and {@link openAnother}'s: they ran there without a failure. */
  applied?: number | undefined;
  /** How long one statement may take, in ms; default {@link defaultLimitMs}. */
  statementTimeoutMs?: number | undefined;
  /** The extensions that the target offers: asked where the shadow database lacks one. */
  targetExtensions?: (() => Promise<ReadonlySet<string>>) | undefined;
  /** Opens another such database, to find the statement that ended the first one. */
  openAnother?: (() => Promise<Database>) | undefined;
  /** Called when every file has run once and nothing in it has failed. */
  onRunOnce?: (() => void) | undefined;
  /** Called when every file has run once, with what could then be done by whom; false ends the rehearsal there. */
  onMeasured?: ((measured: Measured) => Promise<boolean>) | undefined;
  /** Asked before that. */
  goesOn?: GoesOn | undefined;
  onProgress?: (event: { pass: 'first' | 'access' | 'again' | 'rollback' } & Partial<FileName>) => void;
}

export interface RehearsalReport {
  findings: Finding[];
  /** The first run of each file. `failed` counts statements. */
  files: (FileName & { ms: number; failed: number })[];
  /** Files that were run a second time, which changed nothing. */
  unchanged: FileName[];
  /** Files that were not run a second time: they name what a later statement renames, so that run would tell nothing. */
  once: FileName[];
  /** Files that were rolled back and applied again. */
  rolledBack: FileName[];
  /** How many statements were not rehearsed, as they need an extension that only the target has. */
  notRehearsed: number;
  /**
   * A statement ended the database, or `goesOn` or `onMeasured` the rehearsal: what comes after it was not run, and nothing can be
   * asked any more.
   */
  ended: boolean;
  /** Of all passes. */
  ms: number;
}

/**
 * Rehearses migrations. Returns everything that is wrong with them as findings, and throws none of it. A statement that
 * exceeds the time limit or crashes the database is a finding too; the statements after it are not run.
 * @param database a shadow database with the platform's objects; it cannot be used for anything else afterwards
 */
export async function rehearse(database: Database, input: RehearsalInput): Promise<RehearsalReport> {
  const began = performance.now();
  const { statementTimeoutMs: limitMs = defaultLimitMs } = input;
  const settings = await runSettings(database, { statementTimeoutMs: limitMs }, true);
  // The parser is loaded and files are parsed only where something asks for a statement.
  let parsing: Promise<ParsedFiles> | undefined;
  const parsedFiles = (): Promise<ParsedFiles> => (parsing ??= parsedFilesOf(input.migrations));
  const run: RehearsalRun = {
    database,
    settings,
    begun: [],
    statementsOf: async (text) => (await parsedFiles()).parsed(text).statements,
  };
  const report: RehearsalReport = {
    findings: [],
    files: [],
    unchanged: [],
    once: [],
    rolledBack: [],
    notRehearsed: 0,
    ended: false,
    ms: 0,
  };
  try {
    database.limitStatements?.(limitMs);
    await database.script(settings.begin);
    await allPasses(run, input, report, parsedFiles);
  } catch (error) {
    if (!isEnded(error) || run.begun.length === 0) throw error;
    report.ended = true;
    report.findings.push(await stuckFinding(run, error, input.openAnother, limitMs));
  } finally {
    database.limitStatements?.(undefined);
  }
  report.ms = Math.round(performance.now() - began);
  return report;
}

/**
 * Rehearses migrations, and measures who can do what once every file has run.
 * @param isGood judges that; where it says no, the rehearsal ends there
 * @returns undefined where it ended there; `measured` is undefined where a file ended the database
 */
export async function rehearseWhere(
  database: Database,
  input: Omit<RehearsalInput, 'onMeasured'>,
  isGood: (measured: Measured) => Promise<boolean> = () => Promise.resolve(true),
): Promise<{ report: RehearsalReport; measured: Measured | undefined } | undefined> {
  let measured: Measured | undefined;
  let isEnded = false;
  const { goesOn } = input;
  const report = await rehearse(database, {
    ...input,
    ...(goesOn === undefined ? {} : { goesOn: (...file) => goesOn(...file) || !(isEnded = true) }),
    async onMeasured(now) {
      measured = now;
      isEnded = !(await isGood(now));
      return !isEnded;
    },
  });
  return isEnded ? undefined : { report, measured };
}

async function allPasses(
  run: RehearsalRun,
  input: RehearsalInput,
  report: RehearsalReport,
  parsedFiles: () => Promise<ParsedFiles>,
): Promise<void> {
  const { migrations, onProgress } = input;
  const { findings } = report;
  const { database } = run;
  const tail = ownTail(input);
  // What does nothing, and is undone by nothing, need not be rolled back to see that.
  const isIdle = ![...tail, ...tail.map(({ file }) => input.rollbacks.get(file)!)].some(({ sql }) =>
    hasStatements(sql),
  );
  const takeSnapshot = snapshotTaker(database);
  // Read while the database runs the files.
  const runOnce = ofOneRun(migrations);
  runOnce.catch(() => undefined);
  const { failed, before } = await firstPass(
    run,
    input,
    report,
    isIdle ? undefined : { files: tail.length, takeSnapshot },
    parsedFiles,
  );
  if (report.ended) return;

  if (!hasErrors(findings)) input.onRunOnce?.();
  if (input.onMeasured !== undefined) {
    const counts = new Map(migrations.map(({ file }) => [file, 0]));
    for (const { migration } of failed) counts.set(migration.file, counts.get(migration.file)! + 1);
    const measured = await measuredNow(
      database,
      counts,
      failed.map(({ statement }) => statement),
    );
    if (!(await input.onMeasured(measured))) {
      report.ended = true;
      return;
    }
  }

  // A second run would be another session, so drop the temporary tables of the first.
  await database.script('DISCARD TEMP');
  onProgress?.({ pass: 'access' });
  const refusals = await probeAccess(database);
  if (refusals.length > 0) findings.push(...accessFindings(refusals, await parsedFiles()));

  // A file that failed once fails again, which is nothing new.
  const sound = migrations.filter((migration) => !failed.some((place) => place.migration === migration));
  const once = await takeSnapshot();
  const again = { ...run, failing: await failingAgain(run, sound) };
  for (const migration of sound) {
    onProgress?.({ pass: 'again', layer: migration.layer, file: migration.file });
    const renames = (await runOnce).get(migration.file);
    if (renames) report.once.push(nameOf(migration));
    // One that succeeds renames what has the name now, without the rest of its file: that is no second run either.
    const failedAgain = renames ? await tryStatements(run, renames) : (await rehearseFile(again, migration)).failed;
    findings.push(
      ...failedAgain.map(({ statement, error }) => diagnoseRepeat(error, { migration, file: 0, statement })),
    );
  }
  const twice = await takeSnapshot();
  const changes = changesBetween(once, twice);
  if (changes.length > 0) {
    // A statement that failed again already has its finding.
    const known = new Set(findings.map(({ rule, file, line }) => `${rule} ${file}:${line}`));
    findings.push(
      ...changeFindings(changes, await parsedFiles()).filter(
        ({ rule, file, line }) => file === undefined || !known.has(`${rule} ${file}:${line}`),
      ),
    );
  }
  const counts = { once: once.rows, twice: twice.rows };
  if (differ(counts)) findings.push(...seedFindings(counts, await parsedFiles()));

  const changing = new Set(findings.filter(({ rule }) => repeatRules.has(rule)).map(({ file }) => file));
  report.unchanged = sound
    .map(nameOf)
    .filter(({ file }) => !changing.has(file) && !report.once.some((once) => once.file === file));

  if (isIdle) report.rolledBack = tail.map(nameOf);
  if (before === undefined || !tail.every((migration) => sound.includes(migration))) return;
  onProgress?.({ pass: 'rollback' });
  const targets = { before, after: twice };
  // The second run's changes have their own findings and are not caused by the rollback.
  const reported = new Set(changes.map(({ object }) => object));
  findings.push(
    ...(await rehearseRollbacks(
      run,
      tail,
      input.rollbacks,
      async (which) =>
        changesBetween(targets[which], await takeSnapshot()).filter(
          ({ object }) => which === 'after' || !reported.has(object),
        ),
      parsedFiles,
    )),
  );
  report.rolledBack = tail.map(nameOf);
}

/** The texts that a second run will not get through as a whole: they create what is there, and drop nothing before. */
async function failingAgain({ statementsOf }: RehearsalRun, migrations: readonly Migration[]): Promise<Set<string>> {
  const failing = new Set<string>();
  for (const migration of migrations) {
    const statements = await statementsOf(migration);
    const drops = statements.some(({ tree }) => fieldsOf(tree, 'DropStmt') !== undefined);
    if (!drops && statements.some(createsOnce)) failing.add(withoutHash(migration.sql));
  }
  return failing;
}

const nameOf = ({ layer, file }: Migration): FileName => ({ layer, file });

/** What a second run finds. */
const repeatRules: ReadonlySet<string> = new Set(['not-idempotent', 'seed-not-idempotent']);

/** What the rehearsal showed of running the files again: one sentence without its end. */
export function repeatText({ files, unchanged }: Pick<RehearsalReport, 'files' | 'unchanged'>): string {
  const run = `${counted(files.length, 'migration')} run`;
  if (unchanged.length === files.length) return `${run}, and change nothing when run again`;
  return unchanged.length === 0
    ? run
    : `${run}; ${unchanged.length} of them ${unchanged.length === 1 ? 'changes' : 'change'} nothing when run again`;
}

/** What was not run again, and why; undefined if all was. */
export function onceText({ once }: Pick<RehearsalReport, 'once'>): string | undefined {
  if (once.length === 0) return undefined;
  const named = `${once
    .slice(0, 3)
    .map(({ file }) => file)
    .join(', ')}${once.length > 3 ? ' …' : ''}`;
  return `Not run a second time, as a later statement renames what ${once.length === 1 ? 'it names' : 'they name'}: ${named}`;
}

/** {@link filesThatRunOnce}, without parsing files of which none has a word of such a statement. */
async function ofOneRun(migrations: readonly Migration[]): Promise<ReadonlyMap<string, readonly Statement[]>> {
  if (!migrations.some(({ sql }) => /rename|schema/i.test(sql))) return new Map();
  await loadParser();
  return filesThatRunOnce((await readFiles(migrations)).pieces);
}

/** Runs every file once. Returns the failures, and a snapshot of the database before the last files, the `tail`. */
async function firstPass(
  run: RehearsalRun,
  { migrations, applied = 0, targetExtensions, failing, goesOn, onProgress }: RehearsalInput,
  report: RehearsalReport,
  tail: { files: number; takeSnapshot(): Promise<Snapshot> } | undefined,
  parsedFiles: () => Promise<ParsedFiles>,
): Promise<{ failed: Place[]; before: Snapshot | undefined }> {
  const failed: Place[] = [];
  const onlyThere: OnlyThere = { extensions: [], places: [] };
  let before: Snapshot | undefined;
  let strict: StrictErrors | undefined;
  for (const [file, migration] of migrations.entries()) {
    onProgress?.({ pass: 'first', layer: migration.layer, file: migration.file });
    if (file < applied) {
      report.files.push({ ...nameOf(migration), ms: 0, failed: 0 });
      continue;
    }
    if (tail !== undefined && file === migrations.length - tail.files) before = await tail.takeSnapshot();
    const start = performance.now();
    const onFailure = async (): Promise<void> => {
      strict = await strictErrors(run, migrations.slice(file + 1));
    };
    const result = await rehearseFile({ ...run, failing }, migration, strict === undefined ? onFailure : undefined);
    if (goesOn?.(migration.file, result.failed.length) === false) {
      report.ended = true;
      return { failed, before };
    }
    report.findings.push(...result.refused);
    for (const { statement, error } of result.failed) {
      const place: Place = { migration, file, statement };
      const extension = lackedExtension(error);
      if (extension !== undefined || mayBeBrought(error)) onlyThere.target ??= await targetExtensions?.();
      if (extension !== undefined && onlyThere.target?.has(extension) === true) onlyThere.extensions.push(extension);
      const parsed = await parsedFiles();
      const untried = notRehearsed(error, place, parsed, failed, onlyThere);
      if (untried !== undefined) onlyThere.places.push(place);
      report.findings.push(untried ?? diagnose(error, place, parsed, failed));
      failed.push(place);
    }
    const ms = Math.round(performance.now() - start);
    report.files.push({ ...nameOf(migration), ms, failed: result.failed.length });
  }
  if (strict !== undefined) {
    const found = strictFindings(strict, migrations, failed, await parsedFiles(), onlyThere.places);
    report.findings.push(...found);
    for (const file of report.files) file.failed += found.filter((finding) => finding.file === file.file).length;
  }
  report.notRehearsed = onlyThere.places.length;
  return { failed, before };
}

function differ({ once, twice }: { once: ReadonlyMap<string, number>; twice: ReadonlyMap<string, number> }): boolean {
  return [...twice].some(([table, rows]) => rows !== (once.get(table) ?? 0));
}

/** The own files at the end of the order that have a rollback which does something: those whose rollback can be rehearsed on its own. */
function ownTail({ migrations, own, rollbacks }: RehearsalInput): Migration[] {
  const isOther = (migration: Migration): boolean =>
    !own.includes(migration.file) ||
    !rollbacks.has(migration.file) ||
    isEmptyRollback(migration, rollbacks.get(migration.file));
  return migrations.slice(migrations.findLastIndex(isOther) + 1);
}
