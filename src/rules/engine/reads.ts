import { findRoutines, findTable } from '../../sql/catalog/lookup.ts';
import type { Catalog, Routine, Table } from '../../sql/catalog/model.ts';
import { walk } from '../../sql/nodes.ts';

/** How far reading is followed: `expressions` into subqueries and views, `calls` also into functions. */
export type Depth = 'expressions' | 'calls';

/** What an expression reaches. */
interface Reach {
  depth: Depth;
  /** The views and functions that were followed. */
  seen: Set<string>;
  /** The functions that run with their caller's rights. */
  invokers: Set<Routine>;
}

/** Tables that an expression reads with the current user's rights. */
export function readsOf(catalog: Catalog, trees: readonly unknown[], depth: Depth = 'calls'): Set<string> {
  return reads(catalog, trees, { depth, seen: new Set(), invokers: new Set() });
}

/** Functions that an expression calls, directly or indirectly, and that run with the current user's rights. */
export function invokersIn(catalog: Catalog, trees: readonly unknown[]): Routine[] {
  const reach: Reach = { depth: 'calls', seen: new Set(), invokers: new Set() };
  reads(catalog, trees, reach);
  return [...reach.invokers].filter((routine) => readsOf(catalog, bodyOf(routine)).size > 0);
}

function bodyOf({ body }: Routine): unknown[] {
  return body.map(({ type, node }) => ({ [type]: node }));
}

function reads(catalog: Catalog, trees: readonly unknown[], reach: Reach): Set<string> {
  const found = new Set<string>();
  const local = new Set<string>();
  walk(trees, (type, fields) => {
    if (type === 'CommonTableExpr') local.add(fields.ctename ?? '');
    if (type === 'RangeVar') {
      const lookup =
        fields.schemaname === undefined && local.has(fields.relname) ? undefined : findTable(catalog, fields);
      if (lookup !== undefined && 'found' in lookup)
        for (const table of baseTables(catalog, lookup.found, reach)) found.add(table);
      else if (lookup !== undefined && 'missing' in lookup && catalog.ghosts.has(lookup.missing))
        found.add(lookup.missing);
    }
    if (type === 'FuncCall' && reach.depth === 'calls') {
      const lookup = findRoutines(catalog, fields.funcname);
      if (!('found' in lookup)) return;
      for (const routine of lookup.found) {
        // The owner of a SECURITY DEFINER function bypasses row-level security, so its reads do not recurse.
        if (routine.definer || reach.seen.has(routine.name)) continue;
        reach.seen.add(routine.name);
        if (routine.site !== undefined) reach.invokers.add(routine);
        for (const table of reads(catalog, bodyOf(routine), reach)) found.add(table);
      }
    }
  });
  return found;
}

/** The table itself, or what a view reads with the current user's rights. */
function baseTables(catalog: Catalog, table: Table, reach: Reach): Iterable<string> {
  if (table.kind !== 'view') return [table.name];
  if (table.invoker !== true || table.site === undefined || reach.seen.has(table.name)) return [];
  reach.seen.add(table.name);
  return reads(catalog, ['query' in table.site.piece.node ? table.site.piece.node.query : undefined], reach);
}
