/** A stub of an extension that Supabase offers and PGlite lacks, so that migrations that use it can run. */
export interface ExtensionStub {
  extension: string;
  version: string;
  /** For messages: what the stub does and what it does not. */
  note: string;
  /** The extension's fixed schema, whatever CREATE EXTENSION says; undefined if the caller chooses. */
  schema?: string;
  requires?: string;
  /**
   * The extension's script. A superuser runs it with the `search_path` set to the extension's schema; `@extschema@` is
   * replaced by its name.
   */
  sql: string;
}
