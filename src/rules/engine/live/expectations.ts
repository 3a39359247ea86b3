/** What the files declare, as far as the checks of a database need it. */
import type { Provided } from '../provided.ts';

/** What a file declares about a table in a `-- muse:` comment. */
export interface Declaration {
  /** `schema.name`; absent with `staff`, which holds for every table. */
  table?: string;
  scope: 'public-read' | 'service-only' | 'shared-with' | 'staff';
  /** With `shared-with`: the column that holds the user it is shared with. */
  column?: string;
  /** With `staff`: the claim that only the product's own staff has, as `app_metadata.role`. */
  claim?: string;
  /** The policy whose statement has the comment; absent if it is on another statement. */
  policy?: string;
}

export interface Expectations {
  /** `schema.name` of the tables that the applied files create. */
  tables?: readonly string[];
  declarations: readonly Declaration[];
  /** `schema.name` of the tables that a comment in plain words reserves for the server. */
  serverOnly?: readonly string[];
  /** What the files take from roles on columns of a table alone. */
  columnRevokes?: readonly { table: string; role: string; privilege: string; columns: readonly string[] }[];
  /** Schemas to check. Default: all but the platform's own. */
  schemas?: readonly string[];
  /** The role of signed-in users if it is not `authenticated`: with session variables, the application's role. */
  userRole?: string;
  /** What of Supabase is there where the files run. Default: everything. */
  provided?: Provided;
}

/** Returns whether the table has that declaration. */
export function isDeclared(declarations: readonly Declaration[], table: string, scope: Declaration['scope']): boolean {
  return declarations.some((declaration) => declaration.table === table && declaration.scope === scope);
}
