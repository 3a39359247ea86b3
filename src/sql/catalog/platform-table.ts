/** A table that no file creates: it is the platform's, or comes with an extension. */
export interface PlatformTable {
  columns: Record<string, string>;
  primaryKey: string[];
  /** Not all of its columns are known. */
  open?: boolean;
  isView?: boolean;
}
