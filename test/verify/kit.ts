import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../src/database/database.ts';
import { expectationsOf } from '../../src/muse/declared-schema.ts';
import { loadPreset } from '../../src/scaffold/presets.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { scaffold } from '../../src/scaffold/scaffold.ts';
import type { Migration } from '../../src/sql/migration.ts';
import type { Declaration } from '../../src/rules/engine/live/expectations.ts';
import { coreFacts, folders } from '../scaffold/support.ts';

const folder = join(import.meta.dirname, '../../templates/musekit/migrations/core');

/** SQL as a migration file of the name. */
export const asMigration = (file: string, sql: string): Migration => ({
  layer: file.startsWith('extension') ? 'extension' : 'core',
  file,
  number: '',
  sql,
  checksum: '',
});

/**
 * Installs the built-in kit, the presets and further tables (in the syntax of `--table`) in the database. Returns the
 * files.
 * @param first how many files of the kit; default: all
 */
export async function installFiles(
  database: Database,
  presets: readonly string[],
  tables: readonly string[] = [],
  first?: number,
): Promise<Migration[]> {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .slice(0, first)
    .map((name) => asMigration(name, readFileSync(join(folder, name), 'utf8')));
  for (const { sql } of files) await database.script(sql);
  if (presets.length > 0 || tables.length > 0) {
    const made = await scaffold({
      name: 'realtymuse',
      prefix: '',
      presets: await Promise.all(presets.map((id) => loadPreset(id))),
      tables: tables.map(parseTable),
      core: await coreFacts(database),
      number: '001',
      folders,
      isolation: 'auth-uid',
    });
    const [up] = made.files;
    await database.script(up!.content);
    files.push(asMigration('extension.sql', up!.content));
  }
  return files;
}

/** Like {@link installFiles}, but returns what the files declare about their tables. */
export async function installKit(database: Database, presets: readonly string[]): Promise<Declaration[]> {
  const files = await installFiles(database, presets);
  return [...(await expectationsOf(files)).declarations];
}
