/** Runs the kit's files again, and rolls them back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../src/database/count-rows.ts';
import type { Database } from '../../src/database/database.ts';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { readSchema } from '../../src/database/schema.ts';
import { coreFiles, rollbackFiles, run, seedFile } from './kit.ts';

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

/** The schema after each core file, starting with the database before the first. */
const states: unknown[] = [];

describe('the files, one after the other', () => {
  it('each add something', async () => {
    states.push(await readSchema(database));
    for (const file of coreFiles) {
      await run(database, [file]);
      const state = await readSchema(database);
      expect(state, file).not.toEqual(states.at(-1));
      states.push(state);
    }
  });

  it('change nothing on a second run with rows in the tables', async () => {
    await run(database, [seedFile]);
    const [schema, rows] = [await readSchema(database), await countRows(database)];
    expect(schema).toEqual(states.at(-1));
    expect(rows).toMatchObject({
      'public.profiles': 3,
      'public.organizations': 2,
      'public.organization_members': 4,
      'public.subscriptions': 2,
      'auth.identities': 3,
    });
    await run(database, coreFiles);
    expect(await readSchema(database)).toEqual(schema);
    expect(await countRows(database)).toEqual(rows);
  });

  it('like the seed, which adds and changes no row', async () => {
    const everything = async (): Promise<unknown> => {
      const names = Object.keys(await countRows(database)).filter((name) => name.startsWith('public.'));
      const texts = names.map((name) => `select '${name}' as name, t::text as row from ${name} as t`);
      return (await database.query(`${texts.join(' union all ')} order by 1, 2`)).rows;
    };
    const [rows, content] = [await countRows(database), await everything()];
    await run(database, [seedFile]);
    expect(await countRows(database)).toEqual(rows);
    expect(await everything()).toEqual(content);
  });

  it('are rolled back one by one, each restoring the schema before its file, and applied again', async () => {
    for (const [index, file] of [...rollbackFiles.entries()].toReversed()) {
      await run(database, [file]);
      expect(await readSchema(database), file).toEqual(states[index]);
    }
    await run(database, coreFiles);
    expect(await readSchema(database)).toEqual(states.at(-1));
  });

  it('can be rolled back twice', async () => {
    for (let round = 0; round < 2; round += 1) await run(database, rollbackFiles.toReversed());
    expect(await readSchema(database)).toEqual(states[0]);
  });
});
