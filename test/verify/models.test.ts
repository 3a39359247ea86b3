import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openProofDatabase, withSchema } from './database.ts';
import { asMigration } from './kit.ts';
import { models } from './models.ts';
import { errorsOf, findingsOf } from './prove-files.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

describe('a correct app', () => {
  it.each([...models])('%s', async (name, sql) => {
    const findings = await withSchema(database, sql, (session) =>
      findingsOf(session, [asMigration(`${name}.sql`, sql)]),
    );
    expect(errorsOf(findings)).toEqual([]);
    expect(findings.filter(({ rule }) => rule === 'not-proven')).toEqual([]);
  });
});
