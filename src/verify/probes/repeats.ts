/**
 * What an owner writes once more, to see whom its triggers tell of it: with the texts that strangers may have chosen to be told of, and
 * without the rows by which the fixtures have put a stranger among those whom policies let no stranger join.
 */
import { quoteIdentifier } from '../../shared/quote.ts';
import { qualifiedName } from '../../rules/engine/live/catalog.ts';
import type { Model } from '../catalog/model.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Actor } from './actors.ts';
import { copyTables } from '../catalog/copy-tables.ts';
import type { FirstRound, Path } from './paths.ts';
import type { NamedProbe } from './probes.ts';
import type { Cell } from './run-script.ts';
import { condition, type Subject } from './subject.ts';
import { isMetadata, verbs } from './verbs.ts';

/** Names of the tables that the triggers of a table read beside it, and beside those that they write: who is told may stand there. */
function tablesAsked({ table, name }: Subject, model: Model): Set<string> {
  const routines = table.triggers.flatMap((trigger) =>
    trigger.enabled ? (model.sources.byOid(trigger.function) ?? []) : [],
  );
  const asked = new Set(routines.flatMap((routine) => [...model.dependencies.namedBy(routine)]));
  for (const written of [name, ...routines.flatMap((routine) => [...model.dependencies.writtenBy(routine)])])
    asked.delete(written);
  return asked;
}

/** By the number of an owner's permitted write that triggers may copy: the write to repeat, if it is another. */
export function repeatsOf(
  subjects: readonly Subject[],
  actors: readonly Actor[],
  probes: readonly NamedProbe[],
  cells: readonly Cell[],
  model: Model,
): Map<number, NamedProbe> {
  const found = new Map<number, NamedProbe>();
  const copied = new Map(
    subjects.filter((subject) => copyTables(subject, model).length > 0).map((subject) => [subject.name, subject]),
  );
  for (const cell of cells) {
    const probe = probes[cell.probe]!;
    const subject = copied.get(probe.subject);
    const { letter, result } = verbs[probe.verb];
    if (subject === undefined || actors[cell.actor]!.relation !== 'self' || 'code' in cell || cell.touched === 0)
      continue;
    if (found.has(cell.probe) || letter === 'S' || letter === 'D') continue;
    const asked = subjects.filter((one) => one.kind === 'table' && tablesAsked(subject, model).has(one.name));
    const prepare = [probe.prepare, ...withoutMixed(subject, asked, subjects, model)].filter(
      (sql) => sql !== undefined,
    );
    const sql = result === 'added' ? withTextsOf(subject, asked, probe.sql, model) : probe.sql;
    if (sql === probe.sql && prepare.join() === (probe.prepare ?? '')) continue;
    const { alike: _, wider: __, refused: ___, ...plain } = probe;
    found.set(cell.probe, {
      ...plain,
      sql,
      actors: [],
      ...(prepare.length === 0 ? {} : { prepare: prepare.join('; ') }),
    });
  }
  return found;
}

/** SQL that removes the rows that are partly a stranger's, and what triggers have written for them. */
function withoutMixed(
  subject: Subject,
  asked: readonly Subject[],
  subjects: readonly Subject[],
  model: Model,
): string[] {
  const mixed = asked.filter(({ rows }) => rows.m !== undefined);
  if (mixed.length === 0) return [];
  const written = subjects.filter(
    ({ kind, name, isLarge }) => kind === 'table' && !isLarge && copyTables(subject, model).includes(name),
  );
  const removals = [
    ...mixed.map(({ into, rows }) => `delete from ${into} where ${condition(rows.m!.key)}`),
    ...written.map(({ into }) => `delete from ${into}`),
  ];
  return [
    `do $muse_told$ begin ${removals.map((sql) => `begin ${sql}; exception when others then null; end;`).join(' ')} end $muse_told$`,
  ];
}

/** The new row with the texts of A's row, by which strangers may have let themselves be told. */
function withTextsOf(subject: Subject, asked: readonly Subject[], sql: string, model: Model): string {
  const { fresh, rows, table } = subject;
  const unique = new Set(uniqueSets(table).flat());
  const names = asked.flatMap((one) =>
    model.dependencies
      .decidingColumns(qualifiedName(one.table))
      .joined.flatMap((join) => (join.table === subject.name && !unique.has(join.to) ? [join.to] : [])),
  );
  return [...new Set(names)].reduce((text, name) => {
    const [ofNew, ofA] = [fresh.a.values.get(name), rows.a.values.get(name)];
    const isText = ofNew !== undefined && ofA !== undefined && ofNew.startsWith("'") && ofA.startsWith("'");
    return isText && text.includes(quoteIdentifier(name)) ? text.replaceAll(ofNew, ofA) : text;
  }, sql);
}

/**
 * An owner's write after each of the writes of strangers to where its triggers look for whom to tell.
 * @param isWrite says whether a cell is a permitted write that is followed
 */
export function toldPaths(
  owner: { actor: number; probe: number },
  { probes, cells, actors, subjects, model, copyLooks, repeats }: FirstRound,
  isWrite: (cell: Cell) => boolean,
): Path[] {
  const { subject: written, verb: how } = probes[owner.probe]!;
  const subject = subjects.find(({ name, kind }) => name === written && kind === 'table');
  const isOwners = actors[owner.actor]!.relation === 'self' && verbs[how].letter !== 'D';
  if (!isOwners || subject === undefined || !copyTables(subject, model).some((name) => copyLooks.has(name))) return [];
  const asked = tablesAsked(subject, model);
  const isAsking = (cell: Cell): boolean => {
    const { subject: name, verb } = probes[cell.probe]!;
    const { relation, isAnonymous, only } = actors[cell.actor]!;
    return (
      asked.has(name) &&
      !isMetadata(verb) &&
      relation === 'none' &&
      !isAnonymous &&
      only === undefined &&
      'IU'.includes(verbs[verb].letter) &&
      verbs[verb].followed === 'askers' &&
      isWrite(cell)
    );
  };
  // What is written to open something comes first.
  const rank = ({ probe: number }: Cell): number => {
    const { tried, linksToA } = verbs[probes[number]!.verb];
    return linksToA === true ? 0 : tried === 'opens' ? 1 : 2;
  };
  const told = { actor: owner.actor, probe: repeats.get(owner.probe) ?? owner.probe };
  return cells
    .filter(isAsking)
    .toSorted((x, y) => rank(x) - rank(y))
    .map(({ actor, probe }): Path => ({ actor, probes: [probe], told }));
}
