/**
 * kit/: fetch a kit safely, recognize its layout, prune and rename.
 * May touch: git, the network through git, the clone and the cache.
 */
import type { Isolation, MigrationFolders } from '../shared/muse-file.ts';

/** One way that kits keep their migrations, as found in a kit; the ways themselves are data in `layouts.ts`. */
export interface Layout {
  /** Kebab-case, as `muse.json` names it. */
  id: string;
  /** For people: `migrations/core and migrations/extensions`. */
  title: string;
  folders: MigrationFolders;
  isolation: Isolation;
  /** Other layouts that fit the kit too and are less specific; their files are not run. */
  others?: { id: string; folders: string[] }[];
}
