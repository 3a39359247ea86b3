/** Default texts that mean nothing to what reads them: every row may have another. */
import { type ColumnRow, qualifiedName, type RelationRow } from '../../rules/engine/live/catalog.ts';
import { columnOf, constantOf, nameParts, type Node, walk } from '../../rules/engine/live/expression.ts';
import type { Model } from './model.ts';
import { writtenValues } from './written-values.ts';

/** What the table's policies, triggers and generated columns, and whatever reads it, do with its texts. */
interface Uses {
  /** Texts that its own policies, triggers and generated columns name. */
  texts: ReadonlySet<string>;
  /** Names of the columns that anything takes for a value of another type, or copies to where a CHECK is. */
  cast: ReadonlySet<string>;
}

const known = new WeakMap<RelationRow, Uses>();

const textTypes = new Set(['text', 'varchar', 'bpchar', 'citext', 'name']);

/**
 * Returns whether the column's default is a text that nothing compares the column with, like the name of a font, or an empty one.
 * One that something names beside it, like a status, may decide what happens to the row; one without letters, or that is cast, has
 * to be of a form.
 */
export function isPlaceholder(column: ColumnRow, table: RelationRow, model: Model): boolean {
  if (column.category !== 'S' || column.labels !== null || column.generated || column.default === null) return false;
  const text = constantOf(model.parse(column.default));
  if (text === undefined || (text !== '' && !/\p{L}/u.test(text))) return false;
  const compared = model.dependencies.decidingColumns(qualifiedName(table)).named.get(column.name) ?? [];
  const { texts, cast } = usesOf(table, model);
  return !compared.includes(text) && !texts.has(text) && !cast.has(column.name);
}

function usesOf(table: RelationRow, model: Model): Uses {
  const uses = known.get(table) ?? findUses(table, model);
  known.set(table, uses);
  return uses;
}

function findUses(table: RelationRow, { parse, sources, dependencies, tables }: Model): Uses {
  const expressions = [
    ...table.policies.flatMap(({ using, check }) => [using, check]),
    ...table.columns.filter(({ generated }) => generated).map((column) => column.default),
  ];
  const routines = table.triggers.flatMap((trigger) => sources.byOid(trigger.function) ?? []);
  const own = [
    expressions.map((sql) => (sql === null ? undefined : parse(sql))),
    routines.map((routine) => sources.body(routine).trees),
  ];
  const texts = new Set<string>();
  walk(own, (type, node) => {
    if (type === 'A_Const' && node['sval'] !== undefined) texts.add(constantOf({ A_Const: node }) ?? '');
  });
  const cast = new Set<string>();
  const readers = dependencies.readers(qualifiedName(table));
  walk([own, readers.map(({ trees }) => trees)], (type, node) => {
    if (type !== 'TypeCast' || textTypes.has(nameParts((node['typeName'] as Node)['names']).at(-1) ?? '')) return;
    walk(node['arg'], (inner, fields) => {
      const name = inner === 'ColumnRef' ? columnOf({ ColumnRef: fields })?.name : undefined;
      if (name !== undefined) cast.add(name);
    });
  });
  const checked = new Set(
    [...tables.values()].flatMap((row) =>
      row.constraints
        .filter(({ type }) => type === 'c')
        .flatMap((one) => one.columns.map((name) => `${row.name}.${name}`)),
    ),
  );
  // What is copied into a column with a CHECK has to pass it.
  for (const { relname, column, value } of readers.flatMap(({ trees }) => writtenValues(trees)))
    if (checked.has(`${relname}.${column}`))
      walk(value, (type, fields) => {
        const name = type === 'ColumnRef' ? columnOf({ ColumnRef: fields })?.name : undefined;
        if (name !== undefined) cast.add(name);
      });
  return { texts, cast };
}
