import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { expectationsOf } from '../../src/muse/declared-schema.ts';
import { asMigration } from './kit.ts';
import { models } from './models.ts';
import { foundIn, missedIn } from './open-families.ts';
import { sessionKit } from './session-kit.ts';
import { makeWorld, sweep } from './sweep.ts';
import { openProofDatabase } from './database.ts';

let database: Database;
beforeAll(async () => {
  database = await openProofDatabase();
});
afterAll(() => database.close());

describe('an app with another design', () => {
  it.each([...models])(
    '%s reports every mutant that changes what anyone can do',
    async (name, sql) => {
      const { declarations } = await expectationsOf([asMigration(`${name}.sql`, sql)]);
      const { missed, tried } = await sweep(await makeWorld(name, database, sql, { declarations }), 41);
      expect(missedIn(missed)).toEqual([]);
      expect(foundIn(tried, missed)).toEqual([]);
    },
    3_600_000,
  );

  it('a kit with session variables reports every mutant that changes what anyone can do', async () => {
    // Its role is one of a whole server, and other tests have one of that name.
    const own = await openEmbedded();
    onTestFinished(() => own.close());
    const { missed, tried } = await sweep(
      await makeWorld('session variables', own, sessionKit, {
        declarations: [],
        isolation: 'session',
        session: { role: 'app_user' },
      }),
      17,
    );
    expect(missedIn(missed)).toEqual([]);
    expect(foundIn(tried, missed)).toEqual([]);
  }, 3_600_000);
});
