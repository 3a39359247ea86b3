import { MuseError } from '../shared/error.ts';
import type { Finding } from '../shared/finding.ts';
import { type MigrationFiles, readMigrations } from '../migrations/read.ts';
import type { Muse } from '../shared/muse-file.ts';

/**
 * The migration files of a muse, all of them text: a file that cannot be read is not the same as one that is not there.
 * @param wanted `rollbacks: false` leaves those unread
 * @throws MuseError `findings` with an `unreadable-file` for each that is not UTF-8
 */
export async function readReadable(
  { directory, museFile }: Muse,
  wanted: { rollbacks?: boolean } = {},
): Promise<MigrationFiles> {
  const files = await readMigrations(directory, museFile.migrations, wanted);
  refuseUnreadable(files.findings);
  return files;
}

/**
 * Ends a run that would leave a file out.
 * @throws MuseError `findings`
 */
export function refuseUnreadable(findings: readonly Finding[]): void {
  const unreadable = findings.filter(({ rule }) => rule === 'unreadable-file');
  if (unreadable.length === 0) return;
  throw new MuseError({
    code: 'findings',
    message: `${unreadable.length === 1 ? 'A file is' : `${unreadable.length} files are`} not UTF-8 text. Nothing was run.`,
    suggestion: 'Save as UTF-8 what is named above, then run this again.',
    findings: unreadable,
  });
}
