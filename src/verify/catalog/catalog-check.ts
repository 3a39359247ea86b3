import type { Session } from '../../database/database.ts';
import type { Finding } from '../../shared/finding.ts';
import { type Catalog, isPlatformSchema, type RelationRow } from './catalog.ts';
import { checkAccess } from './check-access.ts';
import { checkPolicies } from './check-policies.ts';
import { checkDefiner, checkForeignKeys, checkTables } from './check-structure.ts';
import type { Expectations } from './expectations.ts';
import { loadExpressionParser, type ParseExpression } from './expression.ts';
import { readCatalog } from './read-catalog.ts';

/**
 * Checks a database by its catalog alone, in one round trip: tables, row-level security, policies, grants, indexes, foreign
 * keys and definer functions. Changes nothing.
 * @throws DatabaseError what PostgreSQL says
 */
export async function checkCatalog(session: Session, expectations: Expectations): Promise<Finding[]> {
  const [catalog, parse] = await Promise.all([readCatalog(session, expectations.userRole === undefined ? [] : [expectations.userRole]), loadExpressionParser()]);
  return catalogFindings(catalog, expectations, parse);
}

/** The findings of a catalog that was read already. */
function catalogFindings(catalog: Catalog, expectations: Expectations, parse: ParseExpression): Finding[] {
  const isOurs = (schema: string): boolean => expectations.schemas?.includes(schema) ?? !isPlatformSchema(schema);
  return [
    ...checkTables(catalog, expectations),
    ...catalog.relations.filter(isTable).flatMap((table) =>
      isOurs(table.schema)
        ? [...checkAccess(table, catalog, expectations), ...checkPolicies(table, catalog, expectations, parse), ...checkForeignKeys(table)]
        // A muse may put policies on storage.objects; the rest of that table is the platform's.
        : table.schema === 'storage' && expectations.schemas === undefined ? checkPolicies(table, catalog, expectations, parse) : []),
    ...catalog.functions.filter((routine) => isOurs(routine.schema)).flatMap(checkDefiner),
  ];
}

function isTable(relation: RelationRow): boolean {
  return relation.kind === 'r' || relation.kind === 'p';
}
