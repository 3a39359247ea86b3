import { readMigrations } from '../../migrations/read.ts';
import { expectationsOf } from '../../muse/declared-schema.ts';
import { refuseErrors } from '../../muse/examine.ts';
import { readMuseFile } from '../../muse/muse-json.ts';
import { notVerified } from '../../supabase/connect.ts';
import { placesOf } from '../../rules/engine/live/places.ts';
import type { Configured, Placed, Run } from '../context.ts';
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
  async run({ files, opened, onProgress }, output) {
    const target = await opened();
    const result = await target.migrate(files.migrations, ({ file, index, count }) =>
      onProgress?.(`${index + 1}/${count} ${file}`),
    );
    if (target.connected?.verified === false) output.notes.push(notVerified);
    output.applied.push(...result.applied);
    output.skipped.push(...result.skipped);
    output.notes.push(...result.notes);
    output.summary = `${result.applied.length} applied${result.skipped.length > 0 ? `, ${result.skipped.length} applied before` : ''}`;
  },
};

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
    output.proven.push(`${tables} tables exist, with row-level security, policies, grants and indexes`);
    output.summary = `${tables} tables`;
  },
};
