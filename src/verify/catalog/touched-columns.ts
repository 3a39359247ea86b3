/** What triggers of a table set in rows of another one, such as when a chat was last written in. */
import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import { type Fields, fieldsOf, walk } from '../../sql/nodes.ts';
import type { Model } from './model.ts';

/**
 * Returns whether triggers of a new row change rows of another table, and only in columns that nothing else asks for: nobody sees more or
 * less after that.
 */
export function onlyTouches(table: RelationRow, other: RelationRow, { sources, dependencies }: Model): boolean {
  const bodies = table.triggers
    .filter(({ enabled, events }) => enabled && events.includes('I'))
    .flatMap((trigger) => sources.byOid(trigger.function) ?? [])
    .flatMap((routine) => sources.reached(routine))
    .map((routine) => sources.body(routine));
  if (bodies.some(({ isUnreadable, executed }) => isUnreadable || executed.length > 0)) return false;
  const set = new Set<string>();
  let doesMore = false;
  walk(
    bodies.flatMap(({ trees }) => trees),
    (type, fields) => {
      if (type === 'InsertStmt' || type === 'DeleteStmt' || type === 'MergeStmt')
        doesMore ||= (fields as Fields<'InsertStmt'>).relation?.relname === other.name;
      if (type !== 'UpdateStmt' || fields.relation?.relname !== other.name) return;
      for (const target of fields.targetList ?? []) set.add(fieldsOf(target, 'ResTarget')?.name ?? '');
    },
  );
  const { named, whole, joined } = dependencies.decidingColumns(`${other.schema}.${other.name}`);
  return (
    !doesMore &&
    set.size > 0 &&
    whole === undefined &&
    [...set].every((name) => !named.has(name) && !joined.some(({ column }) => column === name))
  );
}
