/** What the main thread and `embedded-worker.js` say to each other. */
import type { ServerReport, WireField } from '../wire.ts';

/** Files in one buffer, so that thousands of small reads become one. */
export interface Pack {
  entries: PackEntry[];
  bytes: Uint8Array;
}

export interface PackEntry {
  /** Relative, with `/`; a directory comes before what is in it. */
  path: string;
  /** Byte offset in the pack's buffer. */
  offset: number;
  /** Bytes; undefined for a directory. */
  size?: number;
}

/** A `WebAssembly.Module`, which threads can hand to each other. */
export type CompiledEngine = object;

/** What the worker starts with. */
export interface WorkerInput {
  /** The data directory; undefined for a database in memory. */
  directory?: string | undefined;
  /** The files that a new database starts with; without them, and in an empty directory, initdb runs. */
  snapshot?: Pack | undefined;
  /** Where the snapshot of a kept database is written before it is renamed to `directory`. */
  writeTo?: string | undefined;
  /** Files of extensions, relative to PostgreSQL's installation. */
  extensions: Pack;
  /** The compiled engine, so that a second database in the process need not compile it again. */
  module?: CompiledEngine | undefined;
  /** Server settings, `name=value`. */
  settings: readonly string[];
  /** The role that the session belongs to; undefined for the superuser. */
  user?: string | undefined;
}

/** `id` counts up from 1; the answer to 0 says that the database is open. */
export type Request = { id: number } & RequestBody;
export type RequestBody =
  | { kind: 'query'; sql: string; parameters: (string | null)[] }
  | { kind: 'script'; sql: string }
  | { kind: 'dump' }
  | { kind: 'close' };

/** What Node says of the file system, https://nodejs.org/api/errors.html#class-systemerror. */
export interface SystemError {
  code: string;
  path?: string | undefined;
  message: string;
}

export interface Answer {
  id: number;
  value?: unknown;
  /** `server` is true where PostgreSQL itself reported the error, false where the engine broke; `done` counts a script's statements before it. */
  error?: { server: boolean; report: ServerReport; done?: number | undefined; system?: SystemError };
}

/** The messages of PostgreSQL's protocol that results are made of, as PGlite names them. */
export interface RowDescription {
  fields: { name: string; dataTypeID: number }[];
}
export interface DataRow {
  fields: (string | null)[];
}
export interface CommandComplete {
  text: string;
}
/** What a query answers with. */
export interface QueryAnswer {
  fields: WireField[];
  rows: (string | null)[][];
  tag: string;
}
