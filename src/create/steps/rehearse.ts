import { openEmbedded } from '../../database/embedded/embedded.ts';
import { type Finding, hasErrors } from '../../shared/finding.ts';
import { type MigrationFiles, readMigrations } from '../../migrations/read.ts';
import { type CreateContext, needed } from '../context.ts';
import { examine, refuseErrors } from '../../muse/examine.ts';
import type { MuseFile } from '../../shared/muse-file.ts';
import { targetOf } from '../../targets/open.ts';
import type { Step } from '../step.ts';

/** Runs everything on a throw-away database, twice and back, and checks what came of it. */
export const rehearseStep: Step<Pick<CreateContext, 'stage' | 'kitFiles' | 'throwAway' | 'museFile' | 'findings' | 'proven' | 'notes' | 'answers' | 'target'>> = {
  id: 'rehearse',
  title: 'Rehearse on a throw-away database',
  async run(context) {
    const museFile = needed(context.museFile, 'muse.json');
    const files = await readMigrations(context.stage, museFile.migrations);
    const database = await context.throwAway();
    // Opening a local target takes a core's time that the rehearsal leaves free.
    if (targetOf(context.answers.target).local) void context.target().catch(() => undefined);
    const { findings, rehearsal, silenced } = await examine(database, files, museFile);
    // Its memory and its thread are of use to what follows.
    await context.throwAway.close();
    if (hasErrors(findings)) {
      const all = withoutConsequences(await withArchived(findings, files, context.kitFiles, museFile), context.kitFiles);
      refuseErrors(all, 'Nothing was provisioned, and nothing was left behind.', context.answers.fix ? mendedAlready : undefined);
    }
    context.findings.push(...findings);
    if (silenced > 0) context.notes.push(`${silenced} findings are silenced by comments in the SQL.`);
    context.proven.push(`${files.migrations.length} migrations run, and run again change nothing`);
    if (rehearsal.rolledBack.length > 0) context.proven.push('the extension can be taken back without a trace');
    return `${files.migrations.length} files, twice and back`;
  },
};

/** After --fix, what stays is for a person, and is told of files that are gone with the clone. */
const mendedAlready = 'Nothing mends these but a person. Files and lines are those of the mended clone; add --dry-run to read its diffs.';

/** What fails in the files made here because the kit's own fail before them is no finding of its own. */
function withoutConsequences(findings: readonly Finding[], kit: MigrationFiles | undefined): Finding[] {
  const ofKit = new Set(kit?.migrations.map(({ file }) => file));
  const fails = findings.some(({ severity, file }) => severity === 'error' && file !== undefined && ofKit.has(file));
  return findings.filter(({ rule, file }) => !fails || rule !== 'statement-failed' || file === undefined || ofKit.has(file));
}

/**
 * A kit that cannot be used as it is gets the whole list in one go: its own extensions as well, although they would be
 * archived, and with them what core wrongly takes from them.
 */
async function withArchived(findings: readonly Finding[], files: MigrationFiles, kit: MigrationFiles | undefined, museFile: MuseFile): Promise<Finding[]> {
  const known = new Set(files.migrations.map(({ file }) => file));
  if (kit === undefined || kit.migrations.every(({ file }) => known.has(file))) return [...findings];
  const database = await openEmbedded();
  try {
    const whole = await examine(database, kit, museFile);
    const ofKit = new Set(kit.migrations.map(({ file }) => file));
    const own = findings.filter(({ file }) => file !== undefined && !ofKit.has(file));
    return [...whole.findings, ...own];
  } finally {
    await database.close();
  }
}
