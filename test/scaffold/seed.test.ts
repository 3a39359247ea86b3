import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { countRows } from '../../src/database/count-rows.ts';
import { parseTable } from '../../src/scaffold/parse-table.ts';
import { loadPreset } from '../../src/scaffold/presets.ts';
import { scaffold } from '../../src/scaffold/scaffold.ts';
import { kitFile, seedFile } from '../templates/kit.ts';
import { asUser, builtInCore, coreFacts, folders, openCore } from './support.ts';

let database: Database;
beforeAll(async () => {
  database = await openCore(builtInCore(), 'embedded');
  await database.script(kitFile(seedFile));
});
afterAll(() => database.close());

const [ada, ben] = ['a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002'];

const cases: [string, string[], string[]][] = [
  ...['realty', 'social', 'deliverables', 'crm'].map((id): [string, string[], string[]] => [id, [id], []]),
  [
    'tables of one’s own',
    [],
    [
      'projects: name text!, code varchar(12)! unique, budget numeric(12,2), starts_on date, organization',
      'tasks: title text!, project -> projects!, parent -> tasks, done boolean!, priority text(low|high)!, organization',
      'notes: body text!, tags text[], owner user',
    ],
  ],
];

describe.each(cases)('the seed of %s', (_, presets, tables) => {
  it('has 20 to 50 rows of both organizations, and adds nothing when it runs again', async () => {
    const made = await scaffold({
      name: 'm',
      prefix: '',
      presets: await Promise.all(presets.map(loadPreset)),
      tables: tables.map(parseTable),
      core: await coreFacts(database),
      number: '001',
      folders,
      isolation: 'auth-uid',
    });
    await database.script(made.files[0]!.content);
    await database.script(made.seed!);
    const counts = await countRows(database);
    const total = made.tables.reduce((sum, { name }) => sum + (counts[`public.${name}`] ?? 0), 0);
    expect(total).toBeGreaterThanOrEqual(20);
    expect(total).toBeLessThanOrEqual(50);
    await database.script(made.seed!);
    expect(await countRows(database)).toEqual(counts);
    // Anyone who signs in sees some rows of every table that users can reach.
    for (const { name, scope } of made.tables.filter((table) => table.scope !== 'service-only')) {
      for (const user of [ada!, ben!]) {
        const seen = (await asUser(database, user, `select id from public.${name}`)) as { rows: unknown[] };
        expect(seen.rows.length, `${name} (${scope})`).toBeGreaterThan(0);
      }
    }
    await database.script(made.files[1]!.content);
  });
});

it('needs a value for every required column, and leaves other tables out', async () => {
  const made = await scaffold({
    name: 'm',
    prefix: '',
    presets: [],
    tables: ['windows: open tstzrange!, owner user'].map(parseTable),
    core: await coreFacts(database),
    number: '001',
    folders,
    isolation: 'auth-uid',
  });
  expect(made.seed).toBeUndefined();
});
