/** Tables whose rows let a user into a thing of another's: the members of a chat, those with whom a document is shared. */
import {
  type ConstraintRow,
  isPlatformSchema,
  qualifiedName,
  type RelationRow,
} from '../../rules/engine/live/catalog.ts';
import type { Model } from './model.ts';
import { scopeOf } from './scope.ts';
import { isTable } from './tenancy.ts';

/** Such a table: the column of the guest, and the foreign key to what the guest is let into. */
export interface Seats {
  table: RelationRow;
  user: string;
  parent: ConstraintRow;
}

const known = new WeakMap<Model, readonly Seats[]>();

/** Finds the tables of seats among those that policies of other tables read. Cached per model. */
export function findSeats(model: Model): readonly Seats[] {
  const seats = known.get(model) ?? [...model.tables.values()].flatMap((table) => seatsOf(table, model));
  known.set(model, seats);
  return seats;
}

function seatsOf(table: RelationRow, model: Model): Seats[] {
  const { membership, organizations } = model.tenancy;
  const name = qualifiedName(table);
  if (!isTable(table) || table.partition || isPlatformSchema(table.schema) || table === membership?.table) return [];
  const askers = model.dependencies.askers(name).filter((asker) => asker !== table);
  if (askers.length === 0) return [];
  const asked = model.dependencies.decidingColumns(name).named;
  const parent = table.constraints.find((key) => {
    const target = model.tables.get(key.target ?? '');
    return (
      key.type === 'f' &&
      target !== undefined &&
      target !== table &&
      target !== organizations &&
      !model.tenancy.userTables.has(qualifiedName(target)) &&
      key.columns.every((column) => asked.has(column)) &&
      askers.some((asker) => asker === target || asker.constraints.some((one) => one.target === key.target)) &&
      isPersonal(target, model)
    );
  });
  const user = table.columns.find(
    (column) =>
      model.meaningOf(table, column) === 'user' &&
      asked.has(column.name) &&
      parent?.columns.includes(column.name) === false,
  );
  return parent === undefined || user === undefined ? [] : [{ table, user: user.name, parent }];
}

/** A user owns it, or is joined to it; what an organization owns, its members share anyway. */
function isPersonal(target: RelationRow, model: Model): boolean {
  const { owner, isJoined } = scopeOf(target, model);
  return owner === 'user' || isJoined;
}
