import type { DevDatabase } from '../service.ts';
import { readCatalog } from './catalog-read.ts';
import type { Catalog } from './catalog.ts';

export interface CatalogSource {
  /** @throws DatabaseError */
  current(): Promise<Catalog>;
  close(): void;
}

/** Reads the catalog when it is first asked for, and again after the schema may have changed. */
export function followCatalog(database: DevDatabase, schemas: readonly string[]): CatalogSource {
  let reading: Promise<Catalog> | undefined;
  const close = database.onCommit(({ schemaMayDiffer }) => {
    if (schemaMayDiffer) reading = undefined;
  });
  return {
    current() {
      if (reading !== undefined) return reading;
      const mine = database.asServer((session) => readCatalog(session, schemas));
      reading = mine;
      // A failed reading is not kept, so that the next request tries again.
      mine.catch(() => {
        if (reading === mine) reading = undefined;
      });
      return mine;
    },
    close,
  };
}
