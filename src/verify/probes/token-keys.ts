/** Keys of rows that are in the token of who asks, though they say neither who that is nor which organization: those of a session. */
import { quoteLiteral } from '../../shared/quote.ts';
import type { RelationRow } from '../../rules/engine/live/catalog.ts';
import { tokenSetting } from '../catalog/claim-paths.ts';
import type { Model } from '../catalog/model.ts';
import type { Subject } from './subject.ts';

/** SQL that puts the value into the token, at the place that the column is compared with; nothing where it only names a key there. */
export function putInToken(table: RelationRow, column: string, value: string, { claims }: Model): string {
  const isOf = (one: { table: RelationRow; column: string }): boolean => one.table === table && one.column === column;
  const claim = claims.all.find(({ columns }) => columns.some(isOf));
  if (claim === undefined && claims.all.some(({ keys }) => keys.some(isOf))) return 'select 1';
  const path = (claim?.path ?? []).map((key) => quoteLiteral(key)).join(', ');
  const setting = quoteLiteral(claim?.setting ?? tokenSetting);
  const token =
    path === ''
      ? `(${value})::text`
      : `jsonb_set(current_setting(${setting})::jsonb, array[${path}], to_jsonb((${value})::text))::text`;
  return `select set_config(${setting}, ${token}, true)`;
}

/** SQL after which the token of who acts names the row that it then adds; undefined where rows have no such key. */
export function tokenOfNewRow({ table, columns, fresh }: Subject, model: Model): string | undefined {
  const found = columns.flatMap((column) => {
    const value = fresh.b.values.get(column.name);
    const isKey =
      model.meaningOf(table, column) === undefined &&
      model.claims.comparedWith(table, column.name) === 'tenant' &&
      model.claims.all.some(({ columns: all }) => all.some((one) => one.table === table && one.column === column.name));
    return isKey && value !== undefined ? [putInToken(table, column.name, value, model)] : [];
  });
  return found.length === 0 ? undefined : found.join('; ');
}
