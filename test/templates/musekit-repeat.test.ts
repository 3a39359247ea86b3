/** Running the kit's files again, and undoing them. */
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

/** The schema after each number of core files; the first is the database before them. */
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

  it('change nothing when they run again, with rows in the tables', async () => {
    await run(database, [seedFile]);
    const [schema, rows] = [await readSchema(database), await countRows(database)];
    expect(schema).toEqual(states.at(-1));
    expect(rows).toMatchObject({ 'public.profiles': 3, 'public.organizations': 2, 'public.organization_members': 4, 'public.subscriptions': 2, 'auth.identities': 3 });
    await run(database, coreFiles);
    expect(await readSchema(database)).toEqual(schema);
    expect(await countRows(database)).toEqual(rows);
  });

  it('so does the seed: not a row more, and not a row other', async () => {
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

  it('are undone one by one, each leaving the schema as it was before its file, and again forward', async () => {
    for (const [index, file] of [...rollbackFiles.entries()].toReversed()) {
      await run(database, [file]);
      expect(await readSchema(database), file).toEqual(states[index]);
    }
    await run(database, coreFiles);
    expect(await readSchema(database)).toEqual(states.at(-1));
  });

  it('may be undone twice', async () => {
    for (let round = 0; round < 2; round += 1) await run(database, rollbackFiles.toReversed());
    expect(await readSchema(database)).toEqual(states[0]);
  });
});
