import type { RelationRow } from './catalog.ts';
import { qualifiedName } from './catalog.ts';
import { outsideEffect } from './effects.ts';
import type { Model } from './model.ts';
import { quoteIdentifier } from '../database/quote.ts';
import { relation } from './sql.ts';

/** Triggers with effects outside of the database, and what becomes of them while the proof runs. */
export interface Quiet {
  /** Statements that turn them off, taken back with the rest. */
  sql: string[];
  /** By `schema.name`: what was turned off, for people. */
  notes: Map<string, string[]>;
  /** Tables that must not be touched: a trigger there cannot be turned off by this connection. */
  untouchable: Map<string, string>;
}

/** Finds the triggers that must not fire on the tables, and turns off those that can be turned off. */
export function quietTriggers(tables: readonly RelationRow[], model: Model): Quiet {
  const quiet: Quiet = { sql: [], notes: new Map(), untouchable: new Map() };
  for (const table of tables) {
    for (const trigger of table.triggers.filter(({ enabled }) => enabled)) {
      const routine = model.sources.byOid(trigger.function);
      const effect = routine === undefined ? undefined : outsideEffect(routine, model.sources);
      if (effect === undefined) continue;
      const name = qualifiedName(table);
      if (table.isOurs) {
        quiet.sql.push(`alter table ${relation(table)} disable trigger ${quoteIdentifier(trigger.name)}`);
        quiet.notes.set(name, [...(quiet.notes.get(name) ?? []), `trigger ${trigger.name} ${effect}: turned off while this was proven`]);
      } else {
        quiet.untouchable.set(name, `its trigger ${trigger.name} ${effect}, and this connection may not turn it off`);
      }
    }
  }
  return quiet;
}
