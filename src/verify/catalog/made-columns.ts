import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import { fires, type Write } from './dependencies.ts';
import type { Model } from './model.ts';

/** Returns the columns that the table's own triggers set at a write, or at any, by name, and the functions that do. */
export function madeColumns(table: RelationRow, model: Model, write?: Write): ReadonlyMap<string, string> {
  return new Map(
    table.triggers
      .filter((trigger) => trigger.enabled && (write === undefined || fires(trigger, write)))
      .flatMap(({ function: oid }) => {
        const routine = model.sources.byOid(oid);
        const assigned = routine === undefined ? [] : model.sources.body(routine).assigned;
        return assigned.flatMap(({ variables }) => variables).map((name): [string, string] => [name, oid]);
      }),
  );
}
