/** Columns that chance fills: what is in them is known only to those who were told. */
import type { ColumnRow, RelationRow } from '../../rules/engine/live/catalog.ts';
import { nameParts, walk } from '../../rules/engine/live/expression.ts';
import { uniqueSets } from '../fixtures/draft.ts';
import type { Model } from './model.ts';
import { primaryKey } from './tenancy.ts';

/** Functions of which nobody can guess the next result, having seen others. */
export const secretMakers: ReadonlySet<string> = new Set(['gen_random_bytes', 'gen_random_uuid', 'uuid_generate_v4']);

/** Says whether the column's default is a secret: not the key of the row, nor that of another row, which are in links. */
export function isMadeByChance(column: ColumnRow, table: RelationRow, { parse }: Model): boolean {
  const isKey =
    primaryKey(table).includes(column.name) ||
    table.constraints.some(({ type, columns }) => type === 'f' && columns.includes(column.name));
  let found = false;
  walk(column.default === null ? undefined : parse(column.default), (type, node) => {
    found ||= type === 'FuncCall' && secretMakers.has(nameParts(node['funcname']).at(-1) ?? '');
  });
  return found && !isKey;
}

/**
 * Says whether the column is a text that only some rows have, each another one, and that names nothing else: the key of a link by which
 * a row is shared. Whether it can be guessed, only those know who write it.
 */
export function isOptionalKey(column: ColumnRow, table: RelationRow, model: Model): boolean {
  return (
    column.category === 'S' &&
    column.labels === null &&
    !column.notNull &&
    !column.generated &&
    column.default === null &&
    model.meaningOf(table, column) === undefined &&
    uniqueSets(table).some((set) => set.join() === column.name) &&
    !table.constraints.some(({ type, columns }) => 'fc'.includes(type) && columns.includes(column.name))
  );
}
