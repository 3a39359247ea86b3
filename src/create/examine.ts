import type { Database } from '../database/database.ts';
import { MuseError } from '../error.ts';
import { type Finding, hasErrors } from '../finding.ts';
import { lint } from '../migrations/lint/lint.ts';
import type { MigrationFiles } from '../migrations/read.ts';
import { type RehearsalReport, rehearse } from '../migrations/rehearse.ts';
import type { MuseFile } from '../muse-file.ts';
import { checkCatalog } from '../verify/catalog-check.ts';
import { expectationsOf } from './facts.ts';

/** What a rehearsal with all its checks came to. */
export interface Examination {
  findings: Finding[];
  /** Findings that a comment in the SQL silences. */
  silenced: number;
  rehearsal: RehearsalReport;
}

/**
 * Everything that can be known of migrations before a database of value sees them: read as files, run on a throw-away
 * database, and that database's catalog looked at.
 * @param database throw-away, with the baseline; used up by this
 */
export async function examine(database: Database, files: MigrationFiles, museFile: MuseFile): Promise<Examination> {
  const { migrations, rollbacks } = files;
  const linted = await lint({ migrations, rollbacks, severities: museFile.rules ?? {} });
  const own = migrations.filter(({ layer, file }) => layer === 'extension' && rollbacks.has(file)).map(({ file }) => file);
  const rehearsal = await rehearse(database, { migrations, rollbacks, own });
  const catalog = await checkCatalog(database, await expectationsOf(migrations, museFile));
  return {
    findings: merge([...files.findings, ...linted.findings, ...rehearsal.findings, ...catalog]),
    silenced: linted.silenced,
    rehearsal,
  };
}

/**
 * Ends a run that has errors.
 * @throws MuseError `findings`
 */
export function refuseErrors(findings: readonly Finding[], consequence: string): void {
  if (!hasErrors(findings)) return;
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const files = new Set(findings.filter(({ severity, file }) => severity === 'error' && file !== undefined).map(({ file }) => file)).size;
  const where = files === 0 ? '' : ` in ${files} ${files === 1 ? 'file' : 'files'}`;
  throw new MuseError({
    code: 'findings',
    message: `${errors} ${errors === 1 ? 'error' : 'errors'}${where}. ${consequence}`,
    suggestion: 'Write what the findings say, or let create-muse mend what it can: --fix.',
    findings,
  });
}

/** One finding a rule and place: what the files show and the database confirms is said once, by the one with the place. */
function merge(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  const placed = new Set(findings.filter(({ file }) => file !== undefined).map(({ rule, object }) => `${rule} ${object}`));
  return findings.filter((finding) => {
    const key = `${finding.rule} ${finding.file ?? ''}:${finding.line ?? ''} ${finding.file === undefined || finding.column === undefined ? finding.object : finding.column}`;
    if (seen.has(key) || (finding.file === undefined && placed.has(`${finding.rule} ${finding.object}`))) return false;
    seen.add(key);
    return true;
  });
}
