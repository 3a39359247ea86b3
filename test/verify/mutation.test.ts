import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { installPlatform } from '../../src/database/platform/install.ts';
import { openPostgres } from '../../src/database/postgres/postgres.ts';
import { startNative } from '../support/native.ts';
import { installKit } from './kit.ts';
import { foundIn, missedIn } from './open-families.ts';
import { makeWorld, sweep, type World } from './sweep.ts';

let database: Database;
let world: World;
let stop = async (): Promise<void> => undefined;

beforeAll(async () => {
  // A sweep takes half as long as on the embedded database.
  const native = await startNative();
  database = await openPostgres({ url: await native.createDatabase('mutants') });
  stop = async () => {
    await database.close();
    await native.stop();
  };
  await installPlatform(database);
  const declarations = await installKit(database, ['crm', 'deliverables', 'realty', 'social']);
  // Rollbacks leave dead rows, and the row count of a table that was never analyzed is estimated from its size.
  await database.script('analyze');
  world = await makeWorld('built-in kit with all presets', database, '', { declarations });
});
afterAll(() => stop());

describe('the built-in kit and its presets', () => {
  it('have no findings', () => {
    expect(world.whole.findings).toEqual([]);
    expect(world.whole.tables.length).toBeGreaterThan(30);
  });

  it('report every mutant that changes what anyone can do', async () => {
    const { missed, killed, tried } = await sweep(world, 1193);
    expect(missedIn(missed)).toEqual([]);
    expect(foundIn(tried, missed)).toEqual([]);
    expect(killed).toBeGreaterThan(tried.length / 2);
  }, 7_200_000);
});
