import { expect, it } from 'vitest';
import { parseQueryError } from '../../src/supabase/query-database.ts';

const failed = 'Failed to run sql query: ';

it('reads code, message, position', () => {
  const sql = 'select 1;\nselect id, company from reports;';
  const message = `${failed}ERROR:  42703: column "company" does not exist\nLINE 2: select id, company from reports;\n                   ^\n`;
  expect(parseQueryError(message, sql)).toMatchObject({
    code: '42703',
    message: 'column "company" does not exist',
    position: sql.indexOf('company') + 1,
  });
});

it('counts characters, not UTF-16 units', () => {
  const sql = "select '\u{1F600}';\nselect '\u{1F600}', company;";
  const message = `${failed}ERROR:  42703: column "company" does not exist\nLINE 2: select '\u{1F600}', company;\n                    ^\n`;
  expect(parseQueryError(message, sql)?.position).toBe(Array.from(sql.slice(0, sql.indexOf('company'))).length + 1);
});

it('finds the position in a truncated line', () => {
  const sql = `select ${'1, '.repeat(60)} company, 2 from reports where true`;
  const excerpt = `...${sql.slice(sql.indexOf('company') - 20, sql.indexOf('company') + 20)}...`;
  const caret = ' '.repeat('LINE 1: '.length + 3 + 20);
  const message = `${failed}ERROR:  42703: column "company" does not exist\nLINE 1: ${excerpt}\n${caret}^\n`;
  expect(parseQueryError(message, sql)?.position).toBe(sql.indexOf('company') + 1);
});

it('reads detail, hint and a context of several lines', () => {
  const message = `${failed}ERROR:  23505: duplicate key value violates unique constraint "users_pkey"\nDETAIL:  Key (id)=(1) already exists.\nHINT:  Use another.\nCONTEXT:  SQL statement "insert into users\n  values (1)"\nPL/pgSQL function f() line 3 at SQL statement\n`;
  expect(parseQueryError(message, 'select f()')).toMatchObject({
    code: '23505',
    detail: 'Key (id)=(1) already exists.',
    hint: 'Use another.',
    where: 'SQL statement "insert into users\n  values (1)"\nPL/pgSQL function f() line 3 at SQL statement',
    position: undefined,
  });
});

it.each(['Unauthorized', 'Failed to run sql query: connection terminated', ''])(
  'does not treat "%s" as an error of PostgreSQL',
  (message) => {
    expect(parseQueryError(message, 'select 1')).toBeUndefined();
  },
);
