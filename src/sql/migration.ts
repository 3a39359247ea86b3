/** The two layers: core is shared by all muses and runs first; extensions belong to one. */
export type Layer = 'core' | 'extension';

/** One migration file as read from disk. */
export interface Migration {
  layer: Layer;
  /** Path relative to the muse's directory, with `/`. */
  file: string;
  /** What the file name sorts by: `001`, `20241219010757`; empty if the name has no number. */
  number: string;
  /** The text as PostgreSQL gets it: UTF-8, without a BOM, line ends unchanged. */
  sql: string;
  /** sha-256 of the text with CRLF read as LF, lower-case hex: a checkout on Windows is not an edit. */
  checksum: string;
}
