import type { Wire } from '../wire.ts';

/** Where `muse dev` keeps what it needs in the database while it serves it, such as the triggers of Realtime. */
export const servedSchema = 'muse_dev';

/**
 * Removes what `muse dev` keeps in the database. Migrations, checks and backups must not see it: a server that was killed
 * leaves it behind, and one that lends its database puts it back afterwards.
 */
export function removeServed(wire: Pick<Wire, 'script'>): Promise<void> {
  return wire.script(`DROP SCHEMA IF EXISTS ${servedSchema} CASCADE`);
}
