/**
 * verify/: checks a database's catalog against the rules, and proves by acting as users that tenants are isolated. May
 * touch: a Session or Database that is passed in, and nothing else.
 */
import type { Session } from '../../database/database.ts';
import type { Expectations } from '../../rules/engine/live/expectations.ts';
import { loadExpressionParser } from '../../rules/engine/live/expression.ts';
import { checkLive } from '../../rules/registry.ts';
import type { Finding } from '../../shared/finding.ts';
import { readCatalog } from './read-catalog.ts';

/**
 * Checks a database by its catalog alone, in one round trip: tables, row-level security, policies, grants, indexes,
 * foreign keys and definer functions. Makes no changes.
 * @throws DatabaseError what PostgreSQL says
 */
export async function checkCatalog(session: Session, expectations: Expectations): Promise<Finding[]> {
  const [catalog, parse] = await Promise.all([
    readCatalog(session, expectations.userRole === undefined ? [] : [expectations.userRole], 'check'),
    loadExpressionParser(),
  ]);
  return checkLive({ catalog, expectations, parse });
}
