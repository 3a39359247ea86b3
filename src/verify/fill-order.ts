import { qualifiedName, type RelationRow } from './catalog.ts';

/** Tables in the order in which rows can be put in. */
export interface FillOrder {
  /** Each group is filled by one statement a row; more than one table where foreign keys that may not be null go round. */
  groups: RelationRow[][];
  /** Columns that stay null at first, because what they point at comes later; by `schema.name`. */
  later: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Edge {
  target: string;
  columns: string[];
  required: boolean;
}

/** Orders the tables so that what a foreign key points at comes first, cycles included. */
export function fillOrder(tables: readonly RelationRow[]): FillOrder {
  const names = new Set(tables.map(qualifiedName));
  const edges = new Map(tables.map((table) => [qualifiedName(table), edgesOf(table, names)]));
  const groups: RelationRow[][] = [];
  const later = new Map<string, Set<string>>();
  const done = new Set<string>();
  let left = [...tables];
  const waits = (table: RelationRow, requiredOnly: boolean): Edge[] =>
    edges.get(qualifiedName(table))!.filter((edge) => !done.has(edge.target) && (edge.required || !requiredOnly));
  while (left.length > 0) {
    const free = left.filter((table) => waits(table, false).length === 0);
    const freed = free.length > 0 ? free : left.filter((table) => waits(table, true).length === 0).slice(0, 1);
    for (const table of freed) {
      for (const edge of waits(table, false)) later.set(qualifiedName(table), new Set([...(later.get(qualifiedName(table)) ?? []), ...edge.columns]));
    }
    const next = freed.length > 0 ? freed.map((table) => [table]) : [smallestCycle(left, waits)];
    groups.push(...next);
    for (const table of next.flat()) done.add(qualifiedName(table));
    left = left.filter((table) => !done.has(qualifiedName(table)));
  }
  return { groups, later };
}

function edgesOf(table: RelationRow, names: ReadonlySet<string>): Edge[] {
  const self = qualifiedName(table);
  return table.constraints.flatMap((key) => {
    if (key.type !== 'f' || key.target === null || key.target === self || !names.has(key.target)) return [];
    const nullable = table.columns.filter((column) => key.columns.includes(column.name) && !column.notNull).map(({ name }) => name);
    // One null column is enough to leave the whole key unchecked.
    return [{ target: key.target, columns: nullable, required: nullable.length === 0 }];
  });
}

/** The tables that wait for each other: everything that is reached from one of them and reaches it again. */
function smallestCycle(left: readonly RelationRow[], waits: (table: RelationRow, requiredOnly: boolean) => Edge[]): RelationRow[] {
  const byName = new Map(left.map((table) => [qualifiedName(table), table]));
  const reach = (from: string): Set<string> => {
    const seen = new Set<string>();
    const queue = [from];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      for (const edge of waits(byName.get(name)!, true)) {
        if (!seen.has(edge.target)) queue.push(edge.target);
        seen.add(edge.target);
      }
    }
    return seen;
  };
  const reached = new Map(left.map((table) => [qualifiedName(table), reach(qualifiedName(table))]));
  const cycles = left.map((table) => {
    const name = qualifiedName(table);
    return left.filter((other) => reached.get(name)!.has(qualifiedName(other)) && reached.get(qualifiedName(other))!.has(name));
  }).filter((cycle) => cycle.length > 0);
  // The innermost cycle waits for nothing outside of itself.
  const isClosed = (cycle: RelationRow[]): boolean =>
    cycle.every((table) => [...reached.get(qualifiedName(table))!].every((name) => cycle.some((other) => qualifiedName(other) === name)));
  return cycles.find(isClosed) ?? cycles[0] ?? left.slice(0, 1);
}
