import type { Finding } from '../../shared/finding.ts';
import { actorsOf, cellOf } from '../../verify/probes/cells.ts';
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

/** The verdict on one of the tables of a proof. */
export function verdictOf(report: TableReport, findings: readonly Finding[]): Verdict {
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
