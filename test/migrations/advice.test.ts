import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEmbedded } from '../../src/database/embedded/embedded.ts';
import { type Database, DatabaseError } from '../../src/database/database.ts';
import { adviceFor } from '../../src/migrations/advice.ts';

const before = `create table t (id int, email text, note text);
create view v as select note from t;
create policy p on t using (note = 'x');
create function guard() returns trigger language plpgsql as
  $$ begin raise exception 'not this way' using errcode = '42501'; end $$;
create trigger guard before delete on t for each statement execute function guard();
insert into t values (1, 'a', null), (2, 'a', 'b');`;

let database: Database;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

/** What is advised about the real error of a statement. */
async function advised(sql: string): Promise<string | undefined> {
  await database.script(`begin; ${before}`);
  try {
    const error: unknown = await database.script(sql).catch((thrown: unknown) => thrown);
    return error instanceof DatabaseError ? adviceFor(error) : undefined;
  } finally {
    await database.script('rollback');
  }
}

it('advice follows what the error says of its cause', async () => {
  const cases: [string, string][] = [
    ['alter table t alter column note type varchar(3)', 'drop view v, alter the column, and create it again'],
    ['drop view v; alter table t alter column note type varchar(3)', 'drop policy p on table t, alter the column'],
    ['create unique index on t (email)', 'SELECT email, count(*) … GROUP BY email HAVING count(*) > 1'],
    ['alter table t alter column note set not null', 'fill it with an UPDATE'],
    ["alter table t add check (email <> 'a')", 'correct them before this statement, or add it as NOT VALID'],
    ['drop table t', 'Drop what depends on it first (view v), or write CASCADE'],
    ['delete from t', 'The function guard() refuses it: do as its message says.'],
    ["do $$ begin raise exception 'no'; end $$", 'The DO block refuses it: do as its message says.'],
    ['create role r superuser', 'On Supabase the role that runs migrations is not a superuser'],
    ['create role r; set role r', 'GRANT r TO CURRENT_USER; before this statement, after the CREATE ROLE.'],
    ['create role "R"; create schema s authorization "R"', 'GRANT "R" TO CURRENT_USER;'],
    ['create foreign data wrapper w', 'Supabase lets this role make them'],
    ["create unique index on t (id); insert into t values (1, 'c', '')", 'Add ON CONFLICT DO NOTHING'],
  ];
  for (const [sql, words] of cases) expect([sql, await advised(sql)]).toEqual([sql, expect.stringContaining(words)]);
});
