/** An extension that Supabase offers and PGlite has not, stood in for so that migrations that use it can run. */
export interface StandIn {
  extension: string;
  version: string;
  /** For people: what it does here, and what it does not. */
  note: string;
  /** Schema that the extension always lives in, whatever CREATE EXTENSION says; undefined where the caller chooses. */
  schema?: string;
  requires?: string;
  /**
   * The extension's script. A superuser runs it; in front of it stands `search_path` to the extension's schema, which
   * `@extschema@` names too.
   */
  sql: string;
}
