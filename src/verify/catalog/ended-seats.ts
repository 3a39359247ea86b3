/** How a membership says that its user has left: a time by which it ended, or was deleted. */
import { type ColumnRow, qualifiedName } from '../../rules/engine/live/catalog.ts';
import { walk } from '../../rules/engine/live/expression.ts';
import { conditionsOn } from './conditions.ts';
import type { Model } from './model.ts';

const known = new WeakMap<Model, readonly ColumnRow[]>();

/** The columns of the memberships with a time that lets nobody in any more, as policies ask of them. Cached per model. */
export function endedColumns(model: Model): readonly ColumnRow[] {
  const columns = known.get(model) ?? readColumns(model);
  known.set(model, columns);
  return columns;
}

function readColumns(model: Model): ColumnRow[] {
  const { table } = model.tenancy.membership ?? {};
  if (table === undefined) return [];
  const asked = new Set<ColumnRow>();
  for (const { tree, own } of conditionsOn(table, model).others)
    walk(tree, (type, test) => {
      const column = type === 'NullTest' && test['nulltesttype'] === 'IS_NULL' ? own(test['arg']) : undefined;
      if (column !== undefined) asked.add(column);
    });
  const isChecked = ({ name }: ColumnRow): boolean =>
    table.constraints.some(({ type, columns }) => type === 'c' && columns.includes(name));
  return [...asked].filter(
    (column) =>
      table.columns.includes(column) &&
      !column.notNull &&
      !column.generated &&
      /^(timestamp|date$)/.test(column.base) &&
      !isChecked(column),
  );
}

/** The tables, by `schema.name`, whose policies read memberships, in which one that has ended may make a difference. */
export function tablesOfMembers(model: Model): ReadonlySet<string> {
  const { table } = model.tenancy.membership ?? {};
  if (table === undefined || endedColumns(model).length === 0) return new Set();
  return new Set([...model.dependencies.askers(qualifiedName(table)).map(qualifiedName), qualifiedName(table)]);
}
