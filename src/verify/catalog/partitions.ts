import { qualifiedName, relation, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Subject } from '../probes/subject.ts';
import type { Model } from './model.ts';

/** The root table of a partition. */
export function rootOf(partition: RelationRow, model: Model): RelationRow {
  const parent = partition.partition ? model.tables.get(partition.parent ?? '') : undefined;
  return parent === undefined ? partition : rootOf(parent, model);
}

/**
 * Partitions that users can address by name, in which case the policies of their root do not apply. Each is tested like
 * the root. One with row-level security and no policy is closed, whatever is granted.
 */
export function partitionSubjects(subjects: readonly Subject[], roles: readonly string[], model: Model): Subject[] {
  const byName = new Map(subjects.map((subject) => [subject.name, subject]));
  return [...model.tables.values()]
    .filter(
      (table) =>
        table.partition &&
        !(table.rls && table.policies.length === 0) &&
        roles.some((role) => (table.grants[role] ?? '') !== '' || table.columnGrants[role] !== undefined),
    )
    .flatMap((table) => {
      const base = byName.get(qualifiedName(rootOf(table, model)));
      const name = qualifiedName(table);
      return base === undefined ? [] : [{ ...base, name, into: relation(table), table, grants: table, state: name }];
    });
}

/** Returns whether a partition has its root's policies, so that the proof of the root covers it. */
export function hasPoliciesOf(partition: RelationRow, root: RelationRow): boolean {
  const texts = ({ policies }: RelationRow): string[] =>
    policies
      .map(({ command, permissive, roles, using, check }) =>
        JSON.stringify([command, permissive, roles.toSorted(), using, check]),
      )
      .sort();
  return partition.rls && root.rls && JSON.stringify(texts(partition)) === JSON.stringify(texts(root));
}
