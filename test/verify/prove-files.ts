import { afterAll, beforeAll } from 'vitest';
import type { Database, Session } from '../../src/database/database.ts';
import { expectationsOf } from '../../src/muse/declared-schema.ts';
import type { Finding } from '../../src/shared/finding.ts';
import type { Migration } from '../../src/sql/migration.ts';
import { qualifiedName } from '../../src/rules/engine/live/catalog.ts';
import { readCatalog } from '../../src/verify/catalog/read-catalog.ts';
import { checkCatalog } from '../../src/verify/catalog/catalog-check.ts';
import type { IsolationReport } from '../../src/verify/report/report.ts';
import { verifyIsolation } from '../../src/verify/verify-isolation.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { asMigration } from './kit.ts';

/** Everything that `muse verify` finds in a database created from the files. */
export async function findingsOf(
  session: Session,
  files: readonly Migration[],
  only?: readonly string[],
): Promise<Finding[]> {
  const expectations = await expectationsOf(files);
  const catalog = await checkCatalog(session, expectations);
  const { findings } = await verifyIsolation(session, {
    declarations: expectations.declarations,
    ...(only === undefined ? {} : { only }),
  });
  return [...catalog, ...findings];
}

/** Names of everything that is proven individually, as in the report. */
export async function objectsOf(session: Session): Promise<string[]> {
  const { relations, functions } = await readCatalog(session);
  const { rows } = await session.query<{ id: string }>('select id from storage.buckets');
  return [
    ...relations.map(qualifiedName),
    ...functions.map((routine) => `${qualifiedName(routine)}(${routine.arguments.join(', ')})`),
    ...rows.map(({ id }) => `storage.objects[${id}]`),
  ];
}

/** Rule and object of each error, once and in order. */
export function errorsOf(findings: readonly Finding[]): string[] {
  return [
    ...new Set(findings.filter(({ severity }) => severity === 'error').map(({ rule, object }) => `${rule} ${object}`)),
  ].sort();
}

/**
 * Opens a database for the tests of a file.
 * @returns proves a schema as a migration, or of its objects only those named
 */
export function findingsProver(): (sql: string, only?: readonly string[]) => Promise<Finding[]> {
  let database: Database;
  beforeAll(async () => {
    database = await openProofDatabase();
  });
  afterAll(() => database.close());
  return (sql, only) =>
    withSchema(database, sql, (session) => findingsOf(session, [asMigration('extension_002.sql', sql)], only));
}

/** The same; what it returns gives the whole report. */
export function reportProver(): (sql: string) => Promise<IsolationReport> {
  let database: Database;
  beforeAll(async () => {
    database = await openProofDatabase();
  });
  afterAll(() => database.close());
  return (sql) =>
    withSchema(database, sql, async (session) => {
      const { declarations } = await expectationsOf([asMigration('extension_002.sql', sql)]);
      return verifyIsolation(session, { declarations });
    });
}

/** The same; what it returns gives rule and object of each error. */
export function errorProver(): (sql: string) => Promise<string[]> {
  const find = findingsProver();
  return async (sql) => errorsOf(await find(sql));
}
