/** What a request reads: a tree of levels, one for the table itself and one for each embedded resource. */
import type { Operation } from './filters.ts';
import type { JsonStep } from './fields.ts';
import type { Aggregate } from './select.ts';
import type { Qualified, Relationship, Table } from './catalog.ts';

export interface RowRange {
  offset: number;
  /** Undefined for all. */
  limit: number | undefined;
}

export const allRows: RowRange = { offset: 0, limit: undefined };

export interface PlannedField {
  /** A column, a computed column, or `*`. */
  name: string;
  path: readonly JsonStep[];
  /** The column's type; undefined where it is not known, as for the result of a function. */
  type: string | undefined;
  /** The whole row, so that a count can tell a missing row from one of nulls. */
  wholeRow?: boolean;
}

export interface PlannedSelect {
  field: PlannedField;
  /** SQL, from the allow-list. */
  cast: string | undefined;
  aggregate: Aggregate | undefined;
  aggregateCast: string | undefined;
  alias: string | undefined;
}

export type Condition =
  | { kind: 'filter'; field: PlannedField; not: boolean; operation: Operation }
  | { kind: 'group'; not: boolean; operator: 'and' | 'or'; items: readonly Condition[] }
  /** Whether an embedded resource has no row. */
  | { kind: 'missing'; embed: Embed; not: boolean };

export interface PlannedOrder {
  /** The to-one embed whose field it is; undefined for an own one. */
  embed: Embed | undefined;
  field: PlannedField;
  direction: 'asc' | 'desc' | undefined;
  nulls: 'nullsfirst' | 'nullslast' | undefined;
}

export interface Level {
  /** Undefined for the rows that the request wrote, or that a function returned. */
  from: Qualified | undefined;
  /** How its columns are qualified. */
  alias: string;
  /** What it is for the catalog; undefined for the result of a function that returns no table's rows. */
  table: Table | undefined;
  select: readonly PlannedSelect[];
  embeds: readonly Embed[];
  where: readonly Condition[];
  order: readonly PlannedOrder[];
  range: RowRange;
}

export interface Embed extends Level {
  from: Qualified;
  relationship: Relationship;
  parentAlias: string;
  /** The junction's alias, for many-to-many. */
  junctionAlias: string;
  /** Under which alias, and in which column, the parent finds the result. */
  resultAlias: string;
  /** The key in the result. */
  name: string;
  /** What a filter or an order calls it. */
  names: readonly string[];
  inner: boolean;
  mode: 'object' | 'array' | 'spread-one' | 'spread-many';
}
