/** Default texts that mean nothing to what reads them: every row may have another. */
import { type ColumnRow, isPlatformSchema } from '../../rules/engine/live/catalog.ts';
import { constantOf, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';

const known = new WeakMap<Model, ReadonlySet<string>>();

/**
 * Returns whether the column's default is a text that no policy, view or function names, like the name of a font. One that is
 * named anywhere, like a status, may decide what happens to the row.
 */
export function isPlaceholder({ category, labels, generated, default: byDefault }: ColumnRow, model: Model): boolean {
  if (category !== 'S' || labels !== null || generated || byDefault === null) return false;
  const text = constantOf(model.parse(byDefault));
  return text !== undefined && !textsNamedIn(model).has(text);
}

function textsNamedIn(model: Model): ReadonlySet<string> {
  const texts = known.get(model) ?? findTexts(model);
  known.set(model, texts);
  return texts;
}

function findTexts({ catalog, parse, sources }: Model): ReadonlySet<string> {
  const expressions = catalog.relations.flatMap(({ policies, columns, query }) => [
    ...policies.flatMap(({ using, check }) => [using, check]),
    ...columns.filter(({ generated }) => generated).map((column) => column.default),
    query === null ? null : `(${query.replace(/;\s*$/, '')})`,
  ]);
  const found = new Set<string>();
  const trees = [
    expressions.map((sql) => (sql === null ? undefined : parse(sql))),
    catalog.functions.filter(({ schema }) => !isPlatformSchema(schema)).map((routine) => sources.body(routine).trees),
  ];
  walk(trees, (type, node) => {
    if (type === 'A_Const' && node['sval'] !== undefined) found.add(constantOf({ A_Const: node }) ?? '');
  });
  return found;
}
