import { randomInt, randomUUID } from 'node:crypto';
import type { ColumnRow } from './catalog.ts';
import { markText } from './candidates.ts';
import { constantOf, walk } from './expression.ts';
import type { Model } from './model.ts';
import { primaryKey } from './tenancy.ts';

/** Someone in the made-up world. */
export interface Person {
  /** `a` owns organization X and its rows, `b` organization Y and its rows, `c` is in none; members of X by role. */
  key: string;
  /** Whose rows stand for this person's in tables that have none for each person. */
  side: 'a' | 'b';
  /** The user's id and the organization's as text, unquoted. */
  user: string;
  organization: string;
  /** The role in the organization; undefined outside of one or where there are no roles. */
  role: string | undefined;
  isMember: boolean;
  email: string;
}

/** A number that is new in this run, and that few tables hold already. */
export function newNumber(): number {
  return randomInt(1_500_000_000, 2_100_000_000);
}

/** An id of the column's type that no row has. */
export function newId(column: ColumnRow | undefined): string {
  const base = column?.base ?? 'uuid';
  if (base === 'uuid') return randomUUID();
  if (base === 'smallint') return String(randomInt(20_000, 32_000));
  return /^(integer|bigint|numeric)/.test(base) ? String(newNumber()) : markText(newNumber());
}

const ranks = ['owner', 'superadmin', 'super_admin', 'admin', 'administrator', 'manager', 'editor', 'member', 'user', 'viewer', 'guest'];

/** The choices of the role column, the mightiest first; `[undefined]` where there is no such column, or no choice. */
function membershipRoles(model: Model): (string | undefined)[] {
  const { membership } = model.tenancy;
  const column = membership?.table.columns.find(({ name }) => name === membership.role);
  if (membership === undefined || column === undefined) return [undefined];
  const roles = new Set(column.labels ?? []);
  for (const check of membership.table.constraints.filter((one) => one.type === 'c' && one.columns.join() === column.name)) {
    walk(model.parse(check.expression ?? ''), (type, node) => {
      const constant = type === 'A_Const' ? constantOf({ A_Const: node }) : undefined;
      if (constant !== undefined) roles.add(constant);
    });
  }
  const rank = (role: string): number => (ranks.includes(role) ? ranks.indexOf(role) : ranks.indexOf('member'));
  const sorted = [...roles].sort((x, y) => rank(x) - rank(y));
  return sorted.length === 0 ? [undefined] : sorted;
}

/** Those who are in both organizations: with the least role in A's and the mightiest in B's, and the other way round. */
const bridgeKeys = ['bridge', 'bridge:back'];

/** Says whether a person or actor of that name is in both organizations. */
export function isBridge(key: string): boolean {
  return bridgeKeys.includes(key);
}

/** Makes the people up: A, B, C, one member of A's organization for each role, and two of both organizations. */
export function makePeople(model: Model): Person[] {
  const { users, organizations } = model.tenancy;
  const idOf = (table: typeof users): string => newId(table?.columns.find(({ name }) => name === primaryKey(table)[0]));
  const [x, y] = [idOf(organizations), idOf(organizations)];
  const person = (key: string, side: 'a' | 'b', isMember: boolean, role: string | undefined): Person => {
    const user = idOf(users);
    return { key, side, user, organization: side === 'a' ? x : y, role, isMember, email: `${key.replaceAll(/\W/g, '')}.${newNumber()}@muse.example` };
  };
  const roles = membershipRoles(model);
  return [
    person('a', 'a', true, roles[0]),
    person('b', 'b', true, roles[0]),
    person('c', 'b', false, undefined),
    ...(model.tenancy.membership === undefined ? [] : roles.map((role) => person(`member${role === undefined ? '' : `:${role}`}`, 'a', true, role))),
    ...(model.tenancy.membership === undefined || roles.length < 2 ? [] : bridgeKeys.map((key, index) => person(key, 'a', true, roles.at(index === 0 ? -1 : 0)))),
  ];
}

/**
 * The claims of a signed-in user, as the Data API hands them to PostgreSQL.
 * @param metadata what the user has written into its own user_metadata
 */
export function claimsOf(person: Person, metadata: Readonly<Record<string, string>> = {}): Record<string, string> {
  const claims = { sub: person.user, role: 'authenticated', email: person.email, aud: 'authenticated', app_metadata: {}, user_metadata: metadata };
  return { 'request.jwt.claims': JSON.stringify(claims), 'request.jwt.claim.sub': person.user, 'request.jwt.claim.role': 'authenticated' };
}
