import type { FilesCheck } from '../../muse/check-files.ts';
import type { Finding } from '../../shared/finding.ts';
import { actorsOf, cellOf } from '../../verify/probes/cells.ts';
import { countProven } from '../../verify/report/not-proven.ts';
import type { TableReport } from '../../verify/report/report.ts';

/** What the proof says of a table, view, function or bucket: who could do what with rows of others. */
export interface Verdict {
  /** `schema.name`; for a bucket `storage.objects[bucket]`; for a function with its argument types. */
  name: string;
  kind: TableReport['kind'];
  /** Who a row belongs to, e.g. `owner user_id`. */
  scope: string;
  actors: {
    name: string;
    /** A letter for each verb, as `muse verify` prints them. */
    cell: string;
    /** The rules that this breaks. */
    rules: string[];
  }[];
  /** Why it does not count as proven, a sentence's end each. */
  notProven: string[];
}

/** A check of files, as the page shows it. */
export interface CheckReport {
  at: string;
  findings: readonly Finding[];
  silenced: number;
  /** What was tried; empty where the files did not run. */
  verdicts: readonly Verdict[];
  /** Why nothing was tried. */
  unproven?: { message: string; suggestion: string } | undefined;
  proven: number;
  notProven: number;
}

/** The verdict on one of the tables of a proof. */
function verdictOf(report: TableReport, findings: readonly Finding[]): Verdict {
  const { table: name, kind, scope, checks, notes = [] } = report;
  const gaps = findings.flatMap(({ rule, object, message }) =>
    rule === 'not-proven' && object === name && notes.length === 0 ? [message] : [],
  );
  return {
    name,
    kind,
    scope,
    actors: actorsOf([report]).map((actor) => ({
      name: actor,
      cell: cellOf(report, actor).text,
      rules: [...new Set(checks.flatMap((check) => (check.actor === actor ? (check.rule ?? []) : [])))],
    })),
    notProven: [...notes, ...gaps],
  };
}

/** What came of a check: errors first. */
export function reportOf({ findings, silenced, proof, problem }: FilesCheck): CheckReport {
  const tables = proof?.tables ?? [];
  return {
    at: new Date().toISOString(),
    findings: findings.toSorted((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error')),
    silenced,
    verdicts: tables.map((table) => verdictOf(table, findings)),
    unproven: problem,
    ...(proof === undefined ? { proven: 0, notProven: 0 } : countProven(tables, proof.findings)),
  };
}
