import { describe, expect, it, onTestFinished } from 'vitest';
import { formatTable } from '../../src/cli/format-table.ts';
import { serve } from '../../src/dev/dev.ts';
import { runPsql, runStatements } from '../../src/dev/psql.ts';
import { museOnDisk } from '../muse/muse-on-disk.ts';

const options = { environment: 'development' as const, variables: process.env };

/** Statements, and what is printed. */
const cases: [string, string][] = [
  ["select 1 as a, null as b, 'x\ny' as a", ' a | b | a\n---+---+------\n 1 |   | x\\ny\n(1 row)\n'],
  ['create table public.things (id int); insert into public.things values (1), (2)', 'CREATE TABLE\nINSERT 2'],
  ['delete from public.things where id > 5', 'DELETE 0'],
  ['select id from public.things where id = 0', ' id\n----\n(0 rows)\n'],
  [String.raw`select e'\x1b[31m' as red`, ' red\n----------\n \\x1b[31m\n(1 row)\n'],
];

/** Statements that fail, the last one after another that changed something. */
const failing: [string, object][] = [
  ['-- nothing', { code: 'bad-call' }],
  ['select nope', { code: '42703' }],
  ['insert into public.things values (3); select 1/0', { code: '22012' }],
];

describe('statements without psql', () => {
  it('run while muse dev has the database, several as one transaction', async () => {
    const muse = await museOnDisk({});
    const server = await serve(muse, { ...options, variables: {}, port: 0, databasePort: 0 });
    onTestFinished(() => server.close());
    const print = async (sql: string): Promise<string> =>
      (await runStatements(muse, sql, options)).map(formatTable).join('\n');
    for (const [sql, expected] of cases) expect(await print(sql), sql).toBe(expected);
    for (const [sql, expected] of failing) await expect(print(sql), sql).rejects.toMatchObject(expected);
    expect(await print('select id from public.things where id = 3')).toContain('(0 rows)');
  });
});

it('says that there is no psql', async () => {
  const muse = await museOnDisk({});
  expect(await runPsql(muse, [], { ...options, variables: { PATH: '' } })).toBeUndefined();
});
