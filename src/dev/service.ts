/**
 * dev/: the local Supabase. A server that speaks what a Supabase project speaks (Data API, Auth, Storage, Realtime, the
 * wire protocol) on the database of one environment of a muse, and a dashboard for it.
 * May touch: the database by `DevDatabase`, sockets, `.muse/` and the secrets file.
 *
 * This file is what its parts agree on: what a part gets for a request, and what it answers.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { QueryResult, Session, Statement } from '../database/database.ts';

/** The roles that a key or token may name. No other is ever assumed. */
export const apiRoles = ['anon', 'authenticated', 'service_role'] as const;
export type ApiRole = (typeof apiRoles)[number];

/** A token's claims, as `auth.jwt()` returns them. */
export type Claims = Readonly<Record<string, unknown>>;

/** Who a request acts as: its verified token, or its key where it has no token. */
export interface Identity {
  role: ApiRole;
  claims: Claims;
}

/** What SQL reads as `request.method`, `request.path` and `request.headers`. */
export interface RequestSettings {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
}

export interface ActOptions {
  request?: RequestSettings | undefined;
  /** The transaction may not write. */
  readOnly?: boolean | undefined;
  /** Roll back at the end, also where the work succeeds (`Prefer: tx=rollback`). */
  rollback?: boolean | undefined;
  /** The exposed schema, first in the search path; default `public`. */
  schema?: string | undefined;
  /** A name or offset that PostgreSQL knows; default: its own. */
  timezone?: string | undefined;
  /**
   * Runs nothing more and rolls the transaction back. A statement that runs already ends by itself, at the latest when
   * the role's time is over: stopping it would end the session that everybody shares.
   */
  signal?: AbortSignal | undefined;
}

/** A transaction of one statement is over when its result is there. */
export type AloneOptions = Omit<ActOptions, 'rollback'>;

/** The database as the parts of the server use it. Transactions of one session wait for each other. */
export interface DevDatabase {
  /**
   * Runs `work` in one transaction under a role with its claims, row-level security and statement timeout.
   * @throws DatabaseError what PostgreSQL says; `57014` where the statement took longer than the role may
   */
  actAs<T>(identity: Identity, work: (session: Session) => Promise<T>, options?: ActOptions): Promise<T>;
  /** As `actAs`, for a single statement: that takes one round trip, and many that only read are on their way at once. */
  queryAs<Row>(identity: Identity, statement: Statement, options?: AloneOptions): Promise<QueryResult<Row>>;
  /** Runs `work` in one transaction as the server itself, for the tables of `auth`, `storage` and the catalog. */
  asServer<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Calls back after each committed transaction that may have written, and after anybody else changed the database (a
   * migration, a seed, a client of the wire protocol).
   * @returns a function that ends it
   */
  onCommit(listener: (change: { schemaMayDiffer: boolean }) => void): () => void;
}

/** What signs and verifies tokens, and which keys there are. Made once for each environment, and kept in `.muse/`. */
export interface DevKeys {
  /** `sb_publishable_…` */
  publishable: string;
  /** `sb_secret_…` */
  secret: string;
  /** The same two as tokens, for clients that know only those. */
  anonToken: string;
  serviceToken: string;
  /** Signs the claims of a user. */
  sign(claims: Claims): Promise<string>;
  /**
   * @returns the claims of a token that these keys signed
   * @throws ApiError where the signature is wrong or the token has expired
   */
  verify(token: string): Promise<Claims>;
  /** For `/.well-known/jwks.json`. */
  jwks(): Promise<{ keys: readonly object[] }>;
}

/** A request to one part, authenticated. */
export interface DevRequest {
  /** Upper case. */
  method: string;
  /** What follows the part's prefix, decoded nowhere: `/todos`, `/rpc/add`, `/object/avatars/a%20b.png`. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  identity: Identity;
  /** The bearer token as it was sent, where it is not one of the keys. */
  token: string | undefined;
  body: Readable;
  /** Aborts when the client is gone or the server closes. */
  signal: AbortSignal;
}

/** By name; several values are sent as a header each. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

export interface DevAnswer {
  status: number;
  headers?: AnswerHeaders;
  body?: string | Uint8Array | Readable;
}

/** One part of the server, below one prefix such as `/rest/v1`. */
export interface DevPart {
  handle(request: DevRequest): Promise<DevAnswer>;
  close?(): Promise<void>;
}

/** A mail that Auth would have sent; the dashboard shows it. */
export interface Mail {
  at: string;
  to: string;
  kind: 'confirmation' | 'invite' | 'magic-link' | 'recovery' | 'email-change' | 'reauthentication';
  /** The six digits. */
  code: string;
  link: string;
}

/** A request as the dashboard's log shows it. Never a header, key or body. */
export interface Logged {
  at: string;
  method: string;
  path: string;
  status: number;
  role: ApiRole | undefined;
  user: string | undefined;
  ms: number;
}
