import { type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { type Effects, searchPathOf } from './effects.ts';
import type { Model } from './model.ts';
import { tablesBehind } from './views.ts';

type Name = Effects['relations'][number];

/** The tables that a function, the functions it calls, and their views name; all tables if it runs dynamic SQL. */
export function tablesNamed(routine: FunctionRow, model: Model): Set<RelationRow> {
  return collect(routine, model, ({ relations }) => relations);
}

/**
 * The tables whose rows may change when the function runs: what it writes, what their triggers write, what cascades.
 */
export function tablesChanged(routine: FunctionRow, model: Model): Set<RelationRow> {
  const found = collect(routine, model, ({ written }) => written);
  for (const table of found) {
    for (const trigger of table.triggers.filter(({ enabled }) => enabled)) {
      const fired = model.sources.byOid(trigger.function);
      if (fired !== undefined) for (const other of collect(fired, model, ({ written }) => written)) found.add(other);
    }
    for (const other of model.tables.values()) {
      if (other.constraints.some(({ type, target }) => type === 'f' && target === qualifiedName(table)))
        found.add(other);
    }
  }
  return found;
}

/** Returns whether the function, or anything that it calls, may change rows. */
export function mayChange(routine: FunctionRow, model: Model): boolean {
  // A function that is not VOLATILE cannot change anything itself.
  return model.sources.reached(routine).some((one) => one.volatility === 'v' && model.sources.effects(one).changes);
}

function collect(routine: FunctionRow, model: Model, names: (effects: Effects) => readonly Name[]): Set<RelationRow> {
  const found = new Set<RelationRow>();
  for (const one of model.sources.reached(routine)) {
    const effects = model.sources.effects(one);
    const rows = effects.isDynamic
      ? [...model.tables.values()]
      : names(effects).flatMap((name) => resolve(name, one, model));
    for (const row of rows)
      for (const table of row.kind === 'v' || row.kind === 'm' ? tablesBehind(row, model) : [row]) found.add(table);
  }
  return found;
}

function resolve({ schema, name }: Name, routine: FunctionRow, model: Model): RelationRow[] {
  const path = schema === undefined ? searchPathOf(routine) : [schema];
  if (path !== undefined) {
    const place = path.find((one) => model.tables.has(`${one}.${name}`));
    return place === undefined ? [] : [model.tables.get(`${place}.${name}`)!];
  }
  return [...model.tables.values()].filter((row) => row.name === name);
}
