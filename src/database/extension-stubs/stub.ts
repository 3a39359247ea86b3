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

/** The extension whose stub raised an error with the message of {@link refusal}; undefined for any other error. */
export function refusedBy({ code, message }: { code: string; message: string }): string | undefined {
  return code === featureNotSupported
    ? /^(\S+) is a stub in the embedded database(?:$|:)/.exec(message)?.[1]
    : undefined;
}

/** SQLSTATE of `feature_not_supported`, https://www.postgresql.org/docs/17/errcodes-appendix.html */
const featureNotSupported = '0A000';
