/**
 * database/: one interface, three kinds of database, and the platform: what a Supabase project has from the start.
 * May touch: the database, the embedded database's directory and the cache.
 */

import type { MuseError, Tellable } from '../shared/error.ts';
import { serverFailure } from './server-failure.ts';

/** Where a database is. `https` is SQL sent through the Management API's query endpoint. */
export type DatabaseKind = 'embedded' | 'postgres' | 'https';

export interface QueryResult<Row> {
  rows: Row[];
  /** Rows changed or returned, according to PostgreSQL's command tag. */
  affected: number;
}

/** A result to be shown. */
export interface TextResult {
  columns: string[];
  rows: (string | null)[][];
  /** The command tag without its numbers, e.g. `INSERT`; empty over `https`. */
  command: string;
  /** Rows changed or returned, according to PostgreSQL's command tag. */
  affected: number;
}

/** One statement; its values are `$1`, `$2` … in the text. */
export interface Statement {
  sql: string;
  values: readonly unknown[];
}

/** Something that runs SQL on one connection. */
export interface Session {
  /**
   * Runs one statement. Values are passed as `$1`, `$2` …, never in the text.
   * @throws DatabaseError what PostgreSQL says
   */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<QueryResult<Row>>;
  /**
   * Runs a script of any number of statements as one simple-protocol message, which PostgreSQL runs in one transaction
   * unless the script says otherwise. Returns nothing.
   * @throws DatabaseError what PostgreSQL says; `position` counts in the whole script
   */
  script(sql: string): Promise<void>;
  /**
   * Runs statements that parse one after another in an open transaction, whatever becomes of those before; absent where that saves
   * nothing beside {@link script}.
   * @param savepoint the name of one that is there: what succeeded is in it afterwards, and of a statement that failed nothing is
   * @returns what PostgreSQL says of each, with `position` counted in the statement; undefined of one that succeeded
   */
  each?(statements: readonly string[], savepoint: string): Promise<(DatabaseError | undefined)[]>;
}

/** How a transaction starts. */
export interface TransactionStart {
  /** It may not write. */
  readOnly?: boolean | undefined;
  /** Settings by name, made in this order, for the transaction only. */
  settings?: Readonly<Record<string, string>> | undefined;
}

/** A database that migrations run on. Its users do not need to know its kind. */
export interface Database extends Session {
  readonly kind: DatabaseKind;
  /** A description for messages: what and where, without secrets. */
  readonly description: string;
  /**
   * Runs `work` in one transaction on one connection: COMMIT when it resolves, ROLLBACK when it rejects.
   * @param start travels with the first statement of the work's session; without it, BEGIN is sent at once
   * @throws MuseError `no-interactive-transaction` over `https`: there, send one script
   */
  transaction<T>(work: (session: Session) => Promise<T>, start?: TransactionStart): Promise<T>;
  /**
   * Runs statements as {@link Session.each} does, in a transaction of their own, all in a single round trip; absent where the
   * connection cannot.
   * @throws DatabaseError what PostgreSQL says as it commits: then nothing of them is there
   */
  eachWhole?(statements: readonly string[]): Promise<(DatabaseError | undefined)[]>;
  /**
   * Runs one statement in a transaction of its own: all of it takes a single round trip where the connection can.
   * @throws DatabaseError what PostgreSQL says; MuseError `no-interactive-transaction` over `https`
   */
  alone<Row = Record<string, unknown>>(statement: Statement, start: TransactionStart): Promise<QueryResult<Row>>;
  /**
   * Runs one statement and returns its columns and values in order, as PostgreSQL writes them, to be shown as they are.
   * @throws DatabaseError what PostgreSQL says
   */
  queryText(sql: string): Promise<TextResult>;
  /**
   * Runs `work` while no other run, in any process, holds the lock on this database.
   * @param waitMs how long to wait for the other run, in ms, before giving up
   * @throws MuseError `locked`, with the holder if known
   */
  withRunLock<T>(work: () => Promise<T>, waitMs?: number): Promise<T>;
  /**
   * Calls back with the messages of RAISE while SQL runs; absent if the connection delivers them only at the end, or
   * never.
   * @returns a function that ends it
   */
  onRaise?(listener: (text: string) => void): () => void;
  /**
   * From now on ends the database, with `statement-timeout`, where a statement or a script takes longer than so many ms;
   * undefined for no limit. Only where the engine itself knows no `statement_timeout`.
   */
  limitStatements?(ms: number | undefined): void;
  close(): Promise<void>;
}

/** PostgreSQL's error report, the same for every kind of database. */
export interface DatabaseErrorFields {
  /** SQLSTATE, five characters. */
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
  /** 1-based, in characters, in the text that was sent. */
  position?: number | undefined;
  where?: string | undefined;
  schema?: string | undefined;
  table?: string | undefined;
  column?: string | undefined;
  constraint?: string | undefined;
  /**
   * How many statements of a script succeeded before the one that failed; undefined if the connection does not report
   * that.
   */
  done?: number | undefined;
  cause?: unknown;
}

/** An error that PostgreSQL reported (as opposed to a connection that failed, which is a MuseError). */
export class DatabaseError extends Error implements Tellable {
  override readonly name = 'DatabaseError';
  readonly code: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly position: number | undefined;
  readonly where: string | undefined;
  readonly schema: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly constraint: string | undefined;
  readonly done: number | undefined;

  constructor(fields: DatabaseErrorFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.position = fields.position;
    this.where = fields.where;
    this.schema = fields.schema;
    this.table = fields.table;
    this.column = fields.column;
    this.constraint = fields.constraint;
    this.done = fields.done;
  }

  /** For people, where it reaches the end of a run: what PostgreSQL says, and what to do about a limit of the server. */
  told(): MuseError {
    return serverFailure(this);
  }
}
