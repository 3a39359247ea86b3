import { type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Model } from './model.ts';
import { tablesBehind } from './views.ts';

/** The tables that a function and what it calls name, through views; all of them where it runs SQL that it puts together. */
export function tablesNamed(routine: FunctionRow, model: Model): Set<RelationRow> {
  return tablesOf(model.dependencies.namedBy(routine), model);
}

/**
 * The tables whose rows may change when the function runs: what it writes, what their triggers write, what cascades.
 */
export function tablesChanged(routine: FunctionRow, model: Model): Set<RelationRow> {
  const found = tablesOf(model.dependencies.writtenBy(routine), model);
  for (const table of found) {
    const name = qualifiedName(table);
    const beside = new Set(model.dependencies.sideEffects(name).map((effect) => effect.table));
    for (const other of tablesOf(beside, model)) found.add(other);
    for (const other of model.tables.values())
      if (other.constraints.some(({ type, target }) => type === 'f' && target === name)) found.add(other);
  }
  return found;
}

/** Returns whether the function, or anything that it calls, may change rows. */
export function mayChange(routine: FunctionRow, model: Model): boolean {
  // A function that is not VOLATILE cannot change anything itself.
  return model.sources.reached(routine).some((one) => one.volatility === 'v' && model.sources.effects(one).changes);
}

/** The tables with those names, and the tables that the views among them read. */
function tablesOf(names: ReadonlySet<string>, model: Model): Set<RelationRow> {
  const rows = [...names].flatMap((name) => model.tables.get(name) ?? []);
  return new Set(rows.flatMap((row) => (row.kind === 'v' || row.kind === 'm' ? tablesBehind(row, model) : [row])));
}
