/**
 * catalog/: what exists at each line of the migrations, which layer created it, and what each statement needs.
 * Pure: text in, data out.
 */
import type { Node } from '../nodes.ts';
import type { Piece } from '../piece.ts';

/** Where something was created. Properties of this type are undefined for objects that Supabase provides. */
export interface Site {
  piece: Piece;
  /** Offset in the file. */
  offset: number;
}

export interface Column {
  name: string;
  /** As PostgreSQL writes it: `timestamp with time zone`, `numeric(5,2)`, `text[]`. */
  type: string;
  notNull: boolean;
  /** The expression's tree, if it has a default. */
  default?: Node | undefined;
  generated: boolean;
  site?: Site | undefined;
}

export interface ForeignKey {
  name?: string | undefined;
  columns: string[];
  table: string;
  /** Empty: the primary key of the referenced table. */
  targets: string[];
  site: Site;
}

export interface Index {
  name: string;
  /** Leading columns in order; an expression ends the list. */
  columns: string[];
  unique: boolean;
  partial: boolean;
  /** Columns that it includes, or that its expressions and its condition name: it goes with each of them. */
  uses: string[];
  site?: Site | undefined;
}

export type PolicyCommand = 'all' | 'select' | 'insert' | 'update' | 'delete';

export interface Policy {
  name: string;
  table: string;
  command: PolicyCommand;
  permissive: boolean;
  /** Empty: every role. */
  roles: string[];
  using?: Node | undefined;
  check?: Node | undefined;
  site: Site;
  /** Its two conditions come from two statements, so `site` is the place of only one of them. */
  mixed?: boolean;
}

export interface Trigger {
  name: string;
  routine: string;
  site: Site;
}

/** REVOKE of a privilege on columns. */
export interface ColumnRevoke {
  role: string;
  privilege: string;
  columns: string[];
  /** The role had the privilege on the whole table, which is left as it was. */
  isIdle: boolean;
  site: Site;
}

export interface Table {
  /** `schema.name`. */
  name: string;
  kind: 'table' | 'view' | 'materialized view' | 'foreign table';
  columns: Map<string, Column>;
  /** Not all of its columns are known. */
  open: boolean;
  primaryKey: string[];
  unique: string[][];
  foreignKeys: ForeignKey[];
  indexes: Map<string, Index>;
  policies: Map<string, Policy>;
  triggers: Map<string, Trigger>;
  constraints: Set<string>;
  /** Names that PostgreSQL gave its indexes and sequences: a rename of the table leaves them as they are. */
  ownNames: Set<string>;
  /** It has columns of other tables, and perhaps copies of their indexes and sequences under names of its own. */
  copied?: boolean;
  rls?: Site | undefined;
  /** Privileges by role, on the table or on any of its columns, lower case: `select`, `insert` … */
  grants: Map<string, Set<string>>;
  /** Those on the whole table. */
  wideGrants: Map<string, Set<string>>;
  /** The columns on which a role has a privilege alone, by role and privilege. */
  columnGrants: Map<string, Map<string, Set<string>>>;
  /** What was taken of columns alone, and not of the whole table afterwards. */
  columnRevokes: ColumnRevoke[];
  partitionOf?: string | undefined;
  /** The tables whose columns it inherits, its partitioned table among them. */
  parents: string[];
  /**
   * The last place that renamed it or one of its columns, or changed its schema: earlier statements use the old names.
   */
  renamed?: Site;
  temporary?: boolean;
  /** The end of the transaction drops it. */
  untilCommit?: boolean;
  /** View: runs with the privileges of the querying user. */
  invoker?: boolean;
  site?: Site | undefined;
}

export interface Routine {
  /** `schema.name`. */
  name: string;
  /** Types of the arguments that identify it. */
  arguments: string[];
  returns: string;
  language: string;
  definer: boolean;
  /** As set on the routine: `''`, `pg_catalog, public`; undefined if it sets none. */
  searchPath?: string | undefined;
  volatility?: string | undefined;
  /** Statements of its body, if its language can be parsed. */
  body: Piece[];
  site?: Site | undefined;
}

export interface TypeEntry {
  name: string;
  kind: 'enum' | 'composite' | 'domain' | 'range' | 'base';
  site?: Site | undefined;
}

/** The kinds of things that a statement can need. */
export type NeedKind = 'table' | 'column' | 'function' | 'type' | 'schema' | 'index' | 'sequence' | 'alias';

/** An object that a statement uses and that did not exist when the statement ran. */
export interface Need {
  kind: NeedKind;
  /** `schema.name`; for a column `schema.table.column`. */
  name: string;
  site: Site;
  /** Needed only when a routine is called, so it may be created later. */
  late: boolean;
}

/** A CREATE TABLE of a table that already existed. */
export interface Redefinition {
  known: Table;
  described: Table;
  /** Whether it has IF NOT EXISTS: with it, the statement does nothing; without it, it fails. */
  skips: boolean;
  /** Its columns that the table lacked, or had with another type, when it ran. */
  missing: Column[];
  retyped: { column: Column; type: string }[];
  site: Site;
}

export interface Catalog {
  tables: Map<string, Table>;
  redefinitions: Redefinition[];
  /** Tables that nothing creates, with the policies on them. */
  ghosts: Map<string, Table>;
  /** Overloads by `schema.name`. */
  routines: Map<string, Routine[]>;
  types: Map<string, TypeEntry>;
  schemas: Map<string, Site | undefined>;
  extensions: Map<string, Site | undefined>;
  sequences: Map<string, Site | undefined>;
  /** The column that a sequence goes with, by the sequence's full name. */
  sequenceOwners: Map<string, { table: Table; column: string }>;
  buckets: Map<string, Site>;
  /**
   * Every place that creates an object, by `<kind> <name>`, in order, including those after a statement that needs it.
   */
  created: Map<string, Site[]>;
  /** The last place where an object was dropped, by `<kind> <name>`. */
  dropped: Map<string, Site>;
  /** Every DROP of a table or schema, by `<kind> <name>`, whether or not the object existed. */
  drops: Map<string, Site[]>;
  /** By name alone: where a file made the temporary table that ended with it, the last one of each name. */
  ended: Map<string, Site>;
  needs: Need[];
  /**
   * Tables whose CREATE does not parse, and tables, columns and indexes whose CREATE, ADD or RENAME is about a missing
   * table: statements that reference them are not reported.
   */
  broken: Set<string>;
  /** The names, without their schemas, of tables on which a statement grants that does not parse; `*` for many. */
  unreadGrants: Set<string>;
  /** Default privileges of later tables: by schema, then by role. */
  defaultGrants: Map<string, Map<string, Set<string>>>;
  /** Names of tables that routines make when they are called, and of the transition tables of triggers. */
  madeByRoutines: Set<string>;
  /** The search path at this point of the run. */
  searchPath: string[];
  /** Schemas with relations that no file names: those of an IMPORT FOREIGN SCHEMA. */
  imported: Set<string>;
  /** By full name: the first call of a routine that makes the table. */
  madeByCalls: Map<string, Piece>;
  /** What may be the names of tables that dynamic SQL makes, or how they begin: the first statement that runs each. */
  madeByTexts: Map<string, Piece>;
  /** An extension whose functions and types are not known was created. */
  unknownExtension: boolean;
}

/** Called for each object that is used and does not exist, with the location in the tree. */
export type Report = (kind: NeedKind, name: string, location: number | undefined) => void;
