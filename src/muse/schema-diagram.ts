import type { DiagramTable } from '../publish/diagram/place.ts';
import { readFiles } from '../sql/catalog/build.ts';
import type { Table } from '../sql/catalog/model.ts';
import type { Migration } from '../sql/migration.ts';
import { loadParser } from '../sql/parser.ts';

/** The tables that files create, for a picture of them, in the order of the files. */
export async function diagramTables(migrations: readonly Migration[]): Promise<DiagramTable[]> {
  await loadParser();
  const { catalog } = await readFiles(migrations);
  return [...catalog.tables.values()].flatMap((table) => {
    const { kind, site, temporary, partitionOf } = table;
    if (kind !== 'table' || site === undefined || temporary === true || partitionOf !== undefined) return [];
    return [
      {
        name: shortName(table.name),
        layer: site.piece.source.migration.layer,
        columns: [...table.columns.values()].map(({ name, type, notNull }) => {
          const key = table.primaryKey.includes(name);
          return { name, type, nullable: !notNull && !key, key };
        }),
        references: table.foreignKeys.map((key) => ({
          columns: key.columns,
          table: shortName(key.table),
          one: isUnique(table, key.columns),
        })),
      },
    ];
  });
}

const shortName = (name: string): string => name.replace(/^public\./, '');

/** Whether no two rows have the same values there. Indexes are left out: of one on an expression, not all is known. */
function isUnique({ primaryKey, unique }: Table, columns: readonly string[]): boolean {
  return [primaryKey, ...unique].some((key) => key.length > 0 && key.every((column) => columns.includes(column)));
}
