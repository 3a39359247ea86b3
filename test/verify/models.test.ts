import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { withSchema } from './database.ts';
import { asMigration } from './kit.ts';
import { models } from './models.ts';
import { errorsOf, findingsOf } from './prove-files.ts';

let database: Database;
beforeAll(async () => { database = await openEmbedded(); });
afterAll(() => database.close());

/** Errors that are false, by model: one that is no longer found must leave this list. */
const knownFalseErrors: Record<string, string[]> = {
  'teams-in-teams': ['isolation-insert public.team_members', 'isolation-write public.team_members'],
};

describe('an app that is right as it is', () => {
  it.each([...models])('%s', async (name, sql) => {
    const findings = await withSchema(database, sql, (session) => findingsOf(session, [asMigration(`${name}.sql`, sql)]));
    expect(errorsOf(findings)).toEqual(knownFalseErrors[name] ?? []);
    expect(findings.filter(({ rule }) => rule === 'not-proven')).toEqual([]);
  });
});
