/** Roles that may manage others. */
import type { Lookups } from '../fixtures/lookups.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { isOrdinaryRole } from './role-names.ts';
import type { RoleKey } from './staff.ts';

const privilegedRole = /^(owner|admin|administrator|super_?admin|root)$/;

/** Roles that may manage others: what they do to memberships is the kit's decision. */
export function isPrivilegedRole(role: string | undefined): boolean {
  return role !== undefined && privilegedRole.test(role);
}

/**
 * The keys of the roles that a table gives users over the whole product: the one that is asked for most often, others that are asked for,
 * and the most ordinary one; undefined where the roles are not there.
 */
export function laddersKeys(
  { table, key, asked }: RoleKey,
  lookups: Lookups,
): { privileged: string; others: string[]; ordinary: string } | undefined {
  const rows = lookups.get(qualifiedName(table)) ?? [];
  const keyOf = (row: (typeof rows)[number] | undefined): string | undefined =>
    row?.[key] == null ? undefined : quoteLiteral(row[key]);
  const wanted = [...asked].flatMap(([column, values]) =>
    values.flatMap(
      (value) => keyOf(rows.find((row) => row[column] != null && quoteLiteral(row[column]) === value)) ?? [],
    ),
  );
  const [privileged, ...others] = [...new Set(wanted)];
  const left = rows.filter((row) => keyOf(row) !== privileged);
  const texts = (row: (typeof rows)[number]): (string | null)[] =>
    [...asked.keys()].map((column) => row[column] ?? null);
  const ordinary = keyOf(
    left.find((row) => texts(row).some((text) => text !== null && isOrdinaryRole(text))) ??
      left.find((row) => !wanted.includes(keyOf(row) ?? '')) ??
      left.at(-1),
  );
  return privileged === undefined || ordinary === undefined
    ? undefined
    : { privileged, others: others.filter((one) => one !== ordinary), ordinary };
}

/**
 * The keys of such a role, and of another one, in each column of a table of members that names a role by its row in a lookup table; none
 * where the lookup table does not have both.
 */
export function roleKeys(
  { constraints }: RelationRow,
  lookups: Lookups,
): { column: string; privileged: string; ordinary: string }[] {
  return constraints.flatMap(({ type, columns, target, targetColumns }) => {
    const rows = type === 'f' && columns.length === 1 ? (lookups.get(target ?? '') ?? []) : [];
    const isPrivileged = (row: (typeof rows)[number]): boolean =>
      Object.values(row).some((text) => isPrivilegedRole(text ?? undefined));
    const [privileged, ordinary] = [rows.find(isPrivileged), rows.find((row) => !isPrivileged(row))].map(
      (row) => row?.[targetColumns?.[0] ?? ''] ?? undefined,
    );
    return privileged === undefined || ordinary === undefined
      ? []
      : [{ column: columns[0]!, privileged: quoteLiteral(privileged), ordinary: quoteLiteral(ordinary) }];
  });
}
