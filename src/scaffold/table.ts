/**
 * scaffold/: a table specification becomes SQL, its rollback and its docs.
 * Pure except for reading templates; imports from database/ only.
 */

/** The only expressions that a default may be besides a literal, so that no user input becomes SQL. */
export const defaultExpressions = ['now()', 'current_date', 'gen_random_uuid()'] as const;

type DefaultExpression = (typeof defaultExpressions)[number];

/** A column of a table that an extension adds. */
export interface ColumnSpecification {
  name: string;
  /** A PostgreSQL type from the list that `types.ts` accepts, e.g. `numeric(12,2)` or `text[]`. */
  type: string;
  required?: boolean;
  unique?: boolean;
  /** A literal; it is quoted, never inserted as SQL. */
  default?: string | number | boolean | null;
  /** Instead of a literal. */
  defaultExpression?: DefaultExpression;
  /** The values that a text column may have: text with a CHECK, never an enum. */
  choices?: string[];
  /** Bounds of a number, both included. */
  min?: number;
  max?: number;
  /**
   * The referenced table, e.g. `profiles` or `schema.table`; `user` is a user who signs in, in whichever table core
   * keeps users. The column's type is then that of the referenced key.
   */
  references?: string;
  onDelete?: 'cascade' | 'restrict' | 'set null';
  /** With `references: user`: it is the user who writes the row, by default and by policy. */
  self?: boolean;
  /** A column that a preset adds to a table of core: users may write it, also where core grants its columns one by one. */
  writable?: boolean;
  /** Values for the rows of the development seed; default: by the column's name and type. */
  samples?: string[];
  comment?: string;
}

/** Who owns a table's rows; policies, grants and indexes follow from it. */
export type TableScope = 'owner' | 'organization' | 'public-read' | 'service-only';

/**
 * A table that an extension adds. `id`, `created_at`, `updated_at` and the column of the scope are added automatically.
 */
export interface TableSpecification {
  name: string;
  columns: ColumnSpecification[];
  /** Default: `organization` if there is a column `organization`, else `owner`. */
  scope: TableScope;
  /** Column with the owner of the row: default `user_id` for `owner`, `organization_id` for `organization`. */
  scopeColumn?: string;
  /**
   * With `public-read` and `service-only`: who owns the rows nevertheless. A `public-read` row can then be written by its
   * owner; without it, only the service role writes.
   */
  scopedBy?: 'owner' | 'organization';
  /** With `owner` and `organization`: everyone reads the rows that have one of the values in this column of choices. */
  publicWhere?: { column: string; values: string[] };
  /**
   * Any signed-in user may add a row in their own name under a row that `publicWhere` opens, as one asks for an appointment,
   * and reads it then.
   */
  visitors?: Visitors;
  comment?: string;
  /** Columns that are unique together. */
  unique?: string[][];
  /** Further indexes, a list of columns each. */
  indexes?: string[][];
}

/** Users who do not own a table's rows and may add some. */
export interface Visitors {
  /** The column with the user who adds the row. */
  user: string;
  /** The column that references the public row. */
  under: string;
  /** What the visitor's row must have, e.g. the status `requested`. */
  having: { column: string; value: string };
}

/** What an extension can be built on: the tables and functions that exist before it, by `schema.name`. */
export interface CoreFacts {
  tables: Record<string, { columns: Record<string, string>; primaryKey: string[] }>;
  /** Functions by `schema.name(argument types)`. */
  functions: string[];
  /** Those of the tables that earlier extension files create, with the file. */
  extensionTables?: Record<string, string>;
}

/** A storage bucket; it is created through the Storage API, and its policies by the migration. */
export interface Bucket {
  id: string;
  /** Everyone may read its files; else only the user whose folder they are in. */
  public: boolean;
  /** Bytes. */
  fileSizeLimit: number;
  allowedMimeTypes: string[];
}
