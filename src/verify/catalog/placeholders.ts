/** Default texts that mean nothing to what reads them: every row may have another. */
import { type ColumnRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { constantOf, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';

const known = new WeakMap<RelationRow, ReadonlySet<string>>();

/**
 * Returns whether the column's default is a text that nothing compares the column with, like the name of a font. One that
 * something names beside it, like a status, may decide what happens to the row.
 */
export function isPlaceholder(column: ColumnRow, table: RelationRow, model: Model): boolean {
  if (column.category !== 'S' || column.labels !== null || column.generated || column.default === null) return false;
  const text = constantOf(model.parse(column.default));
  const compared = model.dependencies.decidingColumns(qualifiedName(table)).get(column.name) ?? [];
  return text !== undefined && !compared.includes(text) && !textsOf(table, model).has(text);
}

/** The texts that the table's own policies, triggers and generated columns name. */
function textsOf(table: RelationRow, model: Model): ReadonlySet<string> {
  const texts = known.get(table) ?? findTexts(table, model);
  known.set(table, texts);
  return texts;
}

function findTexts({ policies, columns, triggers }: RelationRow, { parse, sources }: Model): ReadonlySet<string> {
  const expressions = [
    ...policies.flatMap(({ using, check }) => [using, check]),
    ...columns.filter(({ generated }) => generated).map((column) => column.default),
  ];
  const routines = triggers.flatMap((trigger) => sources.byOid(trigger.function) ?? []);
  const found = new Set<string>();
  walk(
    [
      expressions.map((sql) => (sql === null ? undefined : parse(sql))),
      routines.map((routine) => sources.body(routine).trees),
    ],
    (type, node) => {
      if (type === 'A_Const' && node['sval'] !== undefined) found.add(constantOf({ A_Const: node }) ?? '');
    },
  );
  return found;
}
