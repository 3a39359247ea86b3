/** What the files say, as far as the checks of a database need it. */

/** What a file says of a table in a `-- muse:` comment. */
export interface Declaration {
  /** `schema.name`. */
  table: string;
  scope: 'public-read' | 'service-only' | 'shared-with' | 'staff';
  /** With `shared-with`: the column that says with whom. */
  column?: string;
  /** With `staff`: the claim that only the product's own staff has, as `app_metadata.role`; it holds for every table. */
  claim?: string;
  /** The policy that it stands beside; absent where it stands beside another statement. */
  policy?: string;
}

export interface Expectations {
  /** `schema.name` of the tables that the applied files create. */
  tables?: readonly string[];
  declarations: readonly Declaration[];
  /** `schema.name` of the tables that a comment reserves for the server in words of its own. */
  serverOnly?: readonly string[];
  /** Schemas to look at; default: all but the platform's own. */
  schemas?: readonly string[];
  /** The role of signed-in users where that is not `authenticated`: the application's, with session variables. */
  userRole?: string;
}

/** Says whether the table is declared to be that. */
export function isDeclared(declarations: readonly Declaration[], table: string, scope: Declaration['scope']): boolean {
  return declarations.some((declaration) => declaration.table === table && declaration.scope === scope);
}
