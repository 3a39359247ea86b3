import { quoteIdentifier as identifier } from '../../shared/quote.ts';
import type { Finding } from '../../shared/finding.ts';
import { type Catalog, type ConstraintRow, type FunctionRow, qualifiedName, type RelationRow } from './catalog.ts';
import type { Expectations } from './expectations.ts';
import { makeFinding } from '../report/make-finding.ts';
import { indexName, relation } from './sql.ts';

/** `fk-without-index` of one table. */
export function checkForeignKeys(table: RelationRow): Finding[] {
  return table.constraints.filter((key) => key.type === 'f' && !hasIndex(table, key)).map((key) => {
    const list = key.columns.join(', ');
    return makeFinding(
      'fk-without-index', qualifiedName(table),
      `The foreign key ${key.name} of ${qualifiedName(table)} (${list}) has no index: joins, and deletes in ${key.target ?? 'the other table'}, read the whole table.`,
      `CREATE INDEX IF NOT EXISTS ${indexName(table.name, key.columns)} ON ${relation(table)} (${key.columns.map(identifier).join(', ')});`,
    );
  });
}

/** An index helps if its first columns are the key's, in any order; a partial one only where it leaves out nothing but NULL. */
function hasIndex(table: RelationRow, key: ConstraintRow): boolean {
  return table.indexes.some((index) => {
    const first = new Set(index.columns.slice(0, key.columns.length));
    const whole = index.predicate === null
      || key.columns.some((column) => index.predicate === `(${identifier(column)} IS NOT NULL)`);
    return index.valid && whole && key.columns.every((column) => first.has(column));
  });
}

/** `definer-without-search-path` of one function. */
export function checkDefiner(routine: FunctionRow): Finding[] {
  const isPinned = routine.settings.some((setting) => setting.startsWith('search_path='));
  if (!routine.definer || isPinned) return [];
  const name = `${qualifiedName(routine)}(${routine.arguments.join(', ')})`;
  return [makeFinding(
    'definer-without-search-path', name,
    `${name} is SECURITY DEFINER and takes its caller's search_path: a caller can put its own tables and functions in front.`,
    `ALTER FUNCTION ${relation(routine)}(${routine.arguments.join(', ')}) SET search_path = ''; with every name in it qualified.`,
  )];
}

/** `table-missing`: tables that the applied files create and the database has not. */
export function checkTables(catalog: Catalog, expectations: Expectations): Finding[] {
  const present = new Set(catalog.relations.map(qualifiedName));
  return (expectations.tables ?? []).filter((name) => !present.has(name)).map((name) => makeFinding(
    'table-missing', name,
    `The files that were applied create ${name}, but the database has no such table.`,
    `Find out who dropped it, then write a migration that creates it again; muse status shows what else has drifted.`,
  ));
}
