/** Options and results of the public API's calls on the local Supabase. */
import type { CallOptions } from '../shared/call.ts';
import type { EnvironmentName } from '../shared/muse-file.ts';

export interface DevOptions extends CallOptions {
  /** A path in the muse. Default: the working directory. */
  directory?: string;
  /** Which environment of `muse.json`. Default: `development`. */
  env?: EnvironmentName;
  /** Where to look for a free port for the API; 0 for any. Default: 54321. */
  port?: number;
  /** Where to look for a free port for PostgreSQL; 0 for any. Default: 54322. */
  databasePort?: number;
  /** Whether to serve the dashboard. Default: false. */
  dashboard?: boolean;
  /** The environment's name: outside of development, what serving the database of another server needs. */
  confirm?: string;
  /** Called with what a person should know, e.g. that a port was in use. */
  onNote?(text: string): void;
}

/** A local Supabase that runs in this process. */
export interface DevServer {
  /** For `createClient`. */
  url: string;
  /** For `pg` and other clients of PostgreSQL. Contains the password. */
  databaseUrl: string | undefined;
  /** With `dashboard`: its URL, which has the token that opens it. */
  dashboardUrl: string | undefined;
  /** For the browser: an anonymous visitor, or with a token a signed-in user. */
  publishableKey: string;
  /** For servers only: bypasses row-level security. */
  secretKey: string;
  /** Ends the server within a second. What was acknowledged is kept. */
  close(): Promise<void>;
}
