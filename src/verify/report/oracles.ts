import type { Finding } from '../../shared/finding.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import { type ColumnRow, type FunctionRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { type Callable, isAnswer } from '../catalog/functions.ts';
import { madeColumns } from '../catalog/made-columns.ts';
import { isSecret, type RowKey } from '../catalog/row-keys.ts';
import type { Cell } from '../probes/run-script.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { type Actor, sqlAs } from '../probes/actors.ts';
import { verbs } from '../probes/verbs.ts';
import { cellsOf } from './reports.ts';
import { type LeakFinder, readFound } from './leaks.ts';
import type { NamedProbe } from '../probes/probes.ts';
import type { Proof } from '../probes/prove.ts';
import { personalColumns } from '../probes/expected.ts';
import type { Subject } from '../probes/subject.ts';
import { makeFinding } from './make-finding.ts';
import type { TableReport } from './report.ts';

/** Names of columns whose values are public names by themselves, each of which only one may have. */
const publicNames = /(^|_)(slug|handle|user_?name|nick_?name|sub_?domain|domain|path|url)$/;

/**
 * Unique keys over personal data, or over what people choose or number, in everyone's rows: a user who can add a row learns from
 * the duplicate key error (23505) whether someone else has that value. A key that includes the owner columns reveals only the
 * caller's own rows; what the database makes or counts tells nothing.
 */
export function oracles(subject: Subject, report: TableReport, { actors, model }: Proof): Finding[] {
  const strangers = actors.filter(({ relation }) => relation === 'none').map(({ name }) => name);
  const told = report.checks.find(
    ({ actor, verb, outcome }) => verb === 'insert' && outcome === 'allowed' && strangers.includes(actor),
  );
  if (told === undefined || subject.kind !== 'table' || subject.scope.kind === 'public-read') return [];
  const personal = new Set(personalColumns(subject));
  const owners = new Set(subject.belongs.map(({ column }) => column));
  const linked = new Set(
    subject.table.constraints.filter(({ type }) => type === 'f').flatMap(({ columns }) => columns),
  );
  const made = madeColumns(subject.table, model);
  const isChosen = ({ name, category, default: value, identity, generated }: ColumnRow): boolean =>
    ['S', 'N', 'D'].includes(category) &&
    value === null &&
    identity === '' &&
    !generated &&
    !linked.has(name) &&
    !made.has(name) &&
    !publicNames.test(name) &&
    !isSecret.test(name);
  const chosen = new Set(subject.columns.filter(isChosen).map(({ name }) => name));
  const sets = uniqueSets(subject.table).filter(
    (set) =>
      (set.some((name) => personal.has(name)) || set.every((name) => chosen.has(name))) &&
      !set.some((name) => owners.has(name)),
  );
  return sets.map((set) =>
    makeFinding(
      'isolation-read',
      report.table,
      `${report.table}: ${told.actor} learns whether another user's row has a certain ${set.join(' and ')}, ` +
        'because the key is unique over all rows and a duplicate is refused (23505).',
      `Make the key unique for each owner: UNIQUE (${[...owners, ...set].join(', ')}); or insert the row in a ` +
        'function that returns the same in both cases.',
      'warning',
    ),
  );
}

/** Triggers that put texts of rows of others into an error, for who names such a row. */
export function toldByErrors(subject: Subject, proof: Proof, leaks: LeakFinder): Finding[] {
  const tables = new Set(proof.subjects.filter(({ kind }) => kind === 'table').map(({ name }) => name));
  const told = cellsOf(subject.name, proof).flatMap(({ cell, actor, verb, probe }) => {
    if (!('code' in cell) || cell.code.startsWith('23') || verbs[verb].linksToA !== true || actor.relation !== 'none')
      return [];
    const values = leaks.within(cell.message, tables).filter((value) => !probe.sql.includes(quoteLiteral(value)));
    const holders = leaks
      .given(values, tables)
      .filter((one) => one.holders.every((table) => leaks.isHidden(table, actor, tables, one.value)))
      .flatMap((one) => one.holders);
    return holders.length === 0 ? [] : [{ actor, probe, holders }];
  });
  const [first] = told;
  if (first === undefined) return [];
  const who = [...new Set(told.map(({ actor }) => actor.name))].join(', ');
  const asked = [...new Set(told.flatMap(({ holders }) => holders))].join(', ');
  return [
    {
      ...makeFinding(
        'isolation-read',
        subject.name,
        `${subject.name}: an error that a trigger raises tells ${who} what is in rows of ${asked}.`,
        `Let the triggers of ${subject.name} read only rows of the user who writes, and put nothing into an error ` +
          'that this user may not read.',
      ),
      probe: `${sqlAs(first.probe.sql, first.actor)};`,
    },
  ];
}

/**
 * Functions whose answer, a number, a yes or no or an error, depends on rows that the caller may not read, without
 * giving their texts: one finding for each, unless the function has a worse one.
 */
export function answers(callable: Callable, report: TableReport, proof: Proof): Finding[] {
  const { routine, name, tables } = callable;
  const who = proof.differences
    .filter(({ probe }) => proof.probes[probe]!.subject === name)
    .map(({ actor }) => proof.actors[actor]!.name);
  if (report.checks.some(({ expected, outcome }) => expected === 'no' && outcome === 'allowed')) return [];
  if (who.length === 0) return existence(callable, proof);
  const asked = [...tables].filter((table) => proof.differing.has(table)).join(', ');
  return [
    makeFinding(
      'isolation-read',
      name,
      `${name}: what it answers ${[...new Set(who)].join(', ')} depends on rows of ${asked} that belong to others.`,
      `If nobody is to learn that, let ${qualifiedName(routine)} ask only for rows of its caller; or make it SECURITY INVOKER.`,
      'warning',
    ),
  ];
}

/** Functions that answer differently for the key of a row that the caller may not read and for a key that no row has. */
function existence({ name, routine, calls, rowKeys }: Callable, proof: Proof): Finding[] {
  if (!proof.model.sources.reached(routine).some(({ definer }) => definer)) return [];
  const cells = new Map<NamedProbe, Map<Actor, Cell>>();
  for (const { cell, actor, probe } of cellsOf(name, proof))
    cells.set(probe, (cells.get(probe) ?? new Map<Actor, Cell>()).set(actor, cell));
  const told = calls
    .filter(({ isBySecret, baseline }) => !isBySecret && baseline !== undefined)
    .flatMap(({ probe, baseline }) => {
      const keyed = hiddenRows(rowKeys, proof).filter(({ sql }) => probe.sql.includes(sql));
      return keyed.length === 0
        ? []
        : proof.actors.flatMap((actor) => {
            const [answer, without] = [probe, baseline!].map((one) =>
              answerOf(cells.get(one)?.get(actor), one.sql, routine),
            );
            const isTold =
              actor.relation === 'none' && answer !== undefined && without !== undefined && answer !== without;
            return isTold ? [{ actor: actor.name, tables: keyed.map(({ table }) => table) }] : [];
          });
    });
  if (told.length === 0) return [];
  const who = [...new Set(told.map(({ actor }) => actor))].join(', ');
  const asked = [...new Set(told.flatMap(({ tables }) => tables))].join(', ');
  return [
    makeFinding(
      'isolation-read',
      name,
      `${name}: its answer tells ${who} whether a row of ${asked} has a certain key, also where the row belongs to another.`,
      `Let ${qualifiedName(routine)} answer the same for a row that its caller may not read as for one that does not exist.`,
      'warning',
    ),
  ];
}

/** The own keys of rows that a stranger may not read. Users and organizations are asked for by anyone who works with them. */
function hiddenRows(rowKeys: readonly RowKey[], { subjects, actors, model }: Proof): RowKey[] {
  const stranger = actors.find(({ relation }) => relation === 'none');
  return rowKeys.filter(({ table, column }) => {
    const subject = subjects.find(({ name }) => name === table);
    return (
      stranger !== undefined &&
      subject !== undefined &&
      subject.rows.a.key.some(([key]) => key === column.name) &&
      model.meaningOf(subject.table, column) === undefined &&
      verbs.select.expects(subject, stranger, model) === 'no'
    );
  });
}

/**
 * What a caller learns from a call: an answer of yes or no or a number, or an error, of which its own arguments are none. What rows
 * and texts tell is judged by what is in them.
 */
function answerOf(cell: Cell | undefined, sql: string, routine: FunctionRow): string | undefined {
  if (cell === undefined) return undefined;
  // That a value does not fit the type says nothing of rows.
  if ('code' in cell && /^(22|42)/.test(cell.code) && cell.code !== '42501') return undefined;
  if (!('code' in cell)) return isAnswer(routine) ? readFound(cell.answer).hash : 'no error';
  const given = [...sql.matchAll(/'((?:[^']|'')+)'/g)].map(([, text]) => text!);
  return given.reduce((message, text) => message.replaceAll(text, ''), `${cell.code} ${cell.message}`);
}
