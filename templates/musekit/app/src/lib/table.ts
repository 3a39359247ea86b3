import type { Database } from '../database.types';

export type TableName = keyof Database['public']['Tables'] & string;
export type ColumnName<T extends TableName> = keyof Database['public']['Tables'][T]['Row'] & string;

/** A row of a table that is only known at run time. */
export type Row = Readonly<Record<string, unknown>>;

/** A table whose rows others refer to, and the column that says which is meant. */
export interface Target {
  name: TableName;
  titleColumn: string;
}

interface ColumnBase {
  label: string;
  hint?: string;
  required?: boolean;
  /** What a new row has, before anything is typed. */
  initial?: string | number | boolean;
}

/** A column by what is typed and shown for it. */
export type Column = ColumnBase &
  (
    | { kind: 'text' | 'longText'; maxLength?: number; format?: 'email' | 'url' | 'tel' }
    | { kind: 'integer' | 'number'; min?: number; max?: number }
    | { kind: 'checkbox' | 'date' | 'time' | 'json' | 'person' }
    /** A moment, shown in the zone of the browser; or a time without a zone, shown as it is. */
    | { kind: 'dateTime' | 'localDateTime' }
    /** An array: one entry a line. */
    | { kind: 'list'; of: 'text' | 'number' }
    | { kind: 'choice'; choices: readonly string[] }
    | { kind: 'reference'; to: () => Target }
  );

/** A table of the product: what its pages are made from. */
export interface Table extends Target {
  /** As a heading. */
  title: string;
  /** A single row, within a sentence. */
  one: string;
  about: string;
  /** Whose rows are listed: the signed-in user's, those of the organization that is worked in, or all that may be read. */
  lists: 'own' | 'organization' | 'all';
  /** The column with the user or the organization that a row belongs to. */
  ownerColumn?: string;
  ownedBy?: 'user' | 'organization';
  /** The column with the user who wrote a row, where nobody else may change it. */
  authorColumn?: string;
  /** Whether users may write at all; where not, only the backend does. */
  writable: boolean;
  columns: Readonly<Record<string, Column>>;
}

/** A table by its name in the database. */
export type TableOf<T extends TableName> = Table & { name: T };

/** A table, with its columns held to the types of the database. */
export function defineTable<const T extends TableName>(
  table: Omit<Table, 'columns'> & {
    name: T;
    titleColumn: ColumnName<T>;
    ownerColumn?: ColumnName<T>;
    authorColumn?: ColumnName<T>;
    columns: Partial<Record<ColumnName<T>, Column>>;
  },
): TableOf<T> {
  return table as TableOf<T>;
}

/** Where the list of a table is. */
export const pathOf = ({ name }: Target): string => `/data/${encodeURIComponent(name)}`;
