export interface Qualified {
  schema: string;
  name: string;
}

export interface Column {
  name: string;
  description: string | null;
  nullable: boolean;
  /** The type in SQL, qualified where it must be; a domain of a system type is that type. */
  type: string;
  /** The type as it was declared, with its length. */
  declared: string;
  maxLength: number | null;
  /** The default's expression. */
  default: string | null;
  /** The labels of an enum type. */
  labels: readonly string[];
}

export interface Table extends Qualified {
  description: string | null;
  isView: boolean;
  insertable: boolean;
  updatable: boolean;
  deletable: boolean;
  /** A view's are those of the table that it shows. */
  primaryKey: readonly string[];
  columns: ReadonlyMap<string, Column>;
}

/** Pairs of columns: of the relationship's table, and of the other. */
export type ColumnPairs = readonly (readonly [own: string, other: string])[];

export interface Junction {
  table: Qualified;
  constraint1: string;
  constraint2: string;
  /** The source's column, and the junction's. */
  source: ColumnPairs;
  /** The target's column, and the junction's. */
  target: ColumnPairs;
}

interface RelationshipEnds {
  table: Qualified;
  foreign: Qualified;
  self: boolean;
}

/** From a foreign key, of a table or as a view shows it. */
export interface KeyRelationship extends RelationshipEnds {
  kind: 'many-to-one' | 'one-to-many' | 'one-to-one';
  constraint: string;
  columns: ColumnPairs;
  /** The key is in the other table. */
  inverse: boolean;
  tableIsView: boolean;
  foreignIsView: boolean;
}

export interface JunctionRelationship extends RelationshipEnds {
  kind: 'many-to-many';
  junction: Junction;
}

/** A function that takes a row of the table and returns rows of the other. */
export interface ComputedRelationship extends RelationshipEnds {
  kind: 'computed';
  function: Qualified;
  toOne: boolean;
}

export type Relationship = KeyRelationship | JunctionRelationship | ComputedRelationship;

export interface Parameter {
  name: string;
  type: string;
  /** As `type`, without the length that would cut a value. */
  castType: string;
  required: boolean;
  variadic: boolean;
}

export interface Routine extends Qualified {
  oid: number;
  description: string | null;
  parameters: readonly Parameter[];
  returns: {
    /** The type, or the table whose rows it returns. */
    type: Qualified;
    set: boolean;
    composite: boolean;
  };
  volatile: boolean;
}

export interface Catalog {
  /** The exposed ones, by {@link keyOf}. */
  tables: ReadonlyMap<string, Table>;
  /** By {@link keyOf} of the table that embeds. */
  relationships: ReadonlyMap<string, readonly Relationship[]>;
  /** By {@link keyOf}; more than one where the name is overloaded, those with fewest parameters first. */
  routines: ReadonlyMap<string, readonly Routine[]>;
}

/** A table's, view's or function's key in the catalog's maps. */
export function keyOf({ schema, name }: Qualified): string {
  return JSON.stringify([schema, name]);
}

export function isToOne(relationship: Relationship): boolean {
  if (relationship.kind === 'computed') return relationship.toOne;
  return relationship.kind === 'many-to-one' || relationship.kind === 'one-to-one';
}

export function groupBy<T>(all: readonly T[], idOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(idOf(one));
    if (group) group.push(one);
    else groups.set(idOf(one), [one]);
  }
  return groups;
}
