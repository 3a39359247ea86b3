import type { Finding } from '../shared/finding.ts';
import { lint } from '../rules/registry.ts';
import { readMigrations } from '../migrations/read.ts';
import type { Muse } from '../shared/muse-file.ts';

/** Every static rule over the migrations of a muse; no database. */
export async function lintMuse({
  directory,
  museFile,
}: Muse): Promise<{ findings: Finding[]; silenced: number; files: number }> {
  const files = await readMigrations(directory, museFile.migrations);
  const linted = await lint({ ...files, severities: museFile.rules ?? {} });
  return {
    findings: [...files.findings, ...linted.findings],
    silenced: linted.silenced,
    files: files.migrations.length,
  };
}
