import { isPlatformSchema } from './lookup.ts';
import type { Catalog } from './model.ts';

/** Tables and functions that an extension can build on. */
export interface Facts {
  /** By `schema.name`: columns with their types, and the primary key. */
  tables: Record<string, { columns: Record<string, string>; primaryKey: string[] }>;
  /** By `schema.name(argument types)`. */
  functions: string[];
}

/** What extensions can build on: the tables and functions of core, and `auth.users`. */
export function coreFacts(catalog: Catalog): Facts {
  const tables: Facts['tables'] = {};
  for (const table of catalog.tables.values()) {
    const platform = isPlatformSchema(table.name.split('.')[0]!);
    if (table.kind !== 'table' || table.temporary === true || (platform && table.name !== 'auth.users')) continue;
    if (table.site !== undefined && table.site.piece.source.migration.layer !== 'core') continue;
    const columns = [...table.columns.values()].filter(
      ({ site }) => site === undefined || site.piece.source.migration.layer === 'core',
    );
    tables[table.name] = {
      columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
      primaryKey: [...table.primaryKey],
    };
  }
  const functions = [...catalog.routines.values()]
    .flat()
    .filter(({ site, name }) =>
      site === undefined ? name.startsWith('auth.') : site.piece.source.migration.layer === 'core',
    );
  return { tables, functions: functions.map(({ name, arguments: types }) => `${name}(${types.join(', ')})`).sort() };
}
