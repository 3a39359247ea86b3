import type { Layer } from '../../sql/migration.ts';

export interface DiagramColumn {
  name: string;
  /** As PostgreSQL writes it: `timestamp with time zone`. */
  type: string;
  nullable: boolean;
  /** It is part of the primary key. */
  key: boolean;
}

export interface DiagramReference {
  columns: readonly string[];
  /** The name of the table that it leads to, which the picture need not have. */
  table: string;
  /** At most one row leads to the same row. */
  one: boolean;
}

/** A table of the picture. */
export interface DiagramTable {
  /** Without `public.`. */
  name: string;
  /** Who it belongs to: tables of the two have a color and a part of the picture each. */
  layer: Layer;
  columns: readonly DiagramColumn[];
  references: readonly DiagramReference[];
}

/** Where a table is. All lengths are in pixels at full size. */
export interface Box {
  table: DiagramTable;
  x: number;
  y: number;
  height: number;
  /** The columns that are shown; the rest is counted in a last row. */
  rows: readonly DiagramColumn[];
  hidden: number;
}

/** The part of the picture that one layer has. */
export interface Part {
  layer: Layer;
  x: number;
  count: number;
}

export interface Placement {
  boxes: readonly Box[];
  parts: readonly Part[];
  /** Tables that so many keys lead to that lines would hide the rest: their keys name them instead. */
  hubs: readonly string[];
  width: number;
  height: number;
}

export const boxWidth = 250;
export const rowHeight = 17;
export const headHeight = 26;
/** Above the tables of a part: its name. */
const partHead = 34;
const laneGap = 70;
const rowGap = 24;
const laneStep = boxWidth + laneGap;
/** More columns than this are counted, not shown. */
const mostRows = 24;
/** From so many tables that refer to it, a table is a hub. */
const hubFrom = 5;

/**
 * Finds a place for each table. A place depends only on the tables before it, so that one that is added at the end moves
 * no other; a layer's part moves sideways, as a whole, where the part on its left gets wider.
 * @param tables in the order in which they were made; extensions are placed left of core
 */
export function placeTables(tables: readonly DiagramTable[]): Placement {
  const boxes: Box[] = [];
  const parts: Part[] = [];
  let left = 0;
  let height = 0;
  for (const layer of ['extension', 'core'] as const) {
    const own = tables.filter((table) => table.layer === layer);
    if (own.length === 0) continue;
    const placed = placePart(own);
    boxes.push(...placed.map(({ box, lane }) => ({ ...box, x: left + lane * laneStep })));
    parts.push({ layer, x: left, count: own.length });
    left += (Math.max(...placed.map(({ lane }) => lane)) + 1) * laneStep;
    height = Math.max(height, ...placed.map(({ box }) => box.y + box.height));
  }
  return { boxes, parts, hubs: hubsOf(tables), width: Math.max(0, left - laneGap), height };
}

/** Whether a line between the two tables would cross no other table. */
export function isBeside(one: Pick<Box, 'x'>, other: Pick<Box, 'x'>): boolean {
  return Math.abs(one.x - other.x) < 2 * laneStep - laneGap;
}

/** How many lanes the table of this rank, counted from 0, may choose from. */
function lanesFor(rank: number): number {
  if (rank < 2) return rank + 1;
  if (rank < 12) return 3;
  return rank < 30 ? 5 : 7;
}

interface Placed {
  box: Omit<Box, 'x'>;
  lane: number;
}

/** The tables of one layer: each in the lane that is short, and near a table that it refers to. */
function placePart(tables: readonly DiagramTable[]): Placed[] {
  const floors: number[] = [];
  const known = new Map<string, Placed>();
  for (const [rank, table] of tables.entries()) {
    const hubs = new Set(hubsOf(tables.slice(0, rank + 1)));
    const parents = table.references.flatMap(({ table: name }) => (hubs.has(name) ? [] : (known.get(name) ?? [])));
    const lanes = Array.from({ length: lanesFor(rank) }, (_, lane) => {
      const y = floors[lane] ?? partHead;
      return { lane, y, cost: parents.reduce((sum, parent) => sum + distance(parent, lane, y), y) };
    });
    const { lane, y } = lanes.reduce((best, one) => (one.cost < best.cost ? one : best));
    const shown = table.columns.length > mostRows ? mostRows - 1 : table.columns.length;
    const rows = table.columns.slice(0, shown);
    const hidden = table.columns.length - shown;
    const height = headHeight + rowHeight * (shown + (hidden > 0 ? 1 : 0)) + 7;
    known.set(table.name, { box: { table, y, height, rows, hidden }, lane });
    floors[lane] = y + height + rowGap;
  }
  return [...known.values()];
}

/** How much worse a place is for the line to a table: there is none unless the lanes are side by side, or the same. */
function distance(parent: Placed, lane: number, y: number): number {
  const lanes = Math.abs(lane - parent.lane);
  const sideways = lanes === 0 ? 80 : lanes === 1 ? 0 : 600;
  return sideways + 0.4 * Math.abs(y - parent.box.y);
}

function hubsOf(tables: readonly DiagramTable[]): string[] {
  const from = new Map(tables.map(({ name }) => [name, new Set<string>()]));
  for (const { name, references } of tables)
    for (const { table } of references) if (table !== name) from.get(table)?.add(name);
  return [...from].filter(([, names]) => names.size >= hubFrom).map(([name]) => name);
}
