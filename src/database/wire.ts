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

/**
 * The operations that each kind of database implements; `session.ts` builds a `Database` on them. Calls are processed
 * in order.
 */
export interface Wire {
  /**
   * @param first a script to run before the query, in the same round trip where the connection can; if it fails, the
   *   query does not run
   * @param last a script to run after the query, in the same way; if the query fails, it does not run
   * @throws DatabaseError what PostgreSQL says; MuseError if the connection is lost
   */
  query(sql: string, parameters: (string | null)[], first?: string, last?: string): Promise<WireResult>;
  /** @throws DatabaseError what PostgreSQL says; MuseError if the connection is lost */
  script(sql: string): Promise<void>;
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
