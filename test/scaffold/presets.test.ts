import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { listPresets, loadPreset } from '../../src/scaffold/presets.ts';
import { scaffold, type Scaffold } from '../../src/scaffold/scaffold.ts';
import type { CoreFacts } from '../../src/scaffold/table.ts';
import { builtInCore, coreFacts, folders, openCore, sampleKinds, schemaOf } from './support.ts';

const ids = ['blank', 'crm', 'deliverables', 'realty', 'social'];

describe.each(sampleKinds)('presets on the built-in core: %s', (kind) => {
  let database: Database;
  let core: CoreFacts;
  let before: string[];
  beforeAll(async () => {
    database = await openCore(builtInCore(), kind);
    core = await coreFacts(database);
    before = await schemaOf(database);
  });
  afterAll(() => database.close());

  const make = async (presets: string[], prefix = ''): Promise<Scaffold> =>
    scaffold({
      name: 'realtymuse',
      prefix,
      presets: await Promise.all(presets.map(loadPreset)),
      tables: [],
      core,
      number: '001',
      folders,
      isolation: 'auth-uid',
    });

  it('are complete', async () => {
    expect((await listPresets()).map(({ id }) => id)).toEqual(ids);
  });

  it.each([...ids.map((id) => [id]), ids].map((list) => [list.join(' + '), list] as const))(
    '%s: runs twice, and its rollback restores the schema',
    async (_, list) => {
      for (const prefix of ['', 'kv_']) {
        const { files, tables } = await make(list, prefix);
        const [up, down] = files.map(({ content }) => content);
        await database.script(up ?? '');
        const once = await schemaOf(database);
        for (const { name, columns } of tables) {
          expect(name.startsWith(prefix)).toBe(true);
          const { rows } = await database.query<{ name: string }>(
            `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0`,
            [`public.${name}`],
          );
          expect(rows.map((row) => row.name).sort()).toEqual(columns.map((column) => column.name).sort());
        }
        await database.script(up ?? '');
        expect(await schemaOf(database)).toEqual(once);
        await database.script(down ?? '');
        expect(await schemaOf(database)).toEqual(before);
        await database.script(down ?? '');
        expect(await schemaOf(database)).toEqual(before);
      }
    },
  );
});
