import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { asksRole } from '../catalog/managing-roles.ts';
import type { Model } from '../catalog/model.ts';
import type { Probe } from '../fixtures/script.ts';
import type { Actor } from './actors.ts';
import type { Cell } from './run-script.ts';
import { condition, type Subject } from './subject.ts';
import { type Verb, type VerbRow, verbs } from './verbs.ts';

/** A probe and what it is a probe of. */
export interface NamedProbe extends Probe {
  /** Name of what is probed, as the report has it. */
  subject: string;
  verb: Verb;
  /** The statement that a person would run, where it is not what the script runs. */
  byHand?: string;
  /** Numbers of the actors whose role lacks the privilege: PostgreSQL refuses them, so they are not run. */
  refused?: number[];
  /** By the number of an actor: the probe that meets the same rows and more. */
  wider?: ReadonlyMap<number, NamedProbe>;
}

/** The statement to try by hand. */
export function byHand({ byHand: statement, sql }: NamedProbe): string {
  return statement ?? sql;
}

const rows = Object.entries(verbs) as [Verb, VerbRow][];

/** Every probe of a subject: one for each verb and each statement that it takes, with the actors that run it. */
export function probesOf(subject: Subject, actors: readonly Actor[], model: Model): NamedProbe[] {
  /** By verb and the number of an actor, its first statement. */
  const first = new Map<string, NamedProbe>();
  const probes = rows
    .filter(([, row]) => row.letter === 'S' || !subject.isReadOnly)
    .flatMap(([verb, row]) => {
      const bySql = new Map<string, number[]>();
      const firstSql = new Map<number, string>();
      actors.forEach((actor, number) => {
        if (actor.isMultiOrg && !isForMultiOrg(row, actor, subject, model)) return;
        if (actor.only?.has(qualifiedName(subject.table)) === false) return;
        for (const sql of new Set(row.sql(subject, actor, model))) {
          if (sql === undefined) continue;
          bySql.set(sql, [...(bySql.get(sql) ?? []), number]);
          if (!firstSql.has(number)) firstSql.set(number, sql);
        }
      });
      const prepare = row.prepare?.(subject, model) ?? (row.withoutWhere === true ? subject.prepare : undefined);
      return [...bySql].map(([sql, numbers]): NamedProbe => {
        const refused = numbers.filter((number) => isRefused(subject, row, actors[number]!, model));
        const probe: NamedProbe = {
          subject: subject.name,
          verb,
          sql,
          actors: numbers.filter((number) => !refused.includes(number)),
          refused,
          ...(row.letter === 'S'
            ? {
                mode: 'read' as const,
                state: '',
                byHand: `select * from ${subject.into} where ${condition(subject.rows.a.key)}`,
              }
            : {
                mode: 'write' as const,
                state: subject.state,
                ...(row.result === 'changed' && subject.grants.rules.length > 0 ? { uncounted: true as const } : {}),
              }),
          ...(prepare === undefined ? {} : { prepare }),
        };
        for (const number of numbers) if (firstSql.get(number) === sql) first.set(`${verb} ${number}`, probe);
        return probe;
      });
    });
  for (const probe of probes) {
    const { wider } = verbs[probe.verb];
    // What a rule does instead need not meet the same rows.
    if (wider === undefined || subject.grants.rules.length > 0) continue;
    probe.wider = new Map(
      probe.actors.flatMap((number): [number, NamedProbe][] => {
        const other = actors[number]!.isMultiOrg ? undefined : first.get(`${wider} ${number}`);
        return other === undefined || other.prepare !== undefined ? [] : [[number, other]];
      }),
    );
  }
  return probes;
}

/** Who is in both organizations tries what goes from one to the other; and, with the lesser role, what a role may decide. */
function isForMultiOrg({ multiOrg }: VerbRow, { hasMoreElsewhere }: Actor, subject: Subject, model: Model): boolean {
  return (
    multiOrg === 'always' ||
    (multiOrg === 'by-role' &&
      hasMoreElsewhere &&
      subject.scope.owner === 'organization' &&
      asksRole(subject.table, model))
  );
}

/** Says whether PostgreSQL refuses the statement, whatever the policies: the role has the privilege neither on the table nor on a column. */
function isRefused(subject: Subject, { needs }: VerbRow, { role }: Actor, model: Model): boolean {
  const { grants, columnGrants, rules } = subject.grants;
  return (
    needs !== undefined &&
    rules.length === 0 &&
    grants[role]?.includes(needs) === false &&
    (needs === 'D' || columnGrants[role]?.[needs] === undefined) &&
    model.catalog.roles[role]?.superuser === false
  );
}

/** What PostgreSQL answers to those whose role lacks the privilege. */
export function refusedCells(probes: readonly NamedProbe[], before: Record<string, string>): Cell[] {
  return probes.flatMap(({ refused = [], subject }, probe) =>
    refused.map((actor): Cell => ({
      actor,
      probe,
      before,
      code: '42501',
      message: `permission denied for table ${subject.split('.').at(-1)}`,
    })),
  );
}
