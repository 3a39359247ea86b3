/** Some of the probes once more, on rows that were changed before. */
import { statesAround } from '../catalog/call-states.ts';
import type { Callable } from '../catalog/functions.ts';
import type { Model } from '../catalog/model.ts';
import { isPicking } from '../catalog/picking.ts';
import { mayChange, tablesChanged } from '../catalog/reached-tables.ts';
import { changedBlock } from '../fixtures/let-through.ts';
import type { Plan } from '../fixtures/script.ts';
import type { Actor } from './actors.ts';
import { runInParts } from './in-parts.ts';
import { rowsOfA } from './labels.ts';
import { knownCells, type NamedProbe } from './probes.ts';
import type { Cell, ProofSession } from './run-script.ts';
import { changedRows, type Subject } from './subject.ts';
import { removalsOfB } from './worlds.ts';

/** What was tried in the first place. */
export interface Tried {
  model: Model;
  actors: readonly Actor[];
  subjects: readonly Subject[];
  callables: readonly Callable[];
  probes: readonly NamedProbe[];
  plan: Plan;
}

/** Tries some of the probes, after a further step. */
export async function runSome(
  session: ProofSession,
  { plan, probes }: Tried,
  block: string,
  some: ReadonlySet<number>,
): Promise<Cell[]> {
  const numbers = [...some].toSorted((x, y) => x - y);
  const place = new Map(numbers.map((number, index) => [number, index]));
  const answer = await runInParts(session, {
    ...plan,
    fill: [...plan.fill, { settings: {}, sql: [block] }],
    probes: numbers.map((number) => {
      const { unless = {}, ...probe } = plan.probes[number]!;
      const kept = Object.entries(unless).flatMap(([actor, other]) =>
        place.has(other) ? [[actor, place.get(other)!] as const] : [],
      );
      return { ...probe, unless: Object.fromEntries(kept) };
    }),
  });
  const cells = answer.cells.map((cell): Cell => ({ ...cell, probe: numbers[cell.probe]! }));
  const known = knownCells(probes, { cells, states: answer.states }).filter(({ probe }) => some.has(probe));
  return [...cells, ...known];
}

/**
 * Calls of functions that change one of many rows, such as the newest, once more without the rows of the stranger who calls: its own may
 * be the one that is picked.
 * @returns the cells of those that changed rows of A then
 * @throws MuseError, DatabaseError as {@link runInParts}
 */
export async function retryPicked(session: ProofSession, tried: Tried): Promise<Cell[]> {
  const { model, callables, subjects, probes } = tried;
  const picking = callables.filter(
    ({ routine, runsAsOwner, skipped }) =>
      runsAsOwner && skipped === undefined && mayChange(routine, model) && isPicking(routine, model),
  );
  const changed = new Set(picking.flatMap(({ routine }) => [...tablesChanged(routine, model)]));
  const written = subjects.filter(({ kind, isLarge, table }) => kind === 'table' && !isLarge && changed.has(table));
  const block = changedBlock({
    tables: written.map(({ table }) => table),
    statements: written.flatMap(removalsOfB),
  });
  if (block === undefined) return [];
  const numbers = new Map(probes.map((probe, number) => [probe, number]));
  const calls = picking.flatMap((one) => one.calls.flatMap(({ probe }) => numbers.get(probe) ?? []));
  const cells = await runSome(session, tried, block, new Set(calls));
  return cells.filter((cell) => {
    if ('code' in cell || cell.state === '') return false;
    const [then, now] = statesAround(cell, probes[cell.probe]!);
    return written.some(({ state }) => rowsOfA(changedRows(then[state] ?? '', now[state] ?? '')) !== '');
  });
}
