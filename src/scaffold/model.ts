import type { TableScope } from './table.ts';

/** What the templates render: names are not quoted yet, expressions are SQL. */
export interface ResolvedColumn {
  name: string;
  /** SQL. */
  type: string;
  notNull: boolean;
  /** SQL, or null for none. */
  default: string | null;
  comment: string | null;
}

export interface ForeignKey {
  name: string;
  columns: string[];
  schema: string;
  table: string;
  targetColumns: string[];
  /** SQL after ON DELETE. */
  onDelete: string;
  /** Column that SET NULL clears, if the key has more than one. */
  setNull: string | null;
}

export interface Policy {
  name: string;
  verb: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE' | 'ALL';
  roles: string[];
  /** SQL, or null. */
  using: string | null;
  check: string | null;
  /** The directive that declares what the policy opens, or null. */
  directive: string | null;
}

export interface Grant {
  /** SQL: `SELECT, INSERT`. */
  verbs: string;
  roles: string[];
}

export interface ResolvedTable {
  schema: string;
  name: string;
  scope: TableScope;
  scopeColumn: string | null;
  scopedBy: 'owner' | 'organization' | null;
  /** Whose rows they are, as text. */
  whose: string;
  directive: string | null;
  comment: string | null;
  columns: ResolvedColumn[];
  checks: { name: string; expression: string }[];
  uniques: { name: string; columns: string[] }[];
  foreignKeys: ForeignKey[];
  indexes: { name: string; columns: string[] }[];
  policies: Policy[];
  /** Whether Realtime tells of changes of its rows. */
  realtime: boolean;
  /** Roles whose privileges are revoked first, because default privileges may have granted them some. */
  revoke: string[];
  grants: Grant[];
}
