import { allOf, fieldsOf, stringsOf, walk } from '../../sql/nodes.ts';
import { type FunctionRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Model } from './model.ts';
import { tablesBehind } from './views.ts';

/** The tables that a function and what it calls name, through views; all of them where it runs SQL that it puts together. */
export function tablesNamed(routine: FunctionRow, model: Model): Set<RelationRow> {
  return tablesOf(model.dependencies.namedBy(routine), model);
}

/** Aggregates that say how many rows there are, or whether, and not which. */
const tallies = new Set(['avg', 'bool_and', 'bool_or', 'count', 'every', 'sum']);

/**
 * The tables whose rows a function, with what it calls, joins to what it gives: not those of which it only asks how many rows there
 * are, or whether there is one.
 * @returns their names, as `schema.name`
 */
export function tablesJoined(routine: FunctionRow, model: Model): Set<string> {
  const found = new Set<string>();
  const trees = model.sources.reached(routine).flatMap((one) => model.sources.body(one).trees);
  walk(trees, (type, fields) => {
    if (type === 'RangeVar') {
      const { schemaname, relname } = fields;
      for (const row of model.tables.values())
        if (row.name === relname && (schemaname ?? row.schema) === row.schema) found.add(qualifiedName(row));
    }
    if (type === 'SubLink') return fields.subLinkType !== 'EXISTS_SUBLINK';
    if (type !== 'SelectStmt') return undefined;
    const targets = allOf(fields.targetList, 'ResTarget').map(({ val }) => fieldsOf(val, 'FuncCall'));
    return targets.length === 0 || !targets.every((call) => call && tallies.has(stringsOf(call.funcname).at(-1) ?? ''));
  });
  return new Set([...tablesOf(found, model)].map(qualifiedName));
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
