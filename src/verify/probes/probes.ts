import type { Model } from '../catalog/model.ts';
import type { Probe } from '../fixtures/script.ts';
import type { Actor } from './actors.ts';
import type { Subject } from './subject.ts';
import { type Verb, type VerbRow, verbs } from './verbs.ts';

/** A probe and its subject. */
export interface NamedProbe extends Probe {
  /** Name of its subject, as in the report. */
  subject: string;
  verb: Verb;
}

const rows = Object.entries(verbs) as [Verb, VerbRow][];

/** Every probe of a subject: one for each statement of each verb, with the actors that run it. */
export function probesOf(subject: Subject, actors: readonly Actor[], model: Model): NamedProbe[] {
  return rows
    .filter(([, row]) => row.letter === 'S' || !subject.isReadOnly)
    .flatMap(([verb, row]) => {
      const bySql = new Map<string, number[]>();
      actors.forEach((actor, number) => {
        if (actor.isMultiOrg && row.multiOrg !== true) return;
        for (const sql of new Set(row.sql(subject, actor, model))) {
          if (sql !== undefined) bySql.set(sql, [...(bySql.get(sql) ?? []), number]);
        }
      });
      const prepare = row.prepare?.(subject, model) ?? (row.withoutWhere === true ? subject.prepare : undefined);
      return [...bySql].map(([sql, numbers]): NamedProbe => ({
        subject: subject.name,
        verb,
        sql,
        actors: numbers,
        ...(row.letter === 'S'
          ? { mode: 'read' as const, state: '' }
          : {
              mode: 'write' as const,
              state: subject.state,
              ...(row.result === 'changed' && subject.grants.rules.length > 0 ? { uncounted: true as const } : {}),
            }),
        ...(prepare === undefined ? {} : { prepare }),
      }));
    });
}
