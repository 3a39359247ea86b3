import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import { asksRole } from '../catalog/managing-roles.ts';
import type { Model } from '../catalog/model.ts';
import type { Probe } from '../fixtures/script.ts';
import type { Actor } from './actors.ts';
import type { Answer, Cell } from './run-script.ts';
import { columnsIn, policiesFor } from '../catalog/scope.ts';
import { condition, labelledRows, type Subject } from './subject.ts';
import type { Statement, Variant, VerbRow } from './verb-row.ts';
import { type Verb, verbs } from './verbs.ts';

/** A probe and its subject. */
export interface NamedProbe extends Probe {
  /** Name of its subject, as in the report. */
  subject: string;
  verb: Verb;
  /** The statement that a person would run, where it is not what the script runs. */
  byHand?: string;
  /** Numbers of the actors whose role lacks the privilege: PostgreSQL refuses them, so they are not run. */
  refused?: number[];
  /** A member who runs it for others, since the same comes of it for them: their numbers. */
  alike?: { by: number; others: number[] };
  /** What makes it another one than the simplest statement of its verb. */
  variant?: Variant;
  /** What its caller reads first, to send it. */
  reads?: { table: string; column: string };
  /** A's further rows are removed first: what becomes of them says nothing. */
  isAlone?: true;
  /** By the number of an actor: the probe that meets the same rows and more. */
  wider?: ReadonlyMap<number, NamedProbe>;
}

/** The statement to try by hand. */
export function byHand({ byHand: statement, sql }: NamedProbe): string {
  return statement ?? sql;
}

const rows = Object.entries(verbs) as [Verb, VerbRow][];

/** Every probe of a subject: one for each statement of each verb, with the actors that run it. */
export function probesOf(subject: Subject, actors: readonly Actor[], model: Model): NamedProbe[] {
  /** By verb and the number of an actor, its first statement. */
  const first = new Map<string, NamedProbe>();
  const areAlike = areMembersAlike(subject, model);
  const asksMore = asksForMore(subject, model);
  const probes = rows
    .filter(([, row]) => (row.letter === 'S' ? subject.isWrittenOnly !== true : !subject.isReadOnly))
    .flatMap(([verb, row]) => {
      /** Each statement, by its text and what prepares for it. */
      const statements = new Map<
        string,
        {
          sql: string;
          variant: Variant | undefined;
          prepare: string | undefined;
          isAlone: boolean;
          numbers: number[];
        }
      >();
      const firstOf = new Map<number, string>();
      actors.forEach((actor, number) => {
        if (actor.isMultiOrg && !isForMultiOrg(row, actor, subject, model)) return;
        if (actor.only?.has(qualifiedName(subject.table)) === false) return;
        const usual =
          row.prepare?.(subject, model) ?? (row.withoutWhere === true ? cleared(row, subject, actor) : undefined);
        const tried = new Map<string, Statement>();
        for (const one of row.sql(subject, actor, model)) {
          const statement = typeof one === 'string' ? { sql: one } : one;
          const by = `${statement?.prepare ?? ''};${statement?.sql ?? ''}`;
          if (statement !== undefined && !tried.has(by)) tried.set(by, statement);
        }
        for (const { sql, variant, prepare: further } of tried.values()) {
          const prepare = [usual, further].filter(Boolean).join('; ') || undefined;
          for (const isAlone of asksMore && row.withoutWhere === true && row.letter !== 'D' ? [false, true] : [false]) {
            const before = isAlone ? [prepare, removeFurther(subject)].filter(Boolean).join('; ') : prepare;
            const key = `${before ?? ''};${sql}`;
            const known = statements.get(key) ?? { sql, variant, prepare: before, isAlone, numbers: [] };
            known.numbers.push(number);
            statements.set(key, known);
            if (!firstOf.has(number)) firstOf.set(number, key);
          }
        }
      });
      return [...statements].map(([key, { sql, variant, prepare, isAlone, numbers }]): NamedProbe => {
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
          ...(isAlone ? { isAlone } : {}),
          ...(variant === undefined ? {} : { variant }),
        };
        for (const number of numbers) if (firstOf.get(number) === key) first.set(`${verb} ${number}`, probe);
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

/**
 * SQL that first removes what would stop a statement without WHERE, or would be changed along with it: rows of other subjects,
 * and the row that is partly the stranger's own, since the WITH CHECK may refuse that one.
 */
function cleared({ letter }: VerbRow, subject: Subject, { user, isMultiOrg }: Actor): string | undefined {
  const { m } = subject.rows;
  const isStopping =
    letter !== 'D' &&
    m?.holder === user &&
    !subject.table.triggers.some(({ enabled }) => enabled) &&
    subject.kind === 'table';
  return (
    [
      subject.prepare,
      // Two objects cannot have the same path.
      subject.kind === 'bucket' && isMultiOrg
        ? `delete from ${subject.into} where ${condition(subject.rows.b.key)}`
        : undefined,
      isStopping ? `delete from ${subject.into} where ${condition(m.key)}` : undefined,
    ]
      .filter((sql) => sql !== undefined)
      .join('; ') || undefined
  );
}

/**
 * Says whether the policies for changes ask for more than whose the row is: of several rows that are changed at once, one may fail
 * that and stop the statement, although a single row passes.
 */
function asksForMore({ kind, table, belongs, rows }: Subject, model: Model): boolean {
  const owners = new Set(belongs.map(({ column }) => column));
  return (
    kind === 'table' &&
    rows.states.length > 0 &&
    policiesFor(table, 'U', model).some(({ using, check }) =>
      [...columnsIn(check ?? using, table, model)].some((name) => !owners.has(name)),
    )
  );
}

/** SQL that removes all rows of A but the ordinary one, as far as nothing keeps them. */
function removeFurther(subject: Subject): string {
  const removals = labelledRows(subject)
    .filter(([label]) => label !== 'a' && label !== 'b')
    .map(
      ([, { key }]) =>
        `begin delete from ${subject.into} where ${condition(key)}; exception when others then null; end;`,
    );
  return `do $muse_alone$ begin ${removals.join(' ')} end $muse_alone$`;
}

/** Says whether members differ in nothing that is asked here: nothing reads the memberships, nor what is written along with them. */
function areMembersAlike({ name, table }: Subject, { dependencies, tenancy: { membership } }: Model): boolean {
  if (membership === undefined) return false;
  const members = qualifiedName(membership.table);
  const telling = new Set([members, ...dependencies.sideEffects(members).map((effect) => effect.table)]);
  return ![name, qualifiedName(table)].some((one) => dependencies.consults(one, telling));
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
