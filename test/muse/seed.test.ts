import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrateMuse } from '../../src/muse/migrate.ts';
import type { Muse } from '../../src/shared/muse-file.ts';
import { resetMuse } from '../../src/muse/reset.ts';
import { seedMuse } from '../../src/muse/seed.ts';
import type { Database } from '../../src/database/database.ts';
import type { MuseError } from '../../src/shared/error.ts';
import { type Native, startNative } from '../support/native.ts';
import { addFiles, museOnDisk, nativeDatabase, tableFiles, textRows, unrehearsed } from './muse-on-disk.ts';

let native: Native;
let muse: Muse;
let database: Database;
beforeAll(async () => {
  native = await startNative();
});
afterAll(() => native.stop());
beforeEach(async () => {
  const made = await nativeDatabase(native, 'seeds');
  database = made.database;
  muse = await museOnDisk(tableFiles('001', 'homes'), {
    development: made.url,
    staging: made.url,
    production: made.url,
  });
  await database.script(
    'create table public.things (id integer primary key, word text); create table public.log (what text)',
  );
});

const seeds = (files: Record<string, string>): Promise<void> =>
  addFiles(muse.directory, Object.fromEntries(Object.entries(files).map(([name, text]) => [`seeds/${name}`, text])));
const errorOf = (work: Promise<unknown>): Promise<MuseError> =>
  work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as MuseError,
  );
const add = (id: number, word: string): string =>
  `insert into public.things values (${id}, '${word}') on conflict do nothing;\n`;

describe('muse seed', () => {
  it('runs SQL and modules in the order of their names, and adds nothing the second time', async () => {
    await seeds({
      '20_more.js':
        "export default async (session) => { const { rows } = await session.query('select count(*)::int as count from public.things'); await session.query('insert into public.things values ($1, $2) on conflict do nothing', [2, `after ${rows[0].count > 0}`]); };",
      '10_first.sql': `-- First; it ends without its semicolon.\n${add(1, 'one')}set role anon; reset role; select 1`,
      '30_last.mjs':
        'export default (session) => session.script("update public.things set word = word || \'\' where id = 1");',
      '40_common.cjs':
        'module.exports = (session) => session.script("update public.things set word = word || \'\' where id = 1");',
      'notes.md': 'No seed.',
      '.hidden.sql': 'nonsense',
      'types.d.ts': 'export {};',
    });
    const first = await seedMuse(muse, 'development', {});
    expect(first.seeds.map(({ file }) => file)).toEqual([
      'seeds/10_first.sql',
      'seeds/20_more.js',
      'seeds/30_last.mjs',
      'seeds/40_common.cjs',
    ]);
    expect(first.added).toEqual({ 'public.things': 2 });
    expect(await textRows(database, 'public.things')).toEqual(['(1,one)', '(2,"after true")']);
    expect((await seedMuse(muse, 'development', {})).added).toEqual({});
  });

  it('reads TypeScript on every Node, with the packages, aliases and helpers of the muse', async () => {
    await addFiles(muse.directory, {
      'node_modules/words/package.json': '{ "name": "words", "type": "module", "exports": "./words.js" }',
      'node_modules/words/words.js': "export const word = await Promise.resolve('word of a package');",
      'tsconfig.json': '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }',
      'src/ids.ts': 'export enum Id { Seven = 7 }\n',
      'src/types.ts': 'export interface Session { query(sql: string, values: unknown[]): Promise<unknown> }\n',
      'seeds/10_typed.ts':
        "import { word } from 'words';\nimport { Id } from '@/ids';\nimport type { Session } from '../src/types';\n\nexport default async (session: Session): Promise<void> => {\n  await session.query('insert into public.things values ($1, $2) on conflict do nothing', [Id.Seven, word satisfies string]);\n};\n",
    });
    expect((await seedMuse(muse, 'development', {})).added).toEqual({ 'public.things': 1 });
    expect(await textRows(database, 'public.things')).toEqual(['(7,"word of a package")']);
    expect((await seedMuse(muse, 'development', {})).added).toEqual({});
    expect(await readdir(join(muse.directory, 'node_modules'))).toEqual(['words']);
  });

  const typed = 'interface Row {\n  id: number;\n}\n\n';
  it.each<[string, string, string, string]>([
    [
      'throws',
      '10_bad.ts',
      `${typed}export default async (): Promise<void> => {\n  const row: Row = { id: 1 };\n  throw new Error(\`my mistake \${row.id}\`);\n};\n`,
      'seeds/10_bad.ts:7:9: my mistake 1. It was rolled back.',
    ],
    [
      'throws, in JavaScript',
      '10_bad.js',
      "export default async () => {\n  throw new Error('mine.');\n};\n",
      'seeds/10_bad.js:2:9: mine. It was rolled back.',
    ],
    [
      'runs SQL that is refused',
      '10_bad.mts',
      `${typed}export default async (session: any): Promise<void> => {\n  await session.query('select * from public.nowhere');\n};\n`,
      'seeds/10_bad.mts:6:3: relation "public.nowhere" does not exist (SQLSTATE 42P01). It was rolled back.',
    ],
    [
      'does not parse',
      '10_bad.ts',
      `${typed}export default async () => {\n  const row = ;\n};\n`,
      'seeds/10_bad.ts:6:14 cannot be used: Loading it failed: ParseError: Unexpected token. No seed was run.',
    ],
    [
      'does not parse, in JavaScript',
      '10_bad.js',
      'export default async () => {\n  const row = ;\n};\n',
      'seeds/10_bad.js:2:14 cannot be used: Loading it failed: ParseError: Unexpected token. No seed was run.',
    ],
    [
      'imports a missing module',
      '10_bad.ts',
      `${typed}import words from 'no-words';\nexport default async (): Promise<unknown> => words;\n`,
      "seeds/10_bad.ts:5:22 cannot be used: Loading it failed: Cannot find module 'no-words'. No seed was run.",
    ],
    [
      'throws while it is loaded',
      '10_bad.ts',
      `${typed}throw new Error('too early');\n`,
      'seeds/10_bad.ts:5:7 cannot be used: Loading it failed: too early. No seed was run.',
    ],
  ])('a module that %s is reported with its line', async (_, name, text, message) => {
    await seeds({ [name]: text });
    expect((await errorOf(seedMuse(muse, 'development', {}))).message).toBe(message);
  });

  it.each<[string, string, string, Record<string, unknown>]>([
    [
      'a statement that PostgreSQL refuses',
      '20_bad.sql',
      "insert into public.log values ('lost');\ninsert into public.nowhere values (1);\n",
      { code: 'seed-failed', message: expect.stringContaining('seeds/20_bad.sql:2:') },
    ],
    [
      'a seed that adds rows every time',
      '20_bad.sql',
      "insert into public.log values ('again');",
      {
        code: 'findings',
        findings: [
          expect.objectContaining({ rule: 'seed-not-idempotent', message: expect.stringContaining('public.log +1') }),
        ],
      },
    ],
    [
      'a seed that fails the second time',
      '20_bad.sql',
      'insert into public.things values (5);',
      {
        code: 'findings',
        findings: [
          expect.objectContaining({ rule: 'seed-not-idempotent', message: expect.stringContaining('duplicate key') }),
        ],
      },
    ],
    [
      'a module that throws',
      '20_bad.js',
      "export default async (session) => { await session.script(\"insert into public.log values ('lost')\"); throw new Error('my mistake'); };",
      { code: 'seed-failed', message: expect.stringContaining('my mistake') },
    ],
  ])('%s is rolled back, and the files before it stay', async (_, name, text, expected) => {
    await seeds({ '10_first.sql': add(1, 'one'), [name]: text, '30_last.sql': add(3, 'three') });
    expect(await errorOf(seedMuse(muse, 'development', {}))).toMatchObject(expected);
    expect(await textRows(database, 'public.things')).toEqual(['(1,one)']);
    expect(await textRows(database, 'public.log')).toEqual([]);
  });

  it.each<[string, string, string, string]>([
    ['a transaction of its own', '20_bad.sql', 'begin; commit;', 'findings'],
    ['a statement that must run alone', '20_bad.sql', 'vacuum;', 'findings'],
    ['a module without its export', '20_bad.js', 'export const seed = 1;', 'seed-unreadable'],
    ['a module that does not load', '20_bad.mjs', 'import nowhere from "./nowhere.js";', 'seed-unreadable'],
    ['what is no UTF-8', '20_bad.sql', 'select \0 1', 'findings'],
  ])('%s is refused before anything is run', async (_, name, text, code) => {
    await seeds({ '10_first.sql': add(1, 'one'), [name]: text });
    expect((await errorOf(seedMuse(muse, 'development', {}))).code).toBe(code);
    expect(await textRows(database, 'public.things')).toEqual([]);
  });

  it('seeds development unless another environment is named and confirmed; production is backed up first', async () => {
    await seeds({ '10_first.sql': add(1, 'one') });
    for (const name of ['staging', 'production'] as const) {
      const error = await errorOf(seedMuse(muse, name, {}));
      expect(error).toMatchObject({
        code: 'bad-confirmation',
        suggestion: expect.stringContaining(`muse seed --env ${name} --confirm ${name}`),
      });
    }
    expect(await textRows(database, 'public.things')).toEqual([]);
    expect(await seedMuse(muse, 'staging', {}, { confirmed: 'staging' })).toMatchObject({
      added: { 'public.things': 1 },
    });
    const { backup } = await seedMuse(muse, 'production', {}, { confirmed: 'production' });
    expect((await readFile(join(muse.directory, backup ?? ''))).length).toBeGreaterThan(100);
  });
});

it('counts the rows of partitions once, for the table that they are partitions of', async () => {
  await database.script(`create table public.events (at date primary key) partition by range (at);
    create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01')`);
  await seeds({ '10_events.sql': "insert into public.events values ('2026-05-05') on conflict do nothing;" });
  expect((await seedMuse(muse, 'development', {})).added).toEqual({ 'public.events': 1 });
  await seeds({ '10_events.sql': 'insert into public.events select max(at) + 1 from public.events_2026;' });
  const error = await errorOf(seedMuse(muse, 'development', {}));
  expect(error.findings?.map(({ message }) => message)).toEqual(['A second run changes row counts: public.events +1.']);
});

describe('muse reset', () => {
  const all = { agree: async (): Promise<boolean> => true };

  it('rolls back every file on a server, keeps what does not belong to the muse, migrates and seeds', async () => {
    await migrateMuse(muse, 'development', {}, unrehearsed);
    await seeds({ '10_first.sql': add(1, 'one') });
    await database.script(
      "insert into auth.users (id, email) values (gen_random_uuid(), 'ada@example.com'); insert into public.homes (user_id, title) select id, 'gone' from auth.users; insert into public.log values ('mine')",
    );
    const asked: unknown[] = [];
    const refuse = async (rows: unknown): Promise<boolean> => {
      asked.push(rows);
      return false;
    };
    expect(await errorOf(resetMuse(muse, {}, { agree: refuse }))).toMatchObject({
      code: 'bad-confirmation',
      suggestion: expect.stringContaining('--yes'),
    });
    expect(asked).toEqual([{ 'auth.users': 1, 'public.homes': 1, 'public.log': 1 }]);
    expect(await textRows(database, 'public.homes')).toHaveLength(1);
    const { rolledBack, applied, added } = await resetMuse(muse, {}, all);
    expect([rolledBack.length, applied.length, added]).toEqual([1, 1, { 'public.things': 1 }]);
    expect(await textRows(database, 'public.homes')).toEqual([]);
    expect(await textRows(database, 'public.log')).toEqual(['(mine)']);
  });

  it('drops nothing if a file has no rollback, or if the files have errors', async () => {
    await migrateMuse(muse, 'development', {}, unrehearsed);
    await addFiles(muse.directory, {
      'migrations/extensions/002_bad.sql': '-- Is wrong.\nselect 1 from public.nowhere;\n',
    });
    expect((await errorOf(resetMuse(muse, {}, all))).code).toBe('findings');
    await addFiles(muse.directory, {
      'migrations/extensions/002_bad.sql': "-- Adds a comment.\ncomment on table public.homes is 'Homes';\n",
    });
    await migrateMuse(muse, 'development', {}, unrehearsed);
    const error = await errorOf(resetMuse(muse, {}, all));
    expect(error).toMatchObject({ code: 'rollback-missing', message: expect.stringContaining('002_bad.sql') });
    expect(await textRows(database, 'public.homes')).toEqual([]);
  });

  it('recreates an embedded database, also one of another version', async () => {
    const own = await museOnDisk({
      ...tableFiles('001', 'homes'),
      'seeds/10_first.sql':
        "insert into auth.users (id, email) values ('00000000-0000-4000-8000-000000000001', 'ada@example.com') on conflict do nothing;",
    });
    expect((await seedMuse(own, 'development', {})).added).toEqual({ 'auth.users': 1 });
    let asked: unknown;
    const again = await resetMuse(
      own,
      {},
      {
        agree: async (rows) => {
          asked = rows;
          return true;
        },
      },
    );
    expect(asked).toEqual({ 'auth.users': 1 });
    expect(again).toMatchObject({
      rolledBack: [],
      applied: [{ file: 'migrations/extensions/001_homes.sql' }],
      added: { 'auth.users': 1 },
    });
    await addFiles(own.directory, { '.muse/database/version.json': '{"pglite":"0.1.0"}' });
    expect((await resetMuse(own, {}, all)).added).toEqual({ 'auth.users': 1 });
  });
});
