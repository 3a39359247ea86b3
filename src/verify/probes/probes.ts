import { quoteIdentifier } from '../../shared/quote.ts';
import type { Actor } from './actors.ts';
import type { Model } from '../catalog/model.ts';
import { changeSql, freshSql, linkColumns, sidesOf, upsertSql } from './probe-sql.ts';
import { raiseSql } from './probe-raise.ts';
import type { Probe } from '../fixtures/script.ts';
import { condition, grantedColumns, labelCase, labelledRows, type Subject } from './subject.ts';
import type { Verb } from './verbs.ts';

/** A probe and what it is a probe of. */
export interface NamedProbe extends Probe {
  /** Name of what is probed, as the report has it. */
  subject: string;
  verb: Verb;
}

type SqlFor = (subject: Subject, actor: Actor, model: Model) => string | undefined;

/** The statement of each verb for an actor; undefined where the verb makes no sense for them. */
const statements: readonly { verb: Verb; sql: SqlFor }[] = [
  { verb: 'select', sql: selectSql },
  { verb: 'insert', sql: (subject, actor, model) => freshSql(subject, actor, model, 'own') },
  { verb: 'insert', sql: (subject, actor, model) => freshSql(subject, actor, model, 'least') },
  { verb: 'insert', sql: (subject, actor, model) => freshSql(subject, actor, model, 'newcomer') },
  { verb: 'insert-returning', sql: returningSql },
  { verb: 'insert-forged', sql: (subject, actor, model) => freshSql(subject, actor, model, 'forged') },
  { verb: 'insert-as', sql: (subject, actor, model) => freshSql(subject, actor, model, 'as') },
  { verb: 'insert-cross', sql: (subject, actor, model) => freshSql(subject, actor, model, 'cross') },
  { verb: 'update', sql: (subject, actor, model) => changeSql(subject, actor, model, true) },
  { verb: 'update-all', sql: (subject, actor, model) => changeSql(subject, actor, model, false) },
  { verb: 'upsert', sql: upsertSql },
  { verb: 'promote', sql: raiseSql },
  { verb: 'delete', sql: (subject) => `delete from ${subject.into} where ${condition(subject.rows.a.key)}` },
  { verb: 'delete-all', sql: (subject) => (subject.isLarge ? undefined : `delete from ${subject.into}`) },
  { verb: 'give', sql: (subject, actor, model) => reassignSql(subject, actor, model, 'give', true) },
  { verb: 'give-all', sql: (subject, actor, model) => reassignSql(subject, actor, model, 'give', false) },
  { verb: 'take', sql: (subject, actor, model) => reassignSql(subject, actor, model, 'take', true) },
  { verb: 'take-all', sql: (subject, actor, model) => reassignSql(subject, actor, model, 'take', false) },
  { verb: 'relink', sql: (subject, actor, model) => relinkSql(subject, actor, model, true) },
  { verb: 'relink-all', sql: (subject, actor, model) => relinkSql(subject, actor, model, false) },
];

/** Every probe of a subject: one for each verb and each statement that it takes, with the actors that run it. */
export function probesOf(subject: Subject, actors: readonly Actor[], model: Model): NamedProbe[] {
  return statements.filter(({ verb }) => verb === 'select' || !subject.isReadOnly).flatMap(({ verb, sql }) => {
    const bySql = new Map<string, number[]>();
    actors.forEach((actor, number) => {
      const text = actor.isBridge && !verb.startsWith('give') ? undefined : sql(subject, actor, model);
      if (text !== undefined) bySql.set(text, [...(bySql.get(text) ?? []), number]);
    });
    return [...bySql].map(([text, numbers]): NamedProbe => ({
      subject: subject.name, verb, sql: text, actors: numbers,
      ...(verb === 'select' ? { mode: 'read' as const, state: '' } : { mode: 'write' as const, state: subject.state }),
      ...(subject.prepare !== undefined && verb.endsWith('-all') ? { prepare: subject.prepare } : {}),
    }));
  });
}

/** PostgREST adds RETURNING where the client wants the new row back: then it must come under a SELECT policy at once. */
function returningSql(subject: Subject, actor: Actor, model: Model): string | undefined {
  const insert = actor.relation === 'self' ? freshSql(subject, actor, model, 'own') : undefined;
  const [column] = grantedColumns(subject, actor.role, 'S', model);
  return insert === undefined || column === undefined ? undefined : `${insert} returning ${quoteIdentifier(column.name)}`;
}

/** Which of the known rows the actor sees, as letters; `?` where it may not read what tells them apart, but sees some row. */
function selectSql(subject: Subject, actor: Actor, model: Model): string {
  const granted = grantedColumns(subject, actor.role, 'S', model);
  const names = new Set(granted.map((column) => column.name));
  const labels = labelledRows(subject);
  if (granted.length === 0 || labels.every(([, row]) => row.key.every(([name]) => names.has(name)))) return seenRows(subject, labels);
  const telling = granted.find((column) => {
    const values = labels.map(([, row]) => row.values.get(column.name));
    return values.every((value) => value !== undefined && value !== 'NULL') && new Set(values).size === values.length;
  });
  if (telling === undefined) return `select case when exists (select ${quoteIdentifier(granted[0]!.name)} from ${subject.into}) then '?' end`;
  return seenRows(subject, labels.map(([label, row]) => [label, { ...row, key: [[telling.name, row.values.get(telling.name)!]] }]));
}

function seenRows(subject: Subject, labels: Parameters<typeof labelCase>[0]): string {
  const where = labels.map(([, row]) => `(${condition(row.key)})`).join(' or ');
  return `select string_agg(label, '' order by label) from (select ${labelCase(labels)} as label from ${subject.into} where ${where}) as seen`;
}

/** Changes the columns that say whose A's row is: to B's side (give), to the actor's own (take). */
function reassignSql(subject: Subject, actor: Actor, model: Model, way: 'give' | 'take', withWhere: boolean): string | undefined {
  if (subject.belongs.length === 0 || subject.table === model.tenancy.organizations || actor.isAnonymous) return undefined;
  if (!withWhere && subject.isLarge) return undefined;
  const sides = sidesOf(subject, actor);
  const holds = actor.relation === 'self' || (actor.relation === 'fellow' && subject.scope.owner === 'organization');
  if (holds !== (way === 'give')) return undefined;
  const values = way === 'give' ? subject.belongs.map((one) => one.b) : sides.own;
  if (values === undefined) return undefined;
  const list = subject.belongs.map((one, index) => `${quoteIdentifier(one.column)} = ${values[index]}`).join(', ');
  const own = actor.name === 'bridge' ? subject.rows.k : subject.rows.l;
  const row = actor.isBridge ? own ?? subject.rows.a : subject.rows.a;
  return `update ${subject.into} set ${list}${withWhere ? ` where ${condition(row.key)}` : ''}`;
}

/** Points the other links of A's row at B's side, by those who hold it. */
function relinkSql(subject: Subject, actor: Actor, model: Model, withWhere: boolean): string | undefined {
  const links = linkColumns(subject, model).filter(({ a, b }) => a !== b);
  if (links.length === 0 || (!withWhere && subject.isLarge) || (actor.relation !== 'self' && actor.relation !== 'fellow')) return undefined;
  const list = links.map(({ column, b }) => `${quoteIdentifier(column)} = ${b}`).join(', ');
  return `update ${subject.into} set ${list}${withWhere ? ` where ${condition(subject.rows.a.key)}` : ''}`;
}
