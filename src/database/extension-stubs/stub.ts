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

/** The message of a function of a stub that cannot do its work; `why` follows a colon. */
export function refusal(extension: string, why?: string): string {
  return `${extension} is a stub in the embedded database${why === undefined ? '' : `: ${why}`}`;
}

/** The extension whose stub raised a message of {@link refusal}; undefined for any other message. */
export function refusedBy(message: string): string | undefined {
  return /^(\S+) is a stub in the embedded database(?:$|:)/.exec(message)?.[1];
}
