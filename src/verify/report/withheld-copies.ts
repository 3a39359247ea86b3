/** Columns that nobody may read in a table, and that its triggers copy to where others read them. */
import type { Finding } from '../../shared/finding.ts';
import { qualifiedName, relation } from '../../rules/engine/live/catalog.ts';
import { sqlAs } from '../probes/actors.ts';
import type { Proof } from '../probes/prove.ts';
import { copyingIn, looksAt, withheldLooks } from '../probes/withheld-looks.ts';
import { type LeakFinder, readFound } from './leaks.ts';
import { makeFinding } from './make-finding.ts';

/** What those readers found of them. */
export function withheldCopies({ model, subjects, actors, probes, answer }: Proof, leaks: LeakFinder): Finding[] {
  const looks = withheldLooks(subjects, actors, model);
  return copyingIn(subjects, model).flatMap(({ from, to, trigger }): Finding[] => {
    const look = looks.find(({ subject }) => subject === looksAt(to));
    const all = answer.cells.flatMap((cell) => {
      const probe = probes[cell.probe]!;
      if ('code' in cell || probe.subject !== looksAt(to)) return [];
      const given = leaks.given(readFound(cell.answer).values, new Set([from.name]));
      const held = given.filter(({ value }) => leaks.isWithheld(value, from.name)).map(({ value }) => value);
      return held.length === 0 ? [] : [{ actor: actors[cell.actor]!, held }];
    });
    // Where only some members read it, they may be meant to.
    const isForAll = actors.every((actor, number) => {
      const isReader = actor.relation === 'co-member' && look?.actors.includes(number) === true;
      return !isReader || all.some((one) => one.actor === actor);
    });
    const told = all.filter(({ actor }) => actor.relation !== 'co-member' || isForAll);
    const [first] = told;
    if (first === undefined || look === undefined) return [];
    const held = new Set(told.flatMap((one) => one.held));
    const columns = from.table.columns
      .map(({ name }) => name)
      .filter((name) => held.has(leaks.stored(from.name, name) ?? ''));
    const what =
      columns.length === 0 ? 'what nobody may read there' : `${columns.join(', ')}, which nobody may read there,`;
    const who = [...new Set(told.map(({ actor }) => actor.name))].join(', ');
    return [
      {
        ...makeFinding(
          'isolation-read',
          to.name,
          `${to.name}: trigger ${trigger} of ${qualifiedName(from.table)} copies ${what} to where ${who} reads it.`,
          `Let the function of ${trigger} copy only columns that may be read, as to_jsonb(NEW) - '${columns[0] ?? 'column'}', ` +
            `or let fewer read ${relation(to.table)}.`,
        ),
        probe: `${sqlAs(look.sql, first.actor)};`,
      },
    ];
  });
}
