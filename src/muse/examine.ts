import type { Database } from '../database/database.ts';
import { MuseError } from '../shared/error.ts';
import { type Finding, hasErrors } from '../shared/finding.ts';
import { hasFix, lint, lintSeeds } from '../rules/registry.ts';
import type { KitSeeds } from '../migrations/kit-seeds.ts';
import type { MigrationFiles } from '../migrations/read.ts';
import { type RehearsalInput, type RehearsalReport, rehearse } from '../rehearsal/rehearse.ts';
import { rehearseSeeds } from '../rehearsal/rehearse-seeds.ts';
import type { MuseFile } from '../shared/muse-file.ts';
import { mergeFindings } from '../rules/engine/merge.ts';
import { foldConsequences } from '../rules/engine/root-causes.ts';
import { placesOf } from '../rules/engine/live/places.ts';
import { checkCatalog } from '../verify/catalog/catalog-check.ts';
import { expectationsOf } from './declared-schema.ts';
import { withoutRefuted } from './refuted.ts';

/** The result of a rehearsal with all its checks. */
export interface Examination {
  findings: Finding[];
  /** Findings that a comment in the SQL silences. */
  silenced: number;
  rehearsal: RehearsalReport;
}

/** How the rehearsal of {@link examine} is limited and followed. */
export interface ExamineOptions extends Pick<
  RehearsalInput,
  'applied' | 'statementTimeoutMs' | 'targetExtensions' | 'openAnother'
> {
  /** Called when every file has run once, nothing in it has failed, and lint finds no error either. */
  onRunOnce?: (() => void) | undefined;
  /** Called with the current file or pass. */
  onPhase?: ((text: string) => void) | undefined;
  /** What a rehearsal of these files has found on the database already. */
  rehearsal?: RehearsalReport | undefined;
  /** The kit's own seeds: they run after everything else, and what they lack is a warning. */
  seeds?: KitSeeds | undefined;
  /** Called where lint finds no error. */
  onLinted?: (() => void) | undefined;
}

/** What the passes of a rehearsal are for people. */
const passes = { first: '', access: 'asking every table', again: 'again: ', rollback: 'rolling back' };

/** The options for the rehearsal, with the files counted. */
function follow(
  migrations: MigrationFiles['migrations'],
  { onPhase, onLinted: _linted, rehearsal: _rehearsal, seeds: _seeds, ...limits }: ExamineOptions,
): Omit<RehearsalInput, 'migrations' | 'rollbacks' | 'own'> {
  const numbers = new Map(migrations.map(({ file }, index) => [file, `${index + 1}/${migrations.length} ${file}`]));
  return {
    ...limits,
    onProgress: ({ pass, file }) =>
      onPhase?.(`${passes[pass]}${file === undefined ? '' : (numbers.get(file) ?? file)}`),
  };
}

/**
 * Finds everything that can be known about migrations before they run on a real database: the files are linted, run on a shadow
 * database, and that database's catalog is checked.
 * @param database a shadow database with the platform's objects; it cannot be used again
 */
export async function examine(
  database: Database,
  files: MigrationFiles,
  museFile: MuseFile,
  options: ExamineOptions = {},
): Promise<Examination> {
  const { migrations, rollbacks } = files;
  const own = migrations
    .filter(({ layer, file }) => layer === 'extension' && rollbacks.has(file))
    .map(({ file }) => file);
  let [isClean, hasRun, isOver] = [false, false, false];
  const onRunOnce = (): void => {
    hasRun = true;
    if (isClean) options.onRunOnce?.();
  };
  if (options.rehearsal?.files.every(({ failed }) => failed === 0) === true) onRunOnce();
  // The database works in its own thread: meanwhile the files are linted here.
  const [rehearsal, linted] = await Promise.all([
    options.rehearsal ?? rehearse(database, { migrations, rollbacks, own, ...follow(migrations, options), onRunOnce }),
    lint({ migrations, rollbacks, severities: museFile.rules ?? {}, order: museFile.migrations.order }).then(
      (result) => {
        // The rehearsal has failed meanwhile, and its caller cleans up: nothing may be opened any more.
        isClean = !isOver && !hasErrors([...files.findings, ...result.findings]);
        if (isClean) options.onLinted?.();
        if (isClean && hasRun) options.onRunOnce?.();
        return result;
      },
    ),
  ]).finally(() => (isOver = true));
  const [expectations, places] = [await expectationsOf(migrations, museFile), await placesOf(migrations)];
  const { findings: seen, silenced } = places.settle(
    rehearsal.ended ? [] : await checkCatalog(database, expectations),
    museFile.rules,
  );
  // A table whose CREATE failed, or was not rehearsed, already has that finding.
  const isPart = hasErrors(rehearsal.findings) || rehearsal.notRehearsed > 0;
  const catalog = isPart ? seen.filter(({ rule }) => rule !== 'table-missing') : seen;
  const read = await withoutRefuted(database, linted.findings, rehearsal, migrations);
  const seeded = await examineSeeds(database, migrations, museFile, rehearsal, options);
  return {
    findings: foldConsequences(
      places.locate(mergeFindings([files.findings, read, rehearsal.findings, catalog, seeded])),
    ),
    // The catalog has the same problems that the files have.
    silenced: Math.max(linted.silenced, silenced),
    rehearsal,
  };
}

/** What is wrong with the kit's seeds: as they are read, and where every migration has run, as they run. */
async function examineSeeds(
  database: Database,
  migrations: MigrationFiles['migrations'],
  museFile: MuseFile,
  rehearsal: RehearsalReport,
  { seeds, onPhase }: ExamineOptions,
): Promise<Finding[]> {
  if (seeds === undefined) return [];
  if (seeds.seeds.length > 0) onPhase?.('reading the seeds');
  const read = [...seeds.findings, ...(await lintSeeds(migrations, seeds.seeds, museFile.rules))];
  const isWhole =
    !rehearsal.ended && rehearsal.notRehearsed === 0 && rehearsal.files.every(({ failed }) => failed === 0);
  if (!isWhole || seeds.seeds.length === 0) return read;
  onPhase?.('running the seeds');
  return mergeFindings([read, await rehearseSeeds(database, migrations, seeds.seeds)]);
}

/**
 * Ends a run that has errors.
 * @throws MuseError `findings`
 */
export function refuseErrors(findings: readonly Finding[], consequence: string, suggestion?: Suggestion): void {
  if (hasErrors(findings)) throw refusal(findings, consequence, suggestion);
}

/** What to do about findings: a sentence, or what is offered where a rule among the errors has a fix. */
type Suggestion = string | { offer: string };

/** What to do about findings inside a muse, where its own command fixes them. */
export const fixInMuse: Suggestion = { offer: 'let muse fix what it can: muse lint --fix' };

/** The error of a run that has errors: how many, in how many files. */
export function refusal(
  findings: readonly Finding[],
  consequence: string,
  suggestion: Suggestion = { offer: 'let create-muse fix what it can: --fix' },
): MuseError {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const isFixable = findings.some(
    ({ severity, rule, consequences = [] }) =>
      severity === 'error' && [rule, ...consequences.map((each) => each.rule)].some(hasFix),
  );
  const files = new Set(
    findings.filter(({ severity, file }) => severity === 'error' && file !== undefined).map(({ file }) => file),
  ).size;
  const where = files === 0 ? '' : ` in ${files} ${files === 1 ? 'file' : 'files'}`;
  return new MuseError({
    code: 'findings',
    message: `${errors} ${errors === 1 ? 'error' : 'errors'}${where}. ${consequence}`,
    suggestion:
      typeof suggestion === 'string'
        ? suggestion
        : `Fix the findings above${isFixable ? `, or ${suggestion.offer}` : ''}.`,
    findings,
  });
}
