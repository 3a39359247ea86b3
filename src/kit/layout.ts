/**
 * kit/: fetch a kit safely, recognise its layout, prune and rename.
 * May touch: git, the network through git, the clone and the cache. Imports from database/ only.
 */
import type { Isolation, MigrationFolders } from '../muse-file.ts';

/** One way that kits keep their migrations; an entry of data in `layouts.ts`. */
export interface Layout {
  /** Kebab-case, as `muse.json` names it. */
  id: string;
  /** For people: `migrations/core and migrations/extensions`. */
  title: string;
  folders: MigrationFolders;
  isolation: Isolation;
}
