import type { Finding } from '../../shared/finding.ts';
import type { IsolationReport, TableReport } from './report.ts';

/** A proof as printed by `--json`: names of what was proven, sentences on what was not, and the matrix. */
export interface IsolationJson {
  proven: string[];
  notProven: string[];
  tables: TableReport[];
}

/**
 * Converts a proof to the form of `--json`.
 * @param others what else is not proven, one sentence each
 */
export function isolationJson(
  { tables, findings }: Pick<IsolationReport, 'tables' | 'findings'>,
  others: readonly string[] = [],
): IsolationJson {
  return {
    proven: provenOf(tables, findings),
    notProven: [...findings.filter(({ rule }) => rule === 'not-proven').map(({ message }) => message), ...others],
    tables,
  };
}

/** The tables, views, functions and buckets that were tried in full without findings. */
function provenOf(tables: readonly TableReport[], findings: readonly Finding[]): string[] {
  const found = new Set(findings.filter(({ severity }) => severity === 'error').map(({ object }) => object));
  return tables
    .filter(
      ({ table, checks, notes }) =>
        checks.length > 0 && notes === undefined && !found.has(table) && !checks.some(({ rule }) => rule !== undefined),
    )
    .map(({ table }) => table);
}

/**
 * The summary of a proof without errors, in one line. It says that no one can reach others' rows only if everything was
 * tried.
 */
export function isolationLine({ proven, notProven }: Pick<IsolationReport, 'proven' | 'notProven'>): string {
  return notProven === 0
    ? `${proven} ${proven === 1 ? 'table, view, bucket or function' : 'tables, views, buckets and functions'}: ` +
        'no one can reach rows that are not theirs'
    : `tenant isolation: ${proven} proven, ${notProven} not proven`;
}

/** A note that names what was not proven; undefined if everything was. */
export function notProvenNote(findings: readonly Finding[]): string | undefined {
  const objects = findings.flatMap(({ rule, object }) =>
    rule === 'not-proven' && object !== undefined ? [object] : [],
  );
  return objects.length === 0
    ? undefined
    : `Not proven: ${[...new Set(objects)].join(', ')}. Why, and what to do: muse verify`;
}
