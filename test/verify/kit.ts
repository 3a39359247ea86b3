import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../src/database/database.ts';
import { loadPreset } from '../../src/scaffold/presets.ts';
import { scaffold } from '../../src/scaffold/scaffold.ts';
import { readDirectives } from '../../src/rules/engine/directives.ts';
import { loadParser } from '../../src/sql/parser.ts';
import type { Declaration } from '../../src/rules/engine/live/expectations.ts';
import { coreFacts, folders } from '../scaffold/support.ts';

const folder = join(import.meta.dirname, '../../templates/musekit/migrations/core');

/** Puts the built-in kit and the presets into the database; gives what their files say of their tables. */
export async function installKit(database: Database, presets: readonly string[]): Promise<Declaration[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql')).sort().map((name) => ({ file: name, sql: readFileSync(join(folder, name), 'utf8') }));
  for (const { sql } of files) await database.script(sql);
  if (presets.length > 0) {
    const made = await scaffold({
      name: 'realtymuse', prefix: '', presets: await Promise.all(presets.map((id) => loadPreset(id))), tables: [], core: await coreFacts(database),
      number: '001', folders, isolation: 'auth-uid',
    });
    const [up] = made.files;
    await database.script(up!.content);
    files.push({ file: 'extension.sql', sql: up!.content });
  }
  await loadParser();
  const migrations = files.map(({ file, sql }) => ({ layer: 'core' as const, file, number: '', sql, checksum: '' }));
  return readDirectives(migrations).flatMap((directive) =>
    directive.kind === 'ignore' || directive.table === undefined ? []
      : [{ table: directive.table, scope: directive.kind, ...(directive.kind === 'shared-with' ? { column: directive.column } : {}) }]);
}
