import { relative, resolve } from 'node:path';
import { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import { nearest } from '../shared/nearest.ts';
import { foldConsequences } from '../rules/engine/root-causes.ts';
import { lint, lintSeeds } from '../rules/registry.ts';
import { readKitSeeds } from '../migrations/kit-seeds.ts';
import { type MigrationFiles, readMigrations } from '../migrations/read.ts';
import { unreadableSeeds } from './seed-files.ts';
import type { Muse } from '../shared/muse-file.ts';

/** What lint found in a muse. */
export interface LintReport {
  findings: Finding[];
  silenced: number;
  /** How many files were checked. */
  files: number;
}

/**
 * Every static rule over the migrations of a muse; no database.
 * @param only absolute paths: findings in other files are left out, although all files are read
 * @throws MuseError `bad-call` for a path that is no migration, rollback or seed of the muse
 */
export async function lintMuse({ directory, museFile }: Muse, only: readonly string[] = []): Promise<LintReport> {
  const files = await readMigrations(directory, museFile.migrations);
  const kitSeeds = await readKitSeeds(directory, museFile.migrations);
  const seeds = [...(await unreadableSeeds(directory)), ...kitSeeds.findings];
  const wanted = only.map((path) => fileOf(path, directory, files, [...seeds, ...kitSeeds.seeds]));
  const linted = await lint({ ...files, severities: museFile.rules ?? {}, order: museFile.migrations.order });
  const seeded = await lintSeeds(files.migrations, kitSeeds.seeds, museFile.rules);
  const findings = [...files.findings, ...seeds, ...linted.findings, ...seeded].filter(
    ({ file }) => wanted.length === 0 || (file !== undefined && wanted.includes(file)),
  );
  return {
    findings: foldConsequences(findings),
    silenced: linted.silenced,
    files: wanted.length === 0 ? files.migrations.length : wanted.length,
  };
}

/** The name in findings of a file of the muse. */
function fileOf(
  path: string,
  directory: string,
  files: MigrationFiles,
  seeds: readonly Pick<Finding, 'file'>[],
): string {
  const file = relative(directory, resolve(path)).replaceAll('\\', '/');
  const known = [
    ...files.migrations.map((migration) => migration.file),
    ...[...files.rollbacks.values()].map((rollback) => rollback.file),
    ...[...files.findings, ...seeds].flatMap((finding) => finding.file ?? []),
  ];
  if (known.includes(file)) return file;
  const near = nearest(file, known);
  throw new MuseError({
    code: 'bad-call',
    message: `${file} is not a migration or rollback of this muse.`,
    suggestion: near === undefined ? 'List the files: muse status' : `Did you mean ${near}?`,
  });
}
