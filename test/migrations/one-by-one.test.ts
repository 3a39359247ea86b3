/** Statements that an engine gets together fail, and leave behind, what they do where each is sent by itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session } from '../../src/database/database.ts';
import { openEmbedded, type EmbeddedDatabase } from '../../src/database/embedded/embedded.ts';
import { runOneByOne } from '../../src/migrations/one-by-one.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { parseSql } from '../../src/sql/split.ts';
import type { Statement } from '../../src/sql/statement.ts';

let database: EmbeddedDatabase;
beforeAll(async () => {
  await loadParser();
  database = await openEmbedded();
});
afterAll(() => database.close());

/** Runs statements, and says which failed how, and what is there then. */
async function outcome(statements: readonly Statement[], together: boolean): Promise<unknown> {
  const undone = new Error('undone');
  let found: unknown;
  await database
    .transaction(async (session) => {
      const { each, ...others } = session;
      expect(each).toBeDefined();
      const failed = await runOneByOne(together ? session : (others satisfies Session), statements);
      const { rows } = await session.query(
        `select (select jsonb_agg(relname order by relname) from pg_class where relnamespace = 'public'::regnamespace) as tables,
           (select jsonb_agg(x order by x) from public.seen) as seen`,
      );
      found = [
        failed.map(({ statement, error: { code, message, position, where } }) => [
          statements.indexOf(statement),
          { code, message, position, where },
        ]),
        rows,
      ];
      throw undone;
    })
    .catch((error: unknown) => {
      if (error !== undone) throw error;
    });
  return found;
}

const seen = 'create table public.seen (x text)';
const many = Array.from({ length: 60 }, (_, index) => `create table public.t${index} (a int)`);
const add = (value: string): string => `insert into public.seen values (${value})`;

describe('statements together', () => {
  it.each<[what: string, sqls: string[], failing: number[]]>([
    ['none fails', [seen, ...many], []],
    ['the first fails', ['select nothing', seen, ...many], [0]],
    ['the last fails', [seen, ...many, 'select nothing'], [61]],
    ['one in the middle', [seen, ...many.slice(0, 40), "select 'é😀', nothing", ...many.slice(40)], [41]],
    [
      'two in a row',
      [seen, ...many.slice(0, 7), "select '😀', nothing", 'drop table nothing', ...many.slice(7)],
      [8, 9],
    ],
    ['each second one', [seen, ...many.flatMap((sql) => [sql, sql])], many.map((_, index) => 2 + 2 * index)],
    [
      'what a later one needs failed',
      [seen, 'create table public.a (b nothing)', 'alter table public.a add c int'],
      [1, 2],
    ],
    [
      'one that does something before it fails',
      [seen, `do $$ begin ${add("'a'")}; raise 'no'; end $$`, add("'b'")],
      [1],
    ],
    ['a comment at the end', [seen, `${add("'a'")} -- not b`, add("'b'")], []],
    [
      'how text is read changes',
      [seen, 'set standard_conforming_strings to off', add(String.raw`'a\\b'`), add("'c'")],
      [],
    ],
    ['nothing is sent', [seen, 'copy public.seen from stdin', add("'a'")], [1]],
    ['a search path', [seen, 'set local search_path to pg_catalog', 'insert into seen values (1)', add("'a'")], [2]],
  ])('%s', async (_what, sqls, failing) => {
    const statements = parseSql(sqls.map((sql) => `${sql}\n;`).join('\n')).statements;
    expect(statements).toHaveLength(sqls.length);
    const alone = await outcome(statements, false);
    expect((alone as [[number, unknown][]])[0].map(([index]) => index)).toEqual(failing);
    expect(await outcome(statements, true)).toEqual(alone);
  });

  it('one that only PostgreSQL cannot read', async () => {
    const { statements } = parseSql([seen, ...many].join(';\n'));
    statements[30] = { ...statements[30]!, sql: 'creat table public.t29 ()' };
    expect(await outcome(statements, true)).toEqual(await outcome(statements, false));
  });

  it('have the time of a limit each', async () => {
    const { statements } = parseSql(`${seen};${'select pg_sleep(0.1);'.repeat(30)}`);
    database.limitStatements?.(2500);
    try {
      expect(await outcome(statements, true)).toMatchObject([[], [{ seen: null }]]);
    } finally {
      database.limitStatements?.(undefined);
    }
  });
});
