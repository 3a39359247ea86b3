import type { DatabaseError, TransactionStart } from './database.ts';

/** The columns of a result, in order. */
export interface WireField {
  name: string;
  /** OID of the type. */
  type: number;
}

/** A result as PostgreSQL sends it: text, and null for NULL. */
export interface WireResult {
  fields: WireField[];
  rows: (string | null)[][];
  /** The command tag without its numbers, e.g. `INSERT` or `ROLLBACK`. */
  command: string;
  /** The number in the command tag; 0 if it has none. */
  affected: number;
}

/** A statement with its values as PostgreSQL reads them. */
export interface WireStatement {
  sql: string;
  parameters: (string | null)[];
}

/** A transaction that starts with a query, in the same round trip where the connection can. */
export interface Opening extends TransactionStart {
  /** The query is all of it: it is committed, or rolled back where the query fails. */
  whole: boolean;
}

/**
 * The operations that each kind of database implements; `session.ts` builds a `Database` on them. Calls are processed
 * in order.
 */
export interface Wire {
  /**
   * @param opening the transaction to start first; where that fails, the query does not run
   * @throws DatabaseError what PostgreSQL says; MuseError if the connection is lost
   */
  query(sql: string, parameters: (string | null)[], opening?: Opening): Promise<WireResult>;
  /** @throws DatabaseError what PostgreSQL says; MuseError if the connection is lost */
  script(sql: string): Promise<void>;
  /**
   * See `Session.each`; what failed is a DatabaseError.
   * @param whole in a transaction of their own, as `Database.eachWhole`
   */
  each?(statements: readonly string[], savepoint: string, whole?: boolean): Promise<(DatabaseError | undefined)[]>;
  /** See `Database.onRaise`. */
  onRaise?(listener: (text: string) => void): () => void;
  close(): Promise<void>;
}

/** The fields of a PostgreSQL error in any driver, before it becomes a {@link DatabaseError}. */
export type ServerReport = Partial<
  Record<
    'code' | 'message' | 'detail' | 'hint' | 'position' | 'where' | 'schema' | 'table' | 'column' | 'constraint',
    string | undefined
  >
>;
