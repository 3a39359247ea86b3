/** The two layers: core is shared by all muses and runs first; extensions belong to one. */
export type Layer = 'core' | 'extension';

/** One migration file as read from disk. */
export interface Migration {
  layer: Layer;
  /** Path relative to the muse's directory, with `/`. */
  file: string;
  /** The number that the file sorts by: `001`, `20241219010757`; empty if the name has none. */
  number: string;
  /** The text as sent to PostgreSQL: UTF-8, without a BOM, line ends unchanged. */
  sql: string;
  /**
   * SHA-256 of the text in lower-case hex, with CRLF read as LF, so that a checkout on Windows does not count as an
   * edit.
   */
  checksum: string;
  /**
   * What the file has around `sql` and never runs with it: the section of goose, dbmate and others that rolls it back, or
   * a BEGIN and COMMIT of its own. `sql` starts with `shown` in the place of `before`; blanks where that is absent. Absent
   * where `sql` is the whole file.
   */
  around?: { before: string; shown?: string; after: string };
  /** The markers of the sections in a file whose layout has none, and what is known to write them so. */
  unknownSections?: { tool: string | undefined; up: string | undefined; down: string };
}
