/** What the tables and columns of users, organizations and memberships look like: by foreign keys, and by name where there are none. */
import {
  type ColumnRow,
  type ConstraintRow,
  qualifiedName,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import type { ValuedRole } from './valued-roles.ts';

/** A table of people, and what says which user each of them is. */
export interface Persons {
  table: RelationRow;
  /** Its primary key. */
  key: string;
  /** Where the users are: the table itself, or one that joins each of them to one person. */
  through: { table: RelationRow; key: string; user: string };
  /** Several users may be the same person. */
  isShared: boolean;
}

/** The tables of users, organizations and memberships in this database. */
export interface Tenancy {
  /** The table of users, `auth.users` or the kit's own; undefined if there is none. */
  users: RelationRow | undefined;
  /** Tables whose primary key is a user's ID, including `users`. */
  userTables: ReadonlySet<string>;
  /** Tables of people who stand for users. */
  persons: readonly Persons[];
  organizations: RelationRow | undefined;
  /** Only profiles tell that users belong to them, and users write nothing of theirs: a list for everyone, as plans, unless policies say else. */
  isList: boolean;
  membership:
    | {
        table: RelationRow;
        organization: string;
        /** Whom it joins to that: a user, or one of the people who stand for users. */
        user: string;
        persons?: Persons | undefined;
        role: string | undefined;
        /** What the role's column holds, by the name of the role in the proof; only where the two differ. */
        values?: ReadonlyMap<string, string>;
      }
    | undefined;
}

/** What policies compare a column with. */
export interface ComparedKeys {
  /** The current user. */
  isOwnKey(table: RelationRow, column: string): boolean;
  /** A claim that the server signs and that is not a user's ID. */
  isTenantKey(table: RelationRow, column: string): boolean;
  /** Policies of other tables read the table. */
  isAsked(table: RelationRow): boolean;
  /** Policies of the table compare the column with what the user's own row in a table of users has in a column of its own. */
  isOfProfile(table: RelationRow, column: string, profiles: RelationRow, own: string): boolean;
  /** The column by which policies let some members do more than others, if it is none that is called a role. */
  valuedRole(table: RelationRow, keys: ReadonlySet<string>): ValuedRole | undefined;
  /** Policies of the table, or the functions that they call, name the other one. */
  isAskedBy(table: RelationRow, asker: RelationRow): boolean;
  /** Something asks what is in the column of the table's rows. */
  isAskedFor(table: RelationRow, column: string): boolean;
}

/** Names of tables of organizations. */
export const organizationTables =
  /^(.*_)?(organi[sz]ations?|orgs?|teams?|tenants?|workspaces?|compan(y|ies)|accounts?|groups?|business(es)?|agenc(y|ies)|dealerships?)$/;
const organizationColumns =
  /^(organi[sz]ation|org|team|tenant|workspace|company|account|group|business|agency|dealership)_id$/;
const userColumns =
  /^(user|owner|profile|author|creator|member|sender|recipient|customer|client|affiliate|actor)(_user)?_id$|^(.*_)?user_id$|^(created|updated|invited|assigned|approved|uploaded|reviewed|deleted|requested|sent|suspended)_(by|to)(_id)?$|^(owner|author|assignee|uploader)$/;

/** Names of columns of roles. */
export const roleColumns = /^((member|user|org|organization|account|team)_)?role$/;

/** The tables that rows can be inserted into. */
export function isTable(row: RelationRow): boolean {
  return row.kind === 'r' || row.kind === 'p';
}

/** Columns of the primary key. */
export function primaryKey(table: RelationRow): string[] {
  return table.constraints.find((constraint) => constraint.type === 'p')?.columns ?? [];
}

/** The foreign key of that column alone. */
export function foreignKeyOf(table: RelationRow, column: string): ConstraintRow | undefined {
  return table.constraints.find((key) => key.type === 'f' && key.columns.length === 1 && key.columns[0] === column);
}

/** The table with such a name to which most others refer. */
export function mostReferred(tables: readonly RelationRow[], name: RegExp): RelationRow | undefined {
  const count = (table: RelationRow): number =>
    tables.flatMap((other) => other.constraints).filter((key) => key.target === qualifiedName(table)).length;
  return tables
    .filter((table) => name.test(table.name) && primaryKey(table).length === 1)
    .sort((a, b) => count(b) - count(a))[0];
}

/** The type of a column, without its length. */
export function typeOf(table: RelationRow, column: string): string | undefined {
  return table.columns.find(({ name }) => name === column)?.base;
}

/** The table of organizations to which a column refers. */
export function organizationOf(
  table: RelationRow,
  column: ColumnRow,
  tables: readonly RelationRow[],
): RelationRow | undefined {
  const target = foreignKeyOf(table, column.name)?.target;
  if (typeof target === 'string')
    return tables.find((other) => qualifiedName(other) === target && organizationTables.test(other.name));
  if (!organizationColumns.test(column.name)) return undefined;
  return mostReferred(tables, organizationTables);
}

/** Returns whether a column holds a user's ID. */
export function isUserColumn(table: RelationRow, column: ColumnRow, userTables: ReadonlySet<string>): boolean {
  const target = foreignKeyOf(table, column.name)?.target;
  if (typeof target === 'string') return userTables.has(target);
  return userColumns.test(column.name) && /^(uuid|text|character varying)/.test(column.base);
}

/** Says of a column whether it refers to the row by its primary key. */
function isKeyOf(target: RelationRow, table: RelationRow): (column: ColumnRow) => boolean {
  const key = primaryKey(target);
  return ({ name }) => {
    const reference = foreignKeyOf(table, name);
    const referred = reference?.targetColumns?.[reference.columns.indexOf(name)];
    return reference?.target === qualifiedName(target) && referred !== undefined && key.includes(referred);
  };
}

/** Returns whether a column holds an organization's ID. */
export function isOrganizationColumn(
  table: RelationRow,
  column: ColumnRow,
  organizations: RelationRow | undefined,
): boolean {
  if (organizations === undefined) return false;
  const target = foreignKeyOf(table, column.name)?.target;
  if (typeof target === 'string') {
    // Beside the key of an organization, a row may hold its name.
    const isKey = isKeyOf(organizations, table);
    return (
      target === qualifiedName(organizations) &&
      (isKey(column) || !table.columns.some((other) => other !== column && isKey(other)))
    );
  }
  return (
    organizationColumns.test(column.name) && column.base === typeOf(organizations, primaryKey(organizations)[0] ?? '')
  );
}
