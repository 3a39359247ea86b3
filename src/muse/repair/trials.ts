/** The runs of a repair's files on shadow databases, of which one at a time is open. */
import type { Database } from '../../database/database.ts';
import { openEmbedded } from '../../database/embedded/embedded.ts';
import { measureAccess } from '../../rehearsal/measure.ts';
import { type RehearsalInput, type RehearsalReport, rehearseWhere } from '../../rehearsal/rehearse.ts';
import type { GoesOn, Measured } from '../../rules/engine/fix/access.ts';
import type { RepairInput } from '../../rules/registry.ts';
import { hasErrors } from '../../shared/finding.ts';
import type { Lazy } from '../../shared/lazy.ts';
import type { Migration } from '../../sql/migration.ts';
import { areSame } from '../../sql/remember.ts';
import { hasStatements } from '../../sql/trivia.ts';

/** Files as they were rehearsed. */
type Files = Pick<RepairInput, 'migrations' | 'rollbacks'>;

/** A rehearsal whose database is still open. */
export interface LatestRehearsal extends Files {
  report: RehearsalReport;
}

/** How {@link openTrials} opens databases, and tells what is done. */
export interface TrialOptions extends Pick<RehearsalInput, 'targetExtensions'> {
  /** Opens a shadow database; asked again after each was closed. */
  shadow: Lazy<Database>;
  signal: AbortSignal;
  onProgress?: ((text: string) => void) | undefined;
}

/** What a repair needs of shadow databases. */
export interface Trials extends Required<Pick<RepairInput, 'measure' | 'rehearse'>> {
  /** Opens the next database ahead, since the files are no longer what the last one has. */
  prepare(): void;
  /** The last rehearsal, as long as nothing else has run since. */
  latest(): LatestRehearsal | undefined;
}

/** A run of files. */
interface KnownRun {
  migrations: readonly Migration[];
  /** How many statements of each file failed, as far as the run came. */
  failed: Map<string, number>;
  /** What could be done by whom once all had run; undefined where the run ended before. */
  measured: Measured | undefined;
}

/** How many runs are kept in mind. */
const mostKnown = 8;

/** Runs files one after another, each on a database of its own; the last one stays open. */
export function openTrials({ shadow, signal, targetExtensions, onProgress }: TrialOptions): Trials {
  let isUsed = false;
  let closing: Promise<void> = Promise.resolve();
  let latest: LatestRehearsal | undefined;
  const failing = new Set<string>();
  /**
   * The last runs: of several classes that are tried one by one, the last often leaves what all of them did together, and a class
   * that waits for tables may do what it did before.
   */
  const known: KnownRun[] = [];
  const find = (migrations: readonly Migration[]): KnownRun | undefined =>
    known.find((each) => areSame(each.migrations, migrations));
  const ends = (run: KnownRun | undefined, goesOn: GoesOn | undefined): boolean =>
    run !== undefined && goesOn !== undefined && ![...run.failed].every(([file, failed]) => goesOn(file, failed));
  /** Notes how many statements of each file fail, for the runs of the same files after it. */
  const noting = (migrations: readonly Migration[], goesOn: GoesOn | undefined) => {
    const run: KnownRun = { migrations: [...migrations], failed: new Map(), measured: undefined };
    const noted: GoesOn = (file, failed) => {
      run.failed.set(file, failed);
      return goesOn?.(file, failed) ?? true;
    };
    const done = (measured: Measured | undefined): Measured | undefined => {
      run.measured = measured;
      if (run.failed.size > 0) known.unshift(run);
      known.length = Math.min(known.length, mostKnown);
      return measured;
    };
    return { noted, done };
  };
  const discard = (): void => {
    if (!isUsed) return;
    isUsed = false;
    latest = undefined;
    closing = shadow.close();
  };
  const fresh = async (): Promise<Database> => {
    signal.throwIfAborted();
    discard();
    await closing;
    isUsed = true;
    return shadow();
  };
  const counting = (what: string, migrations: readonly Migration[]): ((file: string) => void) => {
    onProgress?.(what);
    const numbers = new Map(migrations.map(({ file }, index) => [file, index + 1]));
    return (file) => onProgress?.(`${what}, ${numbers.get(file)}/${migrations.length} ${file}`);
  };
  return {
    async measure(migrations, goesOn?: GoesOn) {
      const before = find(migrations);
      if (ends(before, goesOn)) return undefined;
      if (before?.measured !== undefined) return before.measured;
      const onFile = counting('measuring who can do what', migrations);
      const { noted, done } = noting(migrations, goesOn);
      return done(await measureAccess(await fresh(), migrations, { onFile, goesOn: noted, failing }));
    },
    async rehearse(migrations, rollbacks, isGood?: (measured: Measured) => Promise<boolean>, goesOn?: GoesOn) {
      if (ends(find(migrations), goesOn)) return undefined;
      const onFile = counting('rehearsing the files', migrations);
      const { noted, done } = noting(migrations, goesOn);
      const own = migrations
        .filter(({ layer, file }) => layer === 'extension' && rollbacks.has(file))
        .map(({ file }) => file);
      const openAnother = () => openEmbedded({ signal });
      const onFileOf = ({ file }: { file?: string }): void => (file === undefined ? undefined : onFile(file));
      const how = { targetExtensions, openAnother, goesOn: noted, failing, onProgress: onFileOf };
      let measured: Measured | undefined;
      const rehearsed = await rehearseWhere(await fresh(), { migrations, rollbacks, own, ...how }, async (now) => {
        measured = now;
        return isGood === undefined || (await isGood(now));
      });
      done(measured);
      if (rehearsed === undefined) return undefined;
      const { report } = rehearsed;
      if (!report.ended) latest = { migrations: [...migrations], rollbacks: new Map(rollbacks), report };
      return { findings: report.findings, measured };
    },
    prepare() {
      if (!isUsed) return;
      discard();
      closing = closing.then(() => void shadow().catch(() => undefined));
    },
    latest: () => latest,
  };
}

/** What a rehearsal whose database is open tells of files: all of it, or that so many of the first are in the database. */
export interface KnownOf {
  report?: RehearsalReport;
  applied: number;
}

/**
 * What the last rehearsal tells of files, to the byte. A product's own files come after those that were rehearsed. Where they have no
 * statement, all is known. Where they have, the others need not run first again, if their second run has shown that it changes nothing:
 * the database is as it was after the first.
 * @returns undefined where they are other files, or have to be run
 */
export function knownOf(files: Files, { migrations, rollbacks, report }: LatestRehearsal): KnownOf | undefined {
  const count = migrations.length;
  const added = files.migrations.slice(count);
  const ofAdded = added.flatMap(({ file }) => files.rollbacks.get(file) ?? []);
  const isSame =
    files.migrations.length >= count &&
    files.rollbacks.size === rollbacks.size + ofAdded.length &&
    migrations.every(({ file, layer, sql }, index) => {
      const other = files.migrations[index]!;
      return file === other.file && layer === other.layer && sql === other.sql;
    }) &&
    [...rollbacks].every(([of, { file, sql }]) => {
      const other = files.rollbacks.get(of);
      return other?.file === file && other.sql === sql;
    });
  if (!isSame) return undefined;
  if (added.length === 0) return { report, applied: count };
  const isCore = migrations.every(({ layer }) => layer === 'core');
  if (!isCore || ofAdded.length < added.length) return undefined;
  if (![...added, ...ofAdded].some(({ sql }) => hasStatements(sql)))
    return { report: withNothing(report, added), applied: count };
  const isRepeatable = report.unchanged.length === count && report.files.every(({ failed }) => failed === 0);
  return isRepeatable && !hasErrors(report.findings) ? { applied: count } : undefined;
}

/** The report with files that do nothing, as what rolls them back does. */
function withNothing(report: RehearsalReport, added: readonly Migration[]): RehearsalReport {
  const names = added.map(({ layer, file }) => ({ layer, file }));
  return {
    ...report,
    files: [...report.files, ...names.map((name) => ({ ...name, ms: 0, failed: 0 }))],
    unchanged: [...report.unchanged, ...names],
    rolledBack: [...report.rolledBack, ...names],
  };
}
