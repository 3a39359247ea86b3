import type { Finding } from '../../shared/finding.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Callable } from '../catalog/functions.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { type Actor, sqlAs } from '../probes/actors.ts';
import { verbs } from '../probes/verbs.ts';
import { cellsOf } from './reports.ts';
import type { LeakFinder } from './leaks.ts';
import type { Proof } from '../probes/prove.ts';
import { personalColumns } from '../probes/expected.ts';
import type { Subject } from '../probes/subject.ts';
import { makeFinding } from './make-finding.ts';
import type { TableReport } from './report.ts';

/**
 * Unique keys over personal data in everyone's rows: a user who can add a row learns from the duplicate key error
 * (23505) whether someone else has that value. A key that includes the owner columns reveals only the caller's own
 * rows.
 */
export function oracles(subject: Subject, report: TableReport, actors: readonly Actor[]): Finding[] {
  const strangers = actors.filter(({ relation }) => relation === 'none').map(({ name }) => name);
  const told = report.checks.find(
    ({ actor, verb, outcome }) => verb === 'insert' && outcome === 'allowed' && strangers.includes(actor),
  );
  if (told === undefined || subject.kind !== 'table' || subject.scope.kind === 'public-read') return [];
  const personal = new Set(personalColumns(subject));
  const owners = new Set(subject.belongs.map(({ column }) => column));
  const sets = uniqueSets(subject.table).filter(
    (set) => set.some((name) => personal.has(name)) && !set.some((name) => owners.has(name)),
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
      .filter((one) => one.holders.every((table) => leaks.isHidden(table, actor, tables)))
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
export function answers({ routine, name, tables }: Callable, report: TableReport, proof: Proof): Finding[] {
  const who = proof.differences
    .filter(({ probe }) => proof.probes[probe]!.subject === name)
    .map(({ actor }) => proof.actors[actor]!.name);
  if (who.length === 0 || report.checks.some(({ expected, outcome }) => expected === 'no' && outcome === 'allowed'))
    return [];
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
