import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { fieldsOf, stringsOf, walk } from '../../src/sql/nodes.ts';
import { loadParser, tooDeep } from '../../src/sql/parser.ts';
import { parseInTurns, parseSql } from '../../src/sql/split.ts';
import { sampled } from '../support/sample.ts';

beforeAll(loadParser);

const texts = (sql: string): string[] => parseSql(sql).statements.map((statement) => statement.sql);

describe('statements', () => {
  it.each([
    ['two', 'select 1;\n\nselect 2;\n', ['select 1', 'select 2']],
    ['without the last semicolon', 'select 1;select 2 -- done\n', ['select 1', 'select 2']],
    [
      'a semicolon in a string, a comment, a dollar quote',
      "select ';'; -- ;\n/* ; /* ; */ */ do $x$ begin; $x$;",
      ["select ';'", 'do $x$ begin; $x$'],
    ],
    ['comments in front are not part', '-- a\n/* b */ select 1 /* c */ ; -- d\n', ['select 1']],
    ['empty statements', ';; ; select 1;;', ['select 1']],
    ['nothing', ' -- only this', []],
    ['beyond ASCII', "-- é😀\nselect 'é😀';\nselect 'ü';", ["select 'é😀'", "select 'ü'"]],
    ['a carriage return ends a comment', '-- a\rselect 1;', ['select 1']],
    [
      'atomic body',
      'create function f() returns int language sql begin atomic select case when true then 1 else 2 end; select 2; end; select 3',
      [
        'create function f() returns int language sql begin atomic select case when true then 1 else 2 end; select 2; end',
        'select 3',
      ],
    ],
    [
      'rule with several actions',
      'create rule r as on insert to t do also (select 1; select 2); select 3',
      ['create rule r as on insert to t do also (select 1; select 2)', 'select 3'],
    ],
    ['a bad one between two', 'select 1; selec 2; select 3;', ['select 1', 'selec 2', 'select 3']],
    [
      'a parenthesis that never closes',
      'create table a (b int; create table c (d int);',
      ['create table a (b int', 'create table c (d int)'],
    ],
    [
      'an atomic body that never closes',
      'create function f() returns int begin atomic select 1; select 2; select 3',
      ['create function f() returns int begin atomic select 1', 'select 2', 'select 3'],
    ],
    [
      'atomic next to a bad one',
      'selec 0; create or replace procedure f() begin atomic insert into t values (1); end; select 3',
      ['selec 0', 'create or replace procedure f() begin atomic insert into t values (1); end', 'select 3'],
    ],
    ['a string that never ends', "select 1; select 'abc; select 2;", ['select 1', "select 'abc; select 2;"]],
    [
      'a dollar quote that never ends',
      'select 1; do $$ begin; end; select 2;',
      ['select 1', 'do $$ begin; end; select 2;'],
    ],
    ['a comment that never ends', 'select 1; /* select 2;', ['select 1', '/* select 2;']],
    ['words that the scanner refuses', 'select 1a; select ""; select 2;', ['select 1a', 'select ""', 'select 2']],
    ['control characters', "select '\u0001\u001f'; selec", ["select '\u0001\u001f'", 'selec']],
    [
      'commands of psql, which end with their line',
      "\\set ON_ERROR_STOP on\n\\echo it's\r\nselect 1;\\i a.sql\nselect 2; -- x\n\\unrestrict k",
      ['\\set ON_ERROR_STOP on', "\\echo it's", 'select 1', '\\i a.sql', 'select 2', '\\unrestrict k'],
    ],
    ['a command of psql that sends the query', "select 'x' \\gexec\nselect 1", ["select 'x' \\gexec", 'select 1']],
    [
      'the rows of a COPY',
      'copy a from stdin;\n1\t2\n\\.\n\ncopy b from stdin;\n\\.\nselect 1',
      ['copy a from stdin', '1\t2\n\\.', 'copy b from stdin', '\\.', 'select 1'],
    ],
    ['a backslash in a text', "select '\\.', $$\n\\.\n$$; select 1", ["select '\\.', $$\n\\.\n$$", 'select 1']],
    ['a NUL', 'select 1;\0; select 2', ['select 1', '\0', 'select 2']],
  ])('%s', (_, sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });

  it('returns the position of an error in characters', () => {
    const { statements } = parseSql("-- é😀\nselect 'é😀' from x\n  where where;\nselect 2;");
    expect(statements[0]?.error).toEqual({
      message: 'syntax error at or near "where"',
      offset: 35,
      line: 3,
      column: 9,
    });
    expect(statements[1]?.tree).toBeDefined();
  });

  it('converts byte locations to offsets, whether or not the whole file parses', () => {
    for (const rest of ['', 'selec']) {
      const sql = `select 'é';\nselect 'é😀', abc;\n${rest}`;
      const parsed = parseSql(sql);
      const statement = parsed.statements[1]!;
      const target = (statement.tree as { SelectStmt: { targetList: { ResTarget: { location: number } }[] } })
        .SelectStmt.targetList[1]!;
      expect(sql.slice(parsed.offsetOf(statement, target.ResTarget.location))).toMatch(/^abc/);
    }
  });

  it('assigns each comment to its statement', () => {
    const parsed = parseSql('-- top\n\n-- one\nselect 1; -- same line\n-- two\nselect 2\n;\n-- end');
    expect(parsed.statements.map(({ comments }) => comments.map(({ text, line }) => [text, line]))).toEqual([
      [
        ['-- top', 1],
        ['-- one', 3],
        ['-- same line', 4],
      ],
      [['-- two', 5]],
    ]);
    expect(parsed.trailing.map(({ text }) => text)).toEqual(['-- end']);
    expect(parsed.header).toBe('-- top\n-- one');
  });

  it.each([
    [
      'UNION ALL',
      `select a from t0${Array.from({ length: 5000 }, (_, index) => ` union all select a from t${index + 1}`).join('')} order by 1`,
      'RangeVar',
    ],
    ['||', `select c0${Array.from({ length: 3000 }, (_, index) => ` || c${index + 1}`).join('')}`, 'ColumnRef'],
    [
      'two operators',
      `select ${Array.from({ length: 1500 }, (_, index) => `a${index} * b${index}`).join(' + ')}`,
      'ColumnRef',
    ],
  ])('a long chain of %s is balanced, so that it can be read', (_, sql, type) => {
    const [statement] = parseSql(sql).statements;
    const seen: string[] = [];
    walk(statement!.tree, (kind, fields) => {
      if (kind === type)
        seen.push('relname' in fields ? fields.relname : stringsOf((fields as { fields?: unknown }).fields).join('.'));
    });
    expect(seen).toEqual(sql.match(/\b[tabc]\d+/g));
  });

  it('what is nested too deep for its readers is an error', () => {
    const { statements } = parseSql(`select ${'f('.repeat(700)}1${')'.repeat(700)}; select 2;`);
    expect(statements.map(({ error }) => error?.message)).toEqual([tooDeep, undefined]);
  });

  it('survives a crash of the parser, and continues', () => {
    const { statements } = parseSql(`select ${'1+'.repeat(200_000)}1; select 2;`);
    expect(statements[0]?.error?.message).toContain('too large or too deeply nested');
    expect(statements[1]?.tree).toBeDefined();
  });
});

describe('any input', () => {
  const word = fc.constantFrom(
    'create',
    'table',
    'begin',
    'atomic',
    'end',
    'case',
    '(',
    ')',
    ';',
    "'",
    '"',
    '$$',
    '$a$',
    '--',
    '/*',
    '*/',
    '\n',
    ' ',
    'é',
    '😀',
    '\0',
    '\ud800',
    'select',
    '1',
    '1a',
    '\\',
    'rule',
    'function',
    'or',
    'replace',
  );
  it.each([
    ['bytes', fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString())],
    ['any UTF-16', fc.string({ unit: 'binary', maxLength: 200 })],
    ['words', fc.array(word, { maxLength: 60 }).map((words) => words.join(' '))],
    ['words close together', fc.array(word, { maxLength: 60 }).map((words) => words.join(''))],
  ])('of %s is split into ordered statements that cover everything but white space and comments', (_, inputs) => {
    fc.assert(
      fc.property(inputs, (sql) => {
        const parsed = parseSql(sql);
        let end = 0;
        for (const statement of parsed.statements) {
          expect(statement.start).toBeGreaterThanOrEqual(end);
          expect(statement.end).toBeGreaterThan(statement.start);
          expect(statement.sql).toBe(sql.slice(statement.start, statement.end));
          expect(statement.error === undefined).toBe(statement.tree !== undefined);
          end = statement.end;
        }
      }),
      { numRuns: sampled(500) },
    );
  });

  it.each([
    ['valid', 'create table t (a int);\n'],
    ['broken everywhere', 'create table t (a int;;\n'],
    ['atomic bodies that never close', 'create function f() begin atomic ;\n'],
    ['one unterminated string', "select 'é", 10_000],
    ['parentheses', '('],
    ['refused words', '1a;'],
  ])('of 512 KB terminates: %s', (_, unit, times = Math.ceil((1 << 19) / unit.length)) => {
    expect(parseSql(unit.repeat(times)).statements.length).toBeGreaterThan(0);
  });
});

describe('a text that is parsed part by part', () => {
  // More than PostgreSQL reads at once, and ends of lines that end nothing.
  const body = `${'  perform 1;\n'.repeat(120_000)}`;
  const value = `a;\n'${"'"};\n${'b;\n'.repeat(400_000)}`;
  const rows = `insert into t values\n${'  (1, 2),\n'.repeat(10)}  (3, 4)`;
  const many = Array.from({ length: 9_000 }, (_, index) => `${rows} -- ${index};`.replace(/ -- (\d+);$/, ', ($1, 0)'));
  it.each<[string, string[], errors: number[]]>([
    ['many statements', many, []],
    ['a body across the parts', ['select 1', `do $$ begin\n${body}end $$`, 'select 2'], []],
    ['a literal across the parts', ['select 1', `select '${value}'`, 'select 2'], []],
    ['a mistake in a later part', [...many, 'select (1', 'select 2'], [many.length]],
  ])('has each statement at its place: %s', (_, expected, errors) => {
    const sql = `-- ü\n${expected.join(';\n')};\n-- the end`;
    const { statements } = parseSql(sql);
    expect(statements.length).toBe(expected.length);
    expect(statements.flatMap((each, index) => (each.sql === expected[index] ? [] : [index]))).toEqual([]);
    expect(statements.flatMap(({ start, sql: text }, index) => (sql.startsWith(text, start) ? [] : [index]))).toEqual(
      [],
    );
    expect(statements.flatMap(({ tree }, index) => (tree === undefined ? [index] : []))).toEqual(errors);
  });

  it('lets timers have their turn meanwhile, and gives the places of names', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    const sql = `${many.join(';\n')};\nselect x from nowhere;\n`;
    const { statements, offsetOf } = await parseInTurns(sql);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
    const statement = statements.at(-1)!;
    const [first] = fieldsOf(statement.tree, 'SelectStmt')?.fromClause ?? [];
    const { location } = fieldsOf(first, 'RangeVar')!;
    expect(sql.slice(offsetOf(statement, location!))).toBe('nowhere;\n');
  });
});
