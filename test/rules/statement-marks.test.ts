import { beforeAll, describe, expect, it } from 'vitest';
import { withStatementMarks } from '../../src/rules/engine/fix/statement-marks.ts';
import { loadParser } from '../../src/sql/parser.ts';

beforeAll(loadParser);

const block = 'do $$ begin\n  select 1;\nend $$;';
const [start, end] = ['-- +goose StatementBegin', '-- +goose StatementEnd'];
const held = `${start}\n${block}\n${end}`;

describe('lines that hold a statement together', () => {
  it.each<[string, string, string, string]>([
    ['a new one gets them', 'select 2;', block, held],
    ['with the next statement on its line', 'select 2;', `${block} select 2;`, `${held}\n select 2;`],
    ['behind another one on its line', 'select 2;', `select 2; ${block}`, `select 2; \n${held}`],
    ['a simple one does not', 'select 2;', 'select 3;\nselect 2;', 'select 3;\nselect 2;'],
    ['one of several lines does not', 'select 2;', 'select\n  3;', 'select\n  3;'],
    ['the author’s own stays as it is', block, `${block}\nselect 3;`, `${block}\nselect 3;`],
    ['one that has them keeps them', held, `${held}\nselect 3;`, `${held}\nselect 3;`],
    [
      'one within a longer block',
      `${start}\nselect 2;\n${end}`,
      `${start}\n${block}\nselect 2;\n${end}`,
      `${start}\n${block}\nselect 2;\n${end}`,
    ],
    ['the first line was moved away with the statement', `${held}\nselect 2;`, `${end}\nselect 2;`, 'select 2;'],
    ['the first line came with a statement', 'select 2;', `${start}\n${block}\nselect 2;`, `${held}\nselect 2;`],
  ])('%s', (_, before, after, expected) => {
    const up = (sql: string): string => `-- +goose Up\n${sql}\n`;
    expect(withStatementMarks(up(before), up(after))).toBe(up(expected));
  });

  it('are those of the tool, and none for a tool that sends all at once', () => {
    expect(withStatementMarks('-- +migrate Up\n', `-- +migrate Up\n${block}\n`)).toBe(
      `-- +migrate Up\n-- +migrate StatementBegin\n${block}\n-- +migrate StatementEnd\n`,
    );
    for (const up of ['-- migrate:up\n', '-- Up Migration\n', ''])
      expect(withStatementMarks(up, `${up}${block}\n`)).toBe(`${up}${block}\n`);
  });
});
