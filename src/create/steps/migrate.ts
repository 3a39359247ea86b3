import { migrate } from '../../migrations/apply.ts';
import { readMigrations } from '../../migrations/read.ts';
import { type CreateContext, needed } from '../context.ts';
import { readMuseFile } from '../../muse/muse-json.ts';
import type { Step } from '../step.ts';

/** Opens a muse that is there, for the rehearsal. */
export const openStep: Step<Pick<CreateContext, 'directory' | 'museFile'>> = {
  id: 'open',
  title: 'Open the muse',
  always: true,
  async run(context) {
    context.museFile = await readMuseFile(context.directory);
    return undefined;
  },
};

/** Reads what is in place; runs in a resumed run as well, for the steps after it. */
export const readStep: Step<Pick<CreateContext, 'directory' | 'museFile' | 'files'>> = {
  id: 'read',
  title: 'Read the migrations',
  always: true,
  async run(context) {
    context.museFile = await readMuseFile(context.directory);
    context.files = await readMigrations(context.directory, context.museFile.migrations);
    const core = context.files.migrations.filter((migration) => migration.layer === 'core').length;
    return `${core} core, ${context.files.migrations.length - core} extension`;
  },
};

/** Runs core and then extension migrations on the target. */
export const migrateStep: Step<Pick<CreateContext, 'target' | 'files' | 'applied' | 'skipped' | 'notes' | 'onProgress'>> = {
  id: 'migrate',
  title: 'Migrate the database',
  async run(context) {
    const { migrations } = needed(context.files, 'The list of migrations');
    const database = await context.target();
    const result = await migrate(database, migrations, {
      onProgress: ({ file, index, count }) => context.onProgress?.(`${index + 1}/${count} ${file}`),
    });
    context.applied.push(...result.applied);
    context.skipped.push(...result.skipped);
    context.notes.push(...result.notes);
    return `${result.applied.length} applied${result.skipped.length > 0 ? `, ${result.skipped.length} had been before` : ''}`;
  },
};
