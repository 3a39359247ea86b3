import { isPlatformSchema, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { isDeclared } from '../../rules/engine/live/expectations.ts';
import { lastingEffect } from './outside-effects.ts';
import type { Model } from './model.ts';
import { relation } from '../../rules/engine/live/catalog.ts';
import type { Subject } from '../probes/subject.ts';

/** Views on which a user's role has any privilege. */
export function usableViews(model: Model, roles: readonly string[]): RelationRow[] {
  return [...model.tables.values()].filter(
    (row) =>
      (row.kind === 'v' || row.kind === 'm') &&
      !isPlatformSchema(row.schema) &&
      roles.some((role) => (row.grants[role] ?? '') !== '' || row.columnGrants[role] !== undefined),
  );
}

/** The tables that a view reads, directly or through other views. */
export function tablesBehind(view: RelationRow, model: Model): RelationRow[] {
  const found = new Set<RelationRow>();
  const visit = (row: RelationRow): void => {
    if (found.has(row)) return;
    found.add(row);
    for (const name of row.reads) if (model.tables.has(name)) visit(model.tables.get(name)!);
  };
  visit(view);
  return [...found].filter((row) => row.kind === 'r' || row.kind === 'p');
}

/** Returns whether one of the roles can write through the view, if the view is updatable at all. */
export function isWritable(view: RelationRow, roles: readonly string[]): boolean {
  const ways = [
    ['I', 8],
    ['U', 4],
    ['D', 16],
  ] as const;
  return ways.some(
    ([letter, bit]) =>
      (view.updatable & bit) !== 0 &&
      roles.some(
        (role) =>
          (view.grants[role] ?? '').includes(letter) ||
          (letter !== 'D' && view.columnGrants[role]?.[letter] !== undefined),
      ),
  );
}

/** The triggers of a view cannot be disabled, so one with effects outside the transaction must not fire. */
export function outsideTrigger(view: RelationRow, model: Model): { trigger: string; effect: string } | undefined {
  for (const { name, function: oid } of view.triggers) {
    const routine = model.sources.byOid(oid);
    const effect = routine === undefined ? undefined : lastingEffect(routine, model.sources);
    if (effect !== undefined) return { trigger: name, effect: effect.does };
  }
  return undefined;
}

/**
 * A view over one table that includes its key columns. It is tested like the table itself, since an updatable view
 * gives access to the table. Undefined for other views.
 */
export function viewSubject(
  view: RelationRow,
  subjects: readonly Subject[],
  roles: readonly string[],
  model: Model,
): Subject | undefined {
  const behind = tablesBehind(view, model);
  const base = subjects.find((subject) => subject.name === qualifiedName(behind[0] ?? { schema: '', name: '' }));
  if (behind.length !== 1 || base === undefined || view.kind === 'm' || outsideTrigger(view, model) !== undefined)
    return undefined;
  const shown = new Set(view.columns.map((column) => column.name));
  const belongs = base.belongs.filter(({ column }) => shown.has(column));
  // A read-only view that does not show a row's owner is searched for known values instead.
  if (
    !base.rows.a.key.every(([name]) => shown.has(name)) ||
    (belongs.length < base.belongs.length && !isWritable(view, roles))
  )
    return undefined;
  const name = qualifiedName(view);
  const isPublic = isDeclared(model.declarations, name, 'public-read');
  return {
    ...base,
    name,
    kind: 'view',
    into: relation(view),
    grants: view,
    belongs,
    columns: base.columns.filter((column) => shown.has(column.name)),
    scope: isPublic ? { ...base.scope, kind: 'public-read', text: `public-read, ${base.scope.text}` } : base.scope,
    isReadOnly: view.updatable === 0,
  };
}
