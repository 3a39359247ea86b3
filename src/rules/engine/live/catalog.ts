import { quoteIdentifier } from '../../../shared/quote.ts';

/**
 * The types of the catalog query's result. Names are unquoted unless stated otherwise.
 */

/** A privilege as one letter: Select, Insert, Update, Delete, Truncate; on functions eXecute. */
type PrivilegeLetters = string;

export interface ColumnRow {
  name: string;
  /** As SQL writes it: `character varying(40)`, `public.mood`. */
  type: string;
  /** The type below any domain, schema-qualified only where it must be: `text`, `integer[]`. */
  base: string;
  /** `pg_type.typcategory` of the base type: S string, N number, E enum, A array … */
  category: string;
  notNull: boolean;
  /** Default expression as SQL, also of generated columns; null for none. */
  default: string | null;
  /** `a` GENERATED ALWAYS AS IDENTITY, `d` BY DEFAULT, empty for none. */
  identity: string;
  /** A generated column: no value may be given. */
  generated: boolean;
  /** Labels of an enum. */
  labels: string[] | null;
  /** CHECK expressions of its domains, over `VALUE`. */
  domainChecks: string[] | null;
}

export interface ConstraintRow {
  name: string;
  /** p primary key, u unique, f foreign key, c check, x exclusion. */
  type: 'p' | 'u' | 'f' | 'c' | 'x';
  columns: string[];
  /** `schema.name` of the table that a foreign key points at. */
  target: string | null;
  targetColumns: string[] | null;
  /** A foreign key becomes null when the row is deleted that it points at. */
  clears: boolean;
  /** The row of a foreign key is deleted with the one that it points at. */
  cascades: boolean;
  /** A CHECK's expression as SQL. */
  expression: string | null;
}

export interface IndexRow {
  name: string;
  /** Key columns in order; null for an expression. */
  columns: (string | null)[];
  unique: boolean;
  valid: boolean;
  /** The WHERE of a partial index as SQL. */
  predicate: string | null;
}

export interface PolicyRow {
  name: string;
  /** r SELECT, a INSERT, w UPDATE, d DELETE, * all. */
  command: 'r' | 'a' | 'w' | 'd' | '*';
  permissive: boolean;
  /** `public` for a policy without TO. */
  roles: string[];
  using: string | null;
  check: string | null;
}

export interface TriggerRow {
  name: string;
  /** Oid of its function, as text. */
  function: string;
  enabled: boolean;
  /** It fires after the row is written, so it cannot change that. */
  isAfter: boolean;
  /** Letters of I INSERT, U UPDATE, D DELETE, T TRUNCATE. */
  events: string;
  /** The columns of UPDATE OF; empty for any. */
  columns: string[];
}

/** A rewrite rule. Its action runs with the rights of the relation's owner. */
interface RuleRow {
  name: string;
  /** The CREATE RULE that makes it. */
  definition: string;
}

export interface RelationRow {
  schema: string;
  name: string;
  /** r table, p partitioned table, v view, m materialized view. */
  kind: 'r' | 'p' | 'v' | 'm';
  /** The current role may alter it. */
  isOurs: boolean;
  rls: boolean;
  forceRls: boolean;
  /** A partition of another table. */
  partition: boolean;
  /** `schema.name` of the table that it is a partition or an inheritance child of. */
  parent: string | null;
  /** A view that checks privileges and policies as the current user. */
  securityInvoker: boolean;
  /** The approximate number of rows: PostgreSQL's own estimate, or one from its size if it was never analyzed. */
  rows: number;
  /**
   * The result of `pg_relation_is_updatable`, INSTEAD OF triggers included: the sum of 8 INSERT, 4 UPDATE, 16 DELETE.
   */
  updatable: number;
  columns: ColumnRow[];
  constraints: ConstraintRow[];
  indexes: IndexRow[];
  policies: PolicyRow[];
  triggers: TriggerRow[];
  rules: RuleRow[];
  /** By role: letters of SIUDT on the whole relation. */
  grants: Record<string, PrivilegeLetters>;
  /** By role and letter (S, I, U): the columns of a role that lacks the privilege on the whole relation. */
  columnGrants: Record<string, Partial<Record<'S' | 'I' | 'U', string[]>>>;
  /** For a view: `schema.name` of the relations that it reads. */
  reads: string[];
  /** For a view: its query; null for a table. */
  query: string | null;
  /** Sequences of its columns, as quoted `schema.name`, that the current role may alter. */
  sequences: string[];
  /** Columns numbered by a sequence that their default calls, as quoted `schema.name`, and the roles that may use it. */
  serials: { column: string; sequence: string; roles: string[] }[];
}

/** The type of a function's input argument. */
export interface ArgumentType {
  /** As SQL writes it: `public.mood`, `integer[]`. */
  type: string;
  /** The type below any domain. */
  base: string;
  /** `pg_type.typtype` of that: b base, c composite, e enum, p pseudo-type, r range, m multirange. */
  kind: string;
  /** `pg_type.typcategory` of that: S string, N number, A array … */
  category: string;
  /** Labels of an enum, or of an array's enum. */
  labels: string[] | null;
  /** For an array: the type of its elements. */
  element: string | null;
  /** Columns of a composite type, or of an array's. */
  attributes: { name: string; type: string }[] | null;
  /** CHECK expressions of its domains, over `VALUE`. */
  checks?: string[] | null;
}

export interface FunctionRow {
  oid: string;
  schema: string;
  name: string;
  /** Types of the input arguments, as SQL writes them. */
  arguments: string[];
  /** Names of the input arguments; empty text where one has none. */
  argumentNames: string[];
  inputs: ArgumentType[];
  /** How each argument goes, in order: i in, o out, b both, v variadic, t a column of what it returns; empty where all go in. */
  modes: string[];
  /** The last argument takes any number of values. */
  variadic: boolean;
  /** How many of the last arguments have a default. */
  defaults: number;
  returns: string;
  returnsSet: boolean;
  definer: boolean;
  /** i immutable, s stable, v volatile. */
  volatility: 'i' | 's' | 'v';
  language: string;
  /** f function, p procedure, t trigger function, a aggregate. */
  kind: 'f' | 'p' | 't' | 'a';
  /** Of an aggregate: the oids of the functions that it runs, as text. */
  runs?: string[] | null;
  /** Of an aggregate over an ordered set: how many of its arguments are outside of WITHIN GROUP. */
  direct?: number | null;
  source: string;
  /** The CREATE FUNCTION or CREATE PROCEDURE that makes it; empty for an aggregate. */
  definition: string;
  /** As `search_path=""`. */
  settings: string[];
  /** Roles that may call it. */
  execute: string[];
}

/** A job of pg_cron that runs in this database. */
export interface JobRow {
  id: string;
  /** Its name, or its number. */
  name: string;
  /** The SQL that it runs. */
  command: string;
  /** The role that it runs as. */
  owner: string;
}

export interface Catalog {
  /** The role that ran the query. */
  user: string;
  /** The requested roles that exist, with their relevant attributes. */
  roles: Record<string, { bypassRls: boolean; superuser: boolean }>;
  /** By role: the schemas it has USAGE on. */
  schemaUsage: Record<string, string[]>;
  relations: RelationRow[];
  functions: FunctionRow[];
  /** Names of functions of PostgreSQL and of extensions that change nothing, whatever they are given. */
  computing?: string[];
  /** The labels of each enum, by `schema.name`. */
  enums?: Record<string, string[]>;
  /**
   * What becomes of pg_net's requests, which wait in a table: `queued` if pg_net sends them once the transaction is committed, `kept` if
   * the table is a stub's and nothing reads it. Null without pg_net.
   */
  requests?: 'queued' | 'kept' | null;
  /** The current role may read the jobs of pg_cron. */
  hasJobs?: boolean;
  /** Those that it sees. */
  jobs?: JobRow[];
}

/** Schemas that belong to the platform or to tools, not to a muse. */
export const platformSchemas: ReadonlySet<string> = new Set([
  'auth',
  'storage',
  'realtime',
  '_realtime',
  'vault',
  'extensions',
  'graphql',
  'graphql_public',
  'pgsodium',
  'pgsodium_masks',
  'supabase_functions',
  'supabase_migrations',
  'net',
  'cron',
  'pgbouncer',
  '_analytics',
  'pgtap',
  'pgboss',
  'pgmq',
  'muse',
  'drizzle',
  'tiger',
  'tiger_data',
  'topology',
  '_supabase',
  'etl',
]);

/** Returns whether a schema belongs to the platform or to a tool. */
export function isPlatformSchema(schema: string): boolean {
  return platformSchemas.has(schema);
}

/** `schema.name` as SQL, with each part quoted if necessary. */
export function relation(row: { schema: string; name: string }): string {
  return `${quoteIdentifier(row.schema)}.${quoteIdentifier(row.name)}`;
}

/** `schema.name` of a relation or function, as findings and declarations write it. */
export function qualifiedName(row: { schema: string; name: string }): string {
  return `${row.schema}.${row.name}`;
}
