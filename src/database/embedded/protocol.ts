/** The messages between the main thread and `embedded-worker.js`. */
import type { MessagePort } from 'node:worker_threads';
import type { ServerReport, WireField, WireStatement } from '../wire.ts';

/** Files in one buffer, which replaces thousands of small reads by one. */
export interface Pack {
  entries: PackEntry[];
  bytes: Uint8Array;
  /** The file that holds the bytes, too, and where in it they begin; undefined for a pack that could not be kept. */
  kept?: KeptPack;
}

export interface KeptPack {
  file: string;
  start: number;
}

export interface PackEntry {
  /** Relative, with `/`; a directory comes before what is in it. */
  path: string;
  /** Byte offset in the pack's buffer. */
  offset: number;
  /** Bytes; undefined for a directory. */
  size?: number;
}

/** A `WebAssembly.Module`, which threads can share. */
export type CompiledEngine = object;

/** The worker's input. */
export interface WorkerInput {
  /** The data directory; undefined for a database in memory. */
  directory?: string | undefined;
  /** The files of a new database. Without them, initdb runs in an empty directory. */
  snapshot?: Pack | undefined;
  /** Where the snapshot of a persistent database is written before it is renamed to `directory`. */
  writeTo?: string | undefined;
  /** Files of extensions, relative to PostgreSQL's installation. */
  extensions: Pack;
  /** Files that are read when they are needed. */
  late?: LateInput | undefined;
  /** The compiled engine, so that a second database in the process need not compile it again. */
  module?: CompiledEngine | undefined;
  /** Server settings, `name=value`. */
  settings: readonly string[];
  /** The user of the session; undefined for the superuser. */
  user?: string | undefined;
}

/** Files that the thread asks for when PostgreSQL looks at the first of them. */
export interface LateInput {
  /** Relative to PostgreSQL's installation. */
  paths: readonly string[];
  port: MessagePort;
}

/** The thread asks, and waits until `signal` is 1: then the reply is there. */
export interface LateRequest {
  signal: Int32Array;
}

/** Where the files are: in a file, or where none could be written, here. Without any they could not be read. */
export interface LateReply {
  entries: PackEntry[];
  kept?: KeptPack;
  bytes?: Uint8Array;
}

/** `id` counts up from 1. The response with ID 0 means that the database is open. */
export type Request = { id: number } & RequestBody;
export type RequestBody =
  /**
   * Statements that are sent as one, answered by the result of the last; after one that failed, the others do not run.
   * `keep`: they are likely to come again, and stay prepared.
   */
  | { kind: 'query'; statements: WireStatement[]; keep: boolean }
  /** `raises`: whether the messages of RAISE are sent while it runs. */
  | { kind: 'script'; sql: string; raises: boolean }
  /** As `Session.each`, or where they are `whole` as `Database.eachWhole`: answered by what failed. */
  | { kind: 'each'; statements: readonly string[]; savepoint: string; whole: boolean }
  /** Messages of the wire protocol, answered by what PostgreSQL sends back. Those that belong together are one element. */
  | { kind: 'raw'; messages: Uint8Array[] }
  | { kind: 'dump' }
  | { kind: 'close' };

/** Node's error from the file system, https://nodejs.org/api/errors.html#class-systemerror. */
export interface SystemError {
  code: string;
  path?: string | undefined;
  message: string;
}

/** What NOTIFY sends to those that listen. */
export interface Notification {
  channel: string;
  payload: string;
}

/** The answer to a request, or a notification, which has no ID. */
export interface Answer {
  id: number;
  notification?: Notification;
  /** The message of a RAISE: the request is not answered yet. */
  raised?: string;
  /** One of several statements is done, and the next has its own time: the request is not answered yet. */
  isOn?: true;
  value?: unknown;
  /**
   * `server` is true if PostgreSQL itself reported the error, false if the engine failed. `done` counts the script's
   * statements before it.
   */
  error?: { server: boolean; report: ServerReport; done?: number | undefined; system?: SystemError };
}

/** The messages of PostgreSQL's protocol that make up results, with PGlite's names. */
export interface RowDescription {
  fields: { name: string; dataTypeID: number }[];
}
export interface DataRow {
  fields: (string | null)[];
}
export interface CommandComplete {
  text: string;
}
/** The response to `each`: the statements that failed, by their index. */
export type EachAnswer = (readonly [index: number, report: ServerReport])[];

/** The response to a query. */
export interface QueryAnswer {
  fields: WireField[];
  rows: (string | null)[][];
  tag: string;
}
