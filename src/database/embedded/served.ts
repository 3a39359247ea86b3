import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { kindOf, writeWhole } from '../../shared/files.ts';
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

/** A file beside the data: the database may have what `muse dev` keeps in it. It saves every other open a statement. */
const markPath = (directory: string): string => join(directory, 'served');

/** Says that the database of a directory may have, from now on, what `muse dev` keeps in it. */
export const markServed = (directory: string): Promise<void> => writeWhole(markPath(directory), '');

/** Removes what a server that ended may have left in the database of a directory. */
export async function removeLeftovers(directory: string, wire: Pick<Wire, 'script'>): Promise<void> {
  if ((await kindOf(markPath(directory))) === undefined) return;
  await removeServed(wire);
  await rm(markPath(directory), { force: true });
}
