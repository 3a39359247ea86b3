import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Model } from '../catalog/model.ts';
import type { Probe } from '../fixtures/script.ts';
import type { Actor } from './actors.ts';
import type { Answer, Cell } from './run-script.ts';
import type { Subject } from './subject.ts';
import { type Verb, type VerbRow, verbs } from './verbs.ts';

/** A probe and its subject. */
export interface NamedProbe extends Probe {
  /** Name of its subject, as in the report. */
  subject: string;
  verb: Verb;
  /** Numbers of the actors whose role lacks the privilege: PostgreSQL refuses them, so they are not run. */
  refused?: number[];
  /** A member who runs it for others, since the same comes of it for them: their numbers. */
  alike?: { by: number; others: number[] };
  /** By the number of an actor: the probe that meets the same rows and more. */
  wider?: ReadonlyMap<number, NamedProbe>;
}

const rows = Object.entries(verbs) as [Verb, VerbRow][];

/** Every probe of a subject: one for each statement of each verb, with the actors that run it. */
export function probesOf(subject: Subject, actors: readonly Actor[], model: Model): NamedProbe[] {
  /** By verb and the number of an actor, its first statement. */
  const first = new Map<string, NamedProbe>();
  const areAlike = areMembersAlike(subject, model);
  const probes = rows
    .filter(([, row]) => row.letter === 'S' || !subject.isReadOnly)
    .flatMap(([verb, row]) => {
      const bySql = new Map<string, number[]>();
      const firstSql = new Map<number, string>();
      actors.forEach((actor, number) => {
        if (actor.isMultiOrg && row.multiOrg !== true) return;
        for (const sql of new Set(row.sql(subject, actor, model))) {
          if (sql === undefined) continue;
          bySql.set(sql, [...(bySql.get(sql) ?? []), number]);
          if (!firstSql.has(number)) firstSql.set(number, sql);
        }
      });
      const prepare = row.prepare?.(subject, model) ?? (row.withoutWhere === true ? subject.prepare : undefined);
      return [...bySql].map(([sql, numbers]): NamedProbe => {
        const refused = numbers.filter((number) => isRefused(subject, row, actors[number]!, model));
        const able = numbers.filter((number) => !refused.includes(number));
        const members = able.filter(
          (number) => actors[number]!.relation === 'co-member' && !actors[number]!.isMultiOrg,
        );
        const [by, ...others] = areAlike ? members : [];
        const probe: NamedProbe = {
          subject: subject.name,
          verb,
          sql,
          actors: able.filter((number) => !others.includes(number)),
          refused,
          ...(by === undefined ? {} : { alike: { by, others } }),
          ...(row.letter === 'S'
            ? { mode: 'read' as const, state: '' }
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

/** Says whether members differ in nothing that is asked here: nothing reads the memberships, nor what is written along with them. */
function areMembersAlike({ name, table }: Subject, { dependencies, tenancy: { membership } }: Model): boolean {
  if (membership === undefined) return false;
  const members = qualifiedName(membership.table);
  const telling = new Set([members, ...dependencies.sideEffects(members).map((effect) => effect.table)]);
  return ![name, qualifiedName(table)].some((one) => dependencies.consults(one, telling));
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

/** The cells of those who did not run a probe, since it is known what comes of it: they lack the privilege, or another stands for them. */
export function knownCells(probes: readonly NamedProbe[], { cells, states }: Pick<Answer, 'cells' | 'states'>): Cell[] {
  const ran = new Map(cells.map((cell) => [`${cell.actor} ${cell.probe}`, cell]));
  return probes.flatMap(({ refused = [], alike, subject }, probe) => [
    ...refused.map((actor): Cell => ({
      actor,
      probe,
      before: states,
      code: '42501',
      message: `permission denied for table ${subject.split('.').at(-1)}`,
    })),
    ...(alike?.others ?? []).flatMap((actor): Cell[] => {
      const cell = ran.get(`${alike?.by} ${probe}`);
      return cell === undefined ? [] : [{ ...cell, actor }];
    }),
  ]);
}
