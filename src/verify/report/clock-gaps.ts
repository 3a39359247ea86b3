/** Policies that open with the time, and that were not tried as they will be then. */
import { clockPolicies } from '../catalog/clock.ts';
import type { Model } from '../catalog/model.ts';
import type { Subject } from '../probes/subject.ts';
import type { Gap } from './report.ts';

/** The gaps that such conditions leave in the proof of each table and bucket. */
export function clockGaps(subjects: readonly Subject[], model: Model): Gap[] {
  return subjects
    .filter(({ kind }) => kind !== 'view')
    .flatMap(({ name, table }): Gap[] => {
      const byTime = new Map<string, string[]>();
      for (const { policy, when, moved } of clockPolicies(table, model))
        if (moved === undefined) byTime.set(when, [...(byTime.get(when) ?? []), policy.name]);
      return [...byTime].map(([when, policies]) => {
        const names = policies.join(', ');
        const [they, open, lets] = policies.length === 1 ? ['policy', 'opens', 'lets'] : ['policies', 'open', 'let'];
        return {
          object: name,
          reason: `its ${they} ${names} ${open} ${when}, whatever is in a row, and what that lets through was not tried`,
          suggestion:
            'Compare the time with a column of the row instead, as in opens_at <= now(); or check by hand what ' +
            `${names} ${lets} through then.`,
        };
      });
    });
}
