import type { Session } from '../../database/database.ts';
import { type Catalog } from '../../rules/engine/live/catalog.ts';
import { catalogQuery, checkQuery } from './catalog-query.ts';
import { readJobs } from './jobs.ts';

/** Roles of the Data API, the least privileged first. */
const apiRoles = ['anon', 'authenticated', 'service_role'] as const;

/**
 * Reads everything the checks need, in one round trip, and one more for the jobs of pg_cron where there are any.
 * @param extraRoles further roles whose privileges matter, e.g. the application role of a kit with session variables
 * @param use `check`: without what only the proof needs
 * @throws DatabaseError what PostgreSQL says
 */
export async function readCatalog(
  session: Session,
  extraRoles: readonly string[] = [],
  use: 'check' | 'proof' = 'proof',
): Promise<Catalog> {
  const roles = JSON.stringify([...apiRoles, ...extraRoles]);
  const query = use === 'check' ? checkQuery : catalogQuery;
  const { rows } = await session.query<{ catalog: Catalog | string }>(query, [roles]);
  const catalog = rows[0]!.catalog;
  // Over HTTPS a JSON column may arrive as its text.
  const read = typeof catalog === 'string' ? (JSON.parse(catalog) as Catalog) : catalog;
  return read.hasJobs === true ? { ...read, jobs: await readJobs(session) } : read;
}
