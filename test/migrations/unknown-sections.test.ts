import { describe, expect, it } from 'vitest';
import { unknownSections } from '../../src/migrations/unknown-sections.ts';
import { readMigrations } from '../../src/migrations/read.ts';
import { fileText } from '../../src/migrations/sections.ts';
import { directoryOf, folders } from './files.ts';

const both = (up: string, down: string): string => `${up}create table a (id int);\n${down}\ndrop table a;\n`;

describe('sections in a folder of no tool that has them', () => {
  it.each<[string, string | undefined, string, string]>([
    ['goose', 'goose', '-- +goose Up\n', '-- +goose Down'],
    ['dbmate', 'dbmate', '-- migrate:up\n', '-- migrate:down'],
    ['sql-migrate', 'sql-migrate', '-- +migrate Up\n', '-- +migrate Down'],
    ['node-pg-migrate', 'node-pg-migrate', '-- Up Migration\n', '-- Down Migration'],
    ['tern', 'tern', '', '---- create above / drop below ----'],
    ['micrate', 'micrate', '-- +micrate Up\n', '-- +micrate Down'],
    ['rambler', 'rambler', '-- rambler up\n', '-- rambler down'],
    ['shmig', 'shmig', '-- ==== UP ====\n', '-- ==== DOWN ===='],
    ['Play', 'Play Evolutions', '-- !Ups\n', '-- !Downs'],
    ['MyBatis', 'MyBatis Migrations', '-- // Create a\n', '-- //@UNDO'],
    ['a runner of its own', undefined, '--+ Migrate Up\n', '--+ Migrate Down'],
    ['a word', undefined, '', '-- DOWN'],
    ['two words', undefined, '-- a\n\n', '-- Roll back'],
  ])('%s', async (_, tool, up, down) => {
    const text = both(up, down);
    const found = await unknownSections(text);
    expect(found?.unknownSections).toMatchObject({ tool, down });
    expect(found?.up.trimEnd()).toBe(`${up}create table a (id int);`);
    expect(found?.down.trim()).toBe(`${down}\ndrop table a;`);
    expect(fileText({ sql: found!.up, around: found!.around })).toBe(text);
  });

  it.each([
    ['a marker in a string', both("select '\n-- migrate:up\n", "-- migrate:down\n';")],
    ['a marker in a body', `do $$ begin\n${both('-- +goose Up\n', '-- +goose Down')} end $$;`],
    ['a marker in a comment of several lines', `/*\n${both('-- +goose Up\n', '-- +goose Down')}*/`],
    ['a marker behind a statement', both('', 'select 1; -- DOWN')],
    ['a comment that says more', both('', '-- Roll back the orders of last year')],
    ['what goes was not made above', 'create table a (id int);\n-- Rollback\ndrop table b;\n'],
    ['what goes is made again', `${both('', '-- Down')}create table a (id int, x int);\n`],
    ['a rollback as a comment', 'create table a (id int);\n-- Rollback:\n-- drop table a;\n'],
    ['an up section alone', '-- migrate:up\ncreate table a (id int);\n'],
  ])('not %s', async (_, text) => {
    expect(await unknownSections(text)).toBeUndefined();
  });

  it('gives way to a rollback file, and to the sections of the layout', async () => {
    const text = both('-- migrate:up\n', '-- migrate:down');
    const files = { 'migrations/core/001_a.sql': text };
    const read = async (more: Record<string, string>, order: 'dbmate' | 'number' = 'number') => {
      const found = await readMigrations(await directoryOf({ ...files, ...more }), { ...folders, order });
      const { unknownSections: marks } = found.migrations[0]!;
      return { tool: marks?.tool, rollback: found.rollbacks.get('migrations/core/001_a.sql')?.file };
    };
    expect(await read({})).toEqual({ tool: 'dbmate', rollback: 'migrations/core/001_a.sql' });
    expect(await read({}, 'dbmate')).toEqual({ tool: undefined, rollback: 'migrations/core/001_a.sql' });
    const other = 'migrations/rollback/core/001_a.sql';
    expect(await read({ [other]: 'drop table a;' })).toEqual({ tool: 'dbmate', rollback: other });
  });
});
