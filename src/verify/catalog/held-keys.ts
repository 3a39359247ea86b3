/** Rows that are someone's only by a key in other rows, which are that one's: the payment of an order, the file of a document in a case. */
import { qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import type { Node } from '../../sql/nodes.ts';
import { effectsOf } from './effects.ts';
import type { Model } from './model.ts';
import { queriedColumns } from './queried-columns.ts';

/** Says whether the rows of a table are someone's, or of users who are joined to them, not by the other one. */
export type IsOwned = (table: RelationRow, beside: RelationRow, model: Model) => boolean;

/** The tables whose rows are someone's and hold the key of a row, for which its policies ask. */
export function holdingTables(table: RelationRow, model: Model, isOwned: IsOwned): RelationRow[] {
  return [...model.tables.values()].filter(
    (holding) =>
      holding !== table &&
      holding.constraints.some((key) => key.type === 'f' && key.target === qualifiedName(table)) &&
      model.dependencies.askers(qualifiedName(holding)).includes(table) &&
      isOwned(holding, table, model),
  );
}

/**
 * Says whether every policy by which the rows are written asks for rows of someone's that hold their key: they are that one's alone, even
 * where a policy lets everyone read them. Of what other rows join users to, as a group, all may see what there is.
 */
export function isHeldByKey(table: RelationRow, model: Model, isOwned: IsOwned): boolean {
  const writing = table.policies.filter(
    ({ permissive, command, roles }) =>
      permissive && command !== 'r' && roles.some((role) => role === 'public' || role === model.userRole),
  );
  const holding = holdingTables(table, model, isOwned).flatMap((one) =>
    one.constraints
      .filter(({ type, target, columns }) => type === 'f' && target === qualifiedName(table) && columns.length === 1)
      .map(({ columns }) => ({ one, column: columns[0]! }))
      .filter(({ column }) => !isPartOfKey(one, column)),
  );
  return (
    writing.length > 0 &&
    writing.every(({ using, check }) => {
      const trees = [using, check].flatMap((sql) =>
        sql === null ? [] : withBodies(model.parse(sql) as Node | undefined, model),
      );
      return holding.some(({ one, column }) => trees.some((tree) => queriedColumns(one, tree).includes(column)));
    })
  );
}

/** No two rows have the same in it and another column. */
function isPartOfKey({ indexes, constraints }: RelationRow, column: string): boolean {
  return [...indexes.filter(({ unique }) => unique), ...constraints.filter(({ type }) => type === 'p')].some(
    ({ columns }) => columns.length > 1 && columns.includes(column),
  );
}

/** The expression, and the bodies of the helpers that it calls. */
function withBodies(tree: Node | undefined, { sources }: Model): unknown[] {
  const helpers = tree === undefined ? [] : sources.called(effectsOf({ trees: [tree] }));
  return [tree, ...helpers.flatMap((one) => sources.reached(one)).flatMap((one) => sources.body(one).trees)];
}
