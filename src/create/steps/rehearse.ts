import { measureAccess } from '../../rehearsal/measure.ts';
import { onceText, type RehearsalReport, repeatText } from '../../rehearsal/rehearse.ts';
import { counted } from '../../shared/printable.ts';
import { openEmbedded } from '../../database/embedded/embedded.ts';
import { type Finding, hasErrors } from '../../shared/finding.ts';
import { readKitSeeds } from '../../migrations/kit-seeds.ts';
import { type MigrationFiles, readMigrations } from '../../migrations/read.ts';
import type { Configured } from '../context.ts';
import { examine, refuseErrors } from '../../muse/examine.ts';
import { withheldText } from '../../muse/repair/access-text.ts';
import { leftText, type FixPlan } from '../../muse/repair/repair.ts';
import { knownOf } from '../../muse/repair/trials.ts';
import type { MuseFile } from '../../shared/muse-file.ts';
import { targetOf } from '../../targets/open.ts';
import type { Database } from '../../database/database.ts';
import type { Migration } from '../../sql/migration.ts';
import { isolationLine, notProvenNote } from '../../verify/report/isolation-json.ts';
import type { SettledProof } from '../../muse/prove-files.ts';
import type { IsolationReport } from '../../verify/report/report.ts';
import { type JournalData, type StepOutput, writeMatrix } from '../journal.ts';
import type { Step } from '../step.ts';
import { offeredBy } from '../target.ts';
import type { Fixed } from './fix.ts';

/** Runs all migrations on a shadow database, twice, rolls them back, and checks the result. */
export const rehearseStep: Step<Configured & Fixed> = {
  id: 'rehearse',
  title: 'Rehearse on a shadow database',
  async run(context, output) {
    const { answers, directory, journal, kitFiles, museFile, onProgress, shadow, signal, stage } = context;
    const files = await readMigrations(stage, museFile.migrations);
    // The repair's last rehearsal was of these files, unless something was archived or added since.
    const last = answers.statementTimeoutMs === undefined ? context.repairs?.rehearsal : undefined;
    const known = last === undefined ? undefined : knownOf(files, last);
    if (context.repairs !== undefined && known === undefined) await shadow.close();
    const database = await shadow();
    const openAnother = () => openEmbedded({ signal });
    const limits = { openAnother, statementTimeoutMs: answers.statementTimeoutMs, ...offeredBy(context) };
    const ahead = workAhead(context, files.migrations);
    const {
      findings,
      rehearsal,
      silenced: unsaid,
    } = await examine(database, files, museFile, {
      ...limits,
      onPhase: onProgress,
      seeds: await readKitSeeds(stage, museFile.migrations),
      rehearsal: known?.report,
      applied: known?.applied,
      openAnother: async () => {
        const another = await openAnother();
        if (known !== undefined) await measureAccess(another, files.migrations.slice(0, known.applied));
        return another;
      },
      onLinted: ahead?.open,
      onRunOnce: ahead?.begin,
    });
    const proof =
      hasErrors(findings) || answers.verify === false
        ? undefined
        : await proveRehearsed(database, museFile, files.migrations, rehearsal, onProgress);
    // Frees its memory and its thread for the steps to come.
    await shadow.close();
    if (hasErrors(findings)) {
      const all = withoutConsequences(await withArchived(findings, files, kitFiles, museFile, limits), kitFiles);
      refuseErrors(all, refused, answers.fix ? afterFix(context.repairs, all) : undefined);
    }
    if (proof !== undefined) refuseErrors([...findings, ...proof.findings], refused, leaky);
    const done = await ahead?.done();
    if (done !== undefined) journal.data.ahead = done;
    output.findings.push(...findings.map(({ snippet: _line, ...finding }) => finding));
    const silenced = unsaid + (proof?.silenced ?? 0);
    if (silenced > 0)
      output.notes.push(`Comments in the SQL silence ${silenced} ${silenced === 1 ? 'finding' : 'findings'}.`);
    output.proven.push(repeatText(rehearsal));
    const notRepeated = onceText(rehearsal);
    if (notRepeated !== undefined) output.notes.push(notRepeated);
    if (rehearsal.rolledBack.length > 0) output.proven.push('the extension can be rolled back completely');
    if (proof === undefined) output.notes.push(notVerified);
    else await report(proof, directory, output);
    const again =
      notRepeated === undefined ? 'run twice' : `${rehearsal.once.length} of them run once, the others twice`;
    const back = rehearsal.rolledBack.length > 0 ? ' and rolled back' : '';
    output.summary = `${counted(files.migrations.length, 'file')}, ${again}${back}`;
  },
};

/** The work on a local target that the rehearsal does not wait for. */
interface WorkAhead {
  /** Opens the target. */
  open: () => void;
  /** Migrates and checks the target. */
  begin: () => void;
  /** What the migration came to, for a run that is resumed before it is reported; undefined where it has none. */
  done: () => Promise<JournalData['ahead']>;
}

/**
 * A local target is made while the rehearsal runs, on the processor core that it leaves idle: it is opened once the files are
 * linted without an error, and migrated once every file has run. It is thrown away with the stage where the rehearsal finds an
 * error or the run stops.
 * @returns undefined where the target is for the steps after the rehearsal alone
 */
function workAhead(
  { answers, dryRun, museFile, opened }: Configured,
  migrations: readonly Migration[],
): WorkAhead | undefined {
  if (!targetOf(answers.target).local || dryRun) return undefined;
  // The steps that report it get what goes wrong, which is kept for them.
  let migrated: Promise<JournalData['ahead']> | undefined;
  const begin = async (): Promise<JournalData['ahead']> => {
    const { migrate, check } = await opened();
    const { applied, notes } = await migrate(migrations);
    check(migrations, museFile).catch(() => undefined);
    return { applied, notes };
  };
  return {
    open: () => void opened().catch(() => undefined),
    begin() {
      migrated = begin().catch(() => undefined);
    },
    done: async () => migrated,
  };
}

const refused = 'Nothing was provisioned, and nothing was left behind.';

/** What to do where the files run, but let people reach rows that are not theirs. */
const leaky =
  'Fix the policies, grants and functions above in the kit. To look at it all in a muse, add --no-verify, then: muse verify';

const notVerified = 'Tenant isolation was not proven (--no-verify). Prove it: muse verify';

/** The proof is loaded only where it is run. */
async function proveRehearsed(
  database: Database,
  museFile: MuseFile,
  migrations: readonly Migration[],
  rehearsal: RehearsalReport,
  onProgress?: (text: string) => void,
): Promise<SettledProof> {
  const what = 'acting as users on every table';
  onProgress?.(what);
  const { followProof, proveFiles, withUntried } = await import('../../muse/prove-files.ts');
  const proof = await proveFiles(database, museFile, migrations, followProof(what, onProgress));
  return withUntried(proof, rehearsal);
}

/** What a proof without errors says in the report. */
async function report(proof: IsolationReport, directory: string, output: StepOutput): Promise<void> {
  const { findings, tables } = proof;
  output.matrix = await writeMatrix(directory, tables);
  output.findings.push(...findings);
  // What proved nothing is no entry of the list of what was proven.
  if (proof.proven > 0) output.proven.push(isolationLine(proof));
  else if (proof.notProven > 0)
    output.notes.push(`Tenant isolation was not proven: ${counted(proof.notProven, 'thing')} could not be tried.`);
  const note = notProvenNote(findings);
  if (note !== undefined) output.notes.push(note);
}

/**
 * What to do after `--fix`: why it left errors, a reason for each rule; how to allow what gives more access; fix the rest. The
 * findings name files of a clone that is deleted.
 */
function afterFix(repairs: FixPlan | undefined, findings: readonly Finding[]): string {
  const wrong = new Set(findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule));
  const reasons = [...wrong].flatMap((rule) => {
    const [first, ...others] = repairs?.left.filter((each) => each.rule === rule) ?? [];
    const more = others.length === 0 ? '' : ` And ${others.length} more like it.`;
    return first === undefined ? [] : [`${leftText(first)}${more}`];
  });
  const withheld = repairs === undefined ? undefined : withheldText(repairs.access);
  const manual = 'a manual fix. Files and lines are those of the repaired clone; add --dry-run to see its diffs.';
  return [
    ...reasons,
    ...(withheld === undefined
      ? [`These need ${manual}`]
      : [withheld, `To allow them: --fix --allow-widening. The rest needs ${manual}`]),
  ].join('\n');
}

/** Drops failures in generated files if the kit's own files, which run first, fail already. */
function withoutConsequences(findings: readonly Finding[], kit: MigrationFiles | undefined): Finding[] {
  const ofKit = new Set(kit?.migrations.map(({ file }) => file));
  const fails = findings.some(({ severity, file }) => severity === 'error' && file !== undefined && ofKit.has(file));
  return findings.filter(
    ({ rule, file }) => !fails || rule !== 'statement-failed' || file === undefined || ofKit.has(file),
  );
}

/**
 * For a kit with errors, the findings of all its files at once: including its own extensions, although they would be
 * archived, and what core wrongly depends on in them.
 */
async function withArchived(
  findings: readonly Finding[],
  files: MigrationFiles,
  kit: MigrationFiles | undefined,
  museFile: MuseFile,
  limits: { openAnother(): Promise<Database>; statementTimeoutMs: number | undefined },
): Promise<Finding[]> {
  const known = new Set(files.migrations.map(({ file }) => file));
  if (kit === undefined || kit.migrations.every(({ file }) => known.has(file))) return [...findings];
  const database = await limits.openAnother();
  try {
    const whole = await examine(database, kit, museFile, limits);
    const ofKit = new Set(kit.migrations.map(({ file }) => file));
    const own = findings.filter(({ file }) => file !== undefined && !ofKit.has(file));
    return [...whole.findings, ...own];
  } finally {
    await database.close();
  }
}
