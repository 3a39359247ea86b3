import { isPlatformSchema } from '../../sql/catalog/lookup.ts';
import type { Catalog, Site, Table } from '../../sql/catalog/model.ts';
import type { Run } from './check.ts';

/** A table of the migrations that the rules apply to. */
export type OwnTable = Table & { site: Site };

/** Tables that the migrations create in their own schemas; no views, no temporary tables. */
export function ownTables(catalog: Catalog): OwnTable[] {
  return [...catalog.tables.values()].filter(
    (table): table is OwnTable =>
      table.site !== undefined &&
      table.kind === 'table' &&
      table.temporary !== true &&
      !isPlatformSchema(schemaOf(table)),
  );
}

/** The schema of a `schema.name`. */
export function schemaOf({ name }: { name: string }): string {
  return name.slice(0, name.indexOf('.'));
}

/** Returns whether users of the Data API were granted anything on the table. */
export function isGranted(table: Table): boolean {
  return ['anon', 'authenticated', 'public'].some((role) => (table.grants.get(role)?.size ?? 0) > 0);
}

/**
 * Returns whether a user of the Data API can reach the table: it is in `public`, or something was granted to a user.
 */
export function isReachable(table: Table): boolean {
  return schemaOf(table) === 'public' || isGranted(table);
}

/** Returns whether the files have that declaration for the table. */
export function declared(run: Pick<Run, 'meanings'>, table: string, kind: 'public-read' | 'service-only'): boolean {
  return run.meanings.get(table)?.some((meaning) => meaning.kind === kind) ?? false;
}
