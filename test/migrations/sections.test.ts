import { describe, expect, it } from 'vitest';
import {
  fileText,
  inSections,
  runsOutside,
  sectionsOf,
  sectionToolOf,
  type SectionTool,
} from '../../src/migrations/sections.ts';

const text = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('sections', () => {
  const cases: [string, string, string | undefined, string | undefined][] = [
    ['goose', text('-- +goose Up', 'up;', '-- +goose Down', 'down;'), 'up;', 'down;'],
    ['goose in small letters', text('--+goose up', 'up;', '  -- +goose down', 'down;'), 'up;', 'down;'],
    ['dbmate', text('-- migrate:up', 'up;', '-- migrate:down', 'down;'), 'up;', 'down;'],
    [
      'dbmate with an option',
      text('-- migrate:up transaction:false', 'up;', '-- migrate:down', 'down;'),
      'up;',
      'down;',
    ],
    ['sql-migrate', text('-- +migrate Up', 'up;', '-- +migrate Down', 'down;'), 'up;', 'down;'],
    ['node-pg-migrate', text('-- Up Migration', 'up;', '-- Down Migration', 'down;'), 'up;', 'down;'],
    ['node-pg-migrate, down first', text('-- Down Migration', 'down;', '-- Up Migration', 'up;'), 'up;', 'down;'],
    ['CRLF', text('-- +goose Up', 'up;', '-- +goose Down', 'down;').replaceAll('\n', '\r\n'), 'up;', 'down;'],
    ['no down section', text('-- +goose Up', 'up;'), undefined, undefined],
    ['no up section', text('-- Down migration drops it all', 'create table a ();'), undefined, undefined],
    [
      'a sentence',
      text('-- Up migration for notes', 'create table a ();', '-- Down migration by hand'),
      undefined,
      undefined,
    ],
    ['plain SQL', text('select 1;'), undefined, undefined],
  ];
  it.each(cases)('%s', (_, file, up, down) => {
    const found = sectionsOf(file);
    const bare = (sql: string | undefined) => sql?.replace(/^\s*--.*$/gm, '').trim();
    expect([bare(found?.up), bare(found?.down)]).toEqual([up, down]);
    if (found === undefined) return;
    // Each line is where it is in the file.
    for (const part of [found.up, found.down])
      for (const [index, line] of part.split('\n').entries())
        if (line.trim() !== '') expect(file.split('\n')[index]).toBe(line);
    expect(fileText({ sql: found.up, around: found.around })).toBe(file);
    const edited = found.up.replace('up;', 'up; more;');
    expect(fileText({ sql: edited, around: found.around })).toBe(file.replace('up;', 'up; more;'));
  });

  it.each<SectionTool>(['goose', 'dbmate', 'sql-migrate', 'node-pg-migrate'])('writes what it reads: %s', (tool) => {
    const file = inSections(tool, 'create table a ();\n', 'drop table a;\n');
    expect(sectionToolOf(file)).toBe(tool);
    expect(sectionsOf(file)?.up).toContain('create table a ();');
    expect(sectionsOf(file)?.up).not.toContain('drop');
    expect(sectionsOf(file)?.down).toContain('drop table a;');
  });

  it.each([
    ['-- +goose NO TRANSACTION\n-- +goose Up\n', true],
    ['-- migrate:up transaction:false\n', true],
    ['-- +migrate Up notransaction\n', true],
    ['-- migrate:up\n-- migrate:down transaction:false\n', false],
    ["select '-- +goose NO TRANSACTION';\n", false],
  ])('%j runs outside a transaction: %s', (file, expected) => {
    expect(runsOutside(file)).toBe(expected);
  });
});
