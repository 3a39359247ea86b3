import { MuseError } from '../shared/error.ts';
import type { DataTable } from '../scaffold/data-migration.ts';
import type { Catalog, Table } from '../sql/catalog/model.ts';
import { nearest } from '../shared/nearest.ts';

/**
 * A table as the migrations leave it.
 * @param name `table` or `schema.table`
 * @param flag that named it, for the error
 * @throws MuseError `bad-data-migration` where no migration creates it
 */
export function dataTable(catalog: Catalog, name: string, flag: string): DataTable {
  const full = name.includes('.') ? name : `public.${name}`;
  const table = catalog.tables.get(full);
  if (table === undefined || table.kind !== 'table') throw unknown(catalog, full, name, flag);
  return {
    name: table.name,
    columns: [...table.columns.values()].map((column) => ({ ...column, hasDefault: column.default !== undefined })),
    primaryKey: table.primaryKey,
    unique: [
      ...table.unique,
      ...[...table.indexes.values()].filter(({ unique, partial }) => unique && !partial).map(({ columns }) => columns),
    ],
    foreignKeys: table.foreignKeys.map(({ columns, table: target, targets }) => ({
      columns,
      table: target,
      targets: targets.length > 0 ? targets : (catalog.tables.get(target)?.primaryKey ?? []),
    })),
  };
}

function unknown(catalog: Catalog, full: string, name: string, flag: string): MuseError {
  const isOwn = ({ kind, site }: Table): boolean => kind === 'table' && site !== undefined;
  const known = [...catalog.tables.values()]
    .filter(isOwn)
    .map((table) => table.name.replace(/^public\./, ''))
    .sort();
  const meant = nearest(full.replace(/^public\./, ''), known);
  return new MuseError({
    code: 'bad-data-migration',
    message: `No migration creates a table ${JSON.stringify(name.slice(0, 80))} (${flag}).`,
    suggestion:
      meant === undefined
        ? 'The columns and types are read from the migrations: declare the table in an earlier migration, with CREATE TABLE IF NOT EXISTS.'
        : `Write ${flag} ${meant}.`,
  });
}
