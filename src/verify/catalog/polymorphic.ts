/** Keys that lead to rows of several tables, as the column beside them says: `owner_type` and `owner_id`. */
import { type ColumnRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { allowedTexts } from './compared-values.ts';
import type { ParseExpression } from '../../rules/engine/live/expression.ts';
import { isTable, primaryKey, type Tenancy } from './tenancy.ts';

/** What is known of the database by then. */
interface Known {
  tables: ReadonlyMap<string, RelationRow>;
  tenancy: Tenancy;
  parse: ParseExpression;
}

/** A key and the column that names the table it leads to. */
export interface PolymorphicKey {
  type: ColumnRow;
  id: ColumnRow;
  /** The tables by the value that names them, one of users or organizations first. */
  targets: { value: string; table: RelationRow; column: string }[];
}

const known = new WeakMap<Tenancy, Map<RelationRow, PolymorphicKey[]>>();

/** The polymorphic keys of a table, whose values are all known and name tables by their names. */
export function polymorphicKeys(table: RelationRow, model: Known): PolymorphicKey[] {
  const ofModel = known.get(model.tenancy) ?? new Map<RelationRow, PolymorphicKey[]>();
  known.set(model.tenancy, ofModel);
  const keys = ofModel.get(table) ?? findKeys(table, model);
  ofModel.set(table, keys);
  return keys;
}

function findKeys(table: RelationRow, model: Known): PolymorphicKey[] {
  return table.columns.flatMap((id): PolymorphicKey[] => {
    const [, stem] = /^(.+)_id$/.exec(id.name) ?? [];
    const type = table.columns.find(({ name }) => stem !== undefined && name === `${stem}_type`);
    const isLinked = table.constraints.some((key) => key.type === 'f' && key.columns.includes(id.name));
    if (type === undefined || isLinked) return [];
    const targets = allowedTexts(table, type, model.parse).flatMap((value) => targetOf(value, id, model));
    const rank = ({ table: target }: { table: RelationRow }): number =>
      model.tenancy.userTables.has(qualifiedName(target)) ? 0 : target === model.tenancy.organizations ? 1 : 2;
    return targets.length === 0 ? [] : [{ type, id, targets: targets.toSorted((x, y) => rank(x) - rank(y)) }];
  });
}

/** Whose id a polymorphic key holds in the usual row: undefined for another row's, null where the column is no such key. */
export function polymorphicMeaning(
  table: RelationRow,
  column: ColumnRow,
  model: Known,
): 'user' | 'organization' | undefined | null {
  const key = polymorphicKeys(table, model).find(({ id }) => id === column);
  const target = key?.targets[0]?.table;
  if (target === undefined) return null;
  if (model.tenancy.userTables.has(qualifiedName(target))) return 'user';
  return target === model.tenancy.organizations ? 'organization' : undefined;
}

/** The table that a value names: in the singular or the plural, or as the users or organizations of the app. */
function targetOf(value: string, id: ColumnRow, model: Known): PolymorphicKey['targets'] {
  const { users, organizations } = model.tenancy;
  const word = value.toLowerCase();
  const names = [word, `${word}s`, `${word}es`, word.replace(/y$/, 'ies')];
  const table =
    [...model.tables.values()].find((row) => isTable(row) && row.schema === 'public' && names.includes(row.name)) ??
    (/^(user|profile|person)s?$/.test(word) ? users : undefined) ??
    (/^(org|organi[sz]ation|team|tenant|workspace|company|account)s?$/.test(word) ? organizations : undefined);
  const [column, ...more] = table === undefined ? [] : primaryKey(table);
  const base = table?.columns.find(({ name }) => name === column)?.base;
  return table === undefined || column === undefined || more.length > 0 || (base !== id.base && id.base !== 'text')
    ? []
    : [{ value, table, column }];
}
