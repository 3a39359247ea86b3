import type { MigrateResult } from '../../migrations/apply.ts';
import type { FileName } from '../../migrations/compare.ts';
import { readMigrations } from '../../migrations/read.ts';
import { expectationsOf } from '../../muse/declared-schema.ts';
import { refuseErrors } from '../../muse/examine.ts';
import { readMuseFile } from '../../muse/muse-json.ts';
import { refreshTypes } from '../../muse/types.ts';
import { notVerified } from '../../supabase/connect.ts';
import { placesOf } from '../../rules/engine/live/places.ts';
import { counted } from '../../shared/printable.ts';
import type { Configured, Placed, Run } from '../context.ts';
import type { JournalData } from '../journal.ts';
import type { Step } from '../step.ts';

/** Opens a muse that already exists, for the rehearsal. */
export const openStep: Step<Run, Pick<Configured, 'museFile'>> = {
  id: 'open',
  title: 'Open the muse',
  async run({ directory }) {
    return { museFile: await readMuseFile(directory) };
  },
};

/** Reads the muse that is in place. */
export const readStep: Step<Run, Pick<Placed, 'museFile' | 'files'>> = {
  id: 'read',
  title: 'Read the migrations',
  async run({ directory }, output) {
    const museFile = await readMuseFile(directory);
    const files = await readMigrations(directory, museFile.migrations);
    const core = files.migrations.filter((migration) => migration.layer === 'core').length;
    output.summary = `${core} core, ${files.migrations.length - core} extension`;
    return { museFile, files };
  },
};

/** Runs core and then extension migrations on the target. */
export const migrateStep: Step<Placed> = {
  id: 'migrate',
  title: 'Migrate the database',
  async run({ directory, files, journal, opened, onProgress }, output) {
    const target = await opened();
    const made = await target.migrate(files.migrations, ({ file, index, count }) =>
      onProgress?.(`${index + 1}/${count} ${file}`),
    );
    const result = withAhead(made, journal.data);
    const when = journal.data.ahead === undefined ? '' : ' during the rehearsal';
    delete journal.data.ahead;
    await refreshTypes(directory, target.database);
    if (target.connected?.verified === false) output.notes.push(notVerified);
    output.applied.push(...result.applied);
    output.skipped.push(...result.skipped);
    output.notes.push(...result.notes);
    const before = result.skipped.length > 0 ? `, ${result.skipped.length} applied before` : '';
    output.summary = `${result.applied.length} applied${when}${before}`;
  },
};

/** A resumed run finds applied what the rehearsal has applied, and says of it what an uninterrupted one says. */
function withAhead(
  result: MigrateResult,
  { ahead }: JournalData,
): Pick<MigrateResult, 'applied' | 'skipped' | 'notes'> {
  const isAhead = ({ layer, file }: FileName): boolean =>
    ahead?.applied.some((one) => one.layer === layer && one.file === file) === true;
  if (ahead === undefined || !result.skipped.some(isAhead)) return result;
  return {
    applied: [...ahead.applied, ...result.applied],
    skipped: result.skipped.filter((one) => !isAhead(one)),
    notes: [...ahead.notes, ...result.notes],
  };
}

/**
 * Checks that the target has everything that the files declare, with row-level security and grants as they should be.
 */
export const checkStep: Step<Placed> = {
  id: 'check',
  title: 'Check tables, policies and grants',
  async run({ files, museFile, opened }, output) {
    const expectations = await expectationsOf(files.migrations, museFile);
    const places = await placesOf(files.migrations);
    const findings = places.locate(
      places.settle(await (await opened()).check(files.migrations, museFile), museFile.rules).findings,
    );
    refuseErrors(findings, 'The migrations are applied, but the checks found errors.');
    const tables = expectations.tables?.length ?? 0;
    if (tables > 0)
      output.proven.push(
        `${counted(tables, 'table')} ${tables === 1 ? 'exists' : 'exist'}, with row-level security, policies, grants and indexes`,
      );
    output.summary = counted(tables, 'table');
  },
};
