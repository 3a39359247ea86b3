import { isPlatformSchema } from './lookup.ts';
import type { Layer } from '../migration.ts';
import type { Catalog, Site } from './model.ts';

/** Tables and functions that an extension can build on. */
export interface Facts {
  /** By `schema.name`: columns with their types, and the primary key. */
  tables: Record<string, { columns: Record<string, string>; primaryKey: string[] }>;
  /** By `schema.name(argument types)`. */
  functions: string[];
}

/**
 * What extensions can build on: the tables and functions of core, and `auth.users`.
 * @param layers whose tables and functions those are, where an extension builds on extensions before it
 */
export function coreFacts(catalog: Catalog, layers: readonly Layer[] = ['core']): Facts {
  const counts = (site: Site): boolean => layers.includes(site.piece.source.migration.layer);
  const tables: Facts['tables'] = {};
  for (const table of catalog.tables.values()) {
    const platform = isPlatformSchema(table.name.split('.')[0]!);
    if (table.kind !== 'table' || table.temporary === true || (platform && table.name !== 'auth.users')) continue;
    // One without a place is the platform's, or comes with an extension.
    if (table.site === undefined ? table.name !== 'auth.users' : !counts(table.site)) continue;
    const columns = [...table.columns.values()].filter(({ site }) => site === undefined || counts(site));
    tables[table.name] = {
      columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
      primaryKey: [...table.primaryKey],
    };
  }
  const functions = [...catalog.routines.values()]
    .flat()
    .filter(({ site, name }) => (site === undefined ? name.startsWith('auth.') : counts(site)));
  return { tables, functions: functions.map(({ name, arguments: types }) => `${name}(${types.join(', ')})`).sort() };
}
