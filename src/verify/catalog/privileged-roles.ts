/** Roles that may manage others. */
import type { Lookups } from '../fixtures/lookups.ts';
import { quoteLiteral } from '../../shared/quote.ts';
import type { RelationRow } from '../../rules/engine/live/catalog.ts';

const privilegedRole = /^(owner|admin|administrator|super_?admin|root)$/;

/** Roles that may manage others: what they do to memberships is the kit's decision. */
export function isPrivilegedRole(role: string | undefined): boolean {
  return role !== undefined && privilegedRole.test(role);
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
