/** A text that was edited parses to the same as one that was never seen before, though most of its trees are those of the text before. */
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { walk } from '../../src/sql/nodes.ts';
import { offsetsOf } from '../../src/sql/offsets.ts';
import { loadParser } from '../../src/sql/parser.ts';
import { reusedSpans } from '../../src/sql/reuse.ts';
import { parseSql } from '../../src/sql/split.ts';
import { sampled } from '../support/sample.ts';

beforeAll(loadParser);

const statement = (number: number): string =>
  number % 3 === 0
    ? `-- é ${number}\ncreate table t${number} (id uuid primary key, ü${number} text default 'a;b'); -- after`
    : number % 3 === 1
      ? `create function f${number}() returns int language sql begin atomic select ${number}; select 2; end ;`
      : `/* ${number} */ alter table t${number - 2} add check (id <> 'x${number}');`;
const file = (from: number, count: number): string =>
  `${Array.from({ length: count }, (_, index) => statement(from + index)).join('\n')}\n`;

/** What a text parses to, with each place of a tree as an offset in the text. */
function shown(sql: string): unknown {
  const parsed = parseSql(sql);
  const statements = parsed.statements.map((one) => {
    const places: number[] = [];
    if (one.tree !== undefined)
      walk(one.tree, (_type, fields) => {
        const { location } = fields as { location?: number };
        if (location !== undefined && location >= 0) places.push(parsed.offsetOf(one, location));
      });
    const { tree, origin: _origin, ...rest } = one;
    return { ...rest, places, kind: Object.keys(tree ?? {}) };
  });
  return { statements, header: parsed.header, trailing: parsed.trailing };
}

/** So long that nothing is kept beside it. */
const filler = `-- ${'x'.repeat((4 << 20) - 3)}`;

/** The same of a text of which nothing was known. */
function fresh(sql: string): unknown {
  parseSql(filler);
  return shown(sql);
}

describe('an edited text', () => {
  const before = file(0, 30);
  const at = before.indexOf(statement(12));
  const edits: [what: string, text: string][] = [
    ['a header', `--! Hash: 1\n${before}`],
    ['a statement in the middle', `${before.slice(0, at)}create index i on t9 (id);\n${before.slice(at)}`],
    ['a statement at the end', `${before}create index i on t9 (id)`],
    ['one that is gone', before.replace(statement(12), '')],
    ['a comment', before.replace('/* 14 */', '/* ü; */')],
    ['a comment before a semicolon', before.replace("'x14');", "'x14') /* ; */ ;")],
    ['a statement that was a comment', before.replace('-- é 12', 'select 12;')],
    ['a statement that becomes a comment', before.replace('-- é 12\n', '-- é 12 ')],
    ['a comment that opens', before.replace('-- é 12', '/*')],
    ['a string that opens', before.replace('-- é 12', "select '")],
    ['a dollar quote that opens', before.replace('-- é 12', 'do $$')],
    ['no semicolon', before.replace("'x14');", "'x14')")],
    ['a parenthesis', before.replace("'x14');", "'x14';")],
    ['white space that PostgreSQL does not know', before.replace('-- é 12', '\u00a0')],
    ['nothing at all', before.replace(statement(12), ';;;')],
  ];
  it.each(edits)('%s', (_what, text) => {
    parseSql(before);
    const seen = shown(text);
    expect(seen).toEqual(fresh(text));
  });

  it('takes the trees that are not edited as they are', () => {
    const fresh = edits.slice(0, 4).map(([what, text]) => {
      parseSql(filler);
      const trees = new Set(parseSql(before).statements.map(({ tree }) => tree));
      return [what, parseSql(text).statements.filter(({ tree }) => !trees.has(tree)).length];
    });
    // With one in the middle, the statement after it is read again: no semicolon that both texts have is before it.
    expect(fresh).toEqual([
      ['a header', 0],
      ['a statement in the middle', 2],
      ['a statement at the end', 1],
      ['one that is gone', 1],
    ]);
  });

  it('is parsed anew where little of it is left', () => {
    const other = file(100, 30);
    expect(reusedSpans(other, { sql: before, parsed: parseSql(before) }, offsetsOf(other), () => [])).toBeUndefined();
  });

  it('is what a text is that was never seen, whatever was edited', () => {
    const parts = ['select 1;', '--', '/*', '*/', "'", '$$', ';', '\n', '(', 'ü', 'end;', ' begin atomic ', '\u00a0'];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(20), fc.constantFrom(...parts)), { minLength: 1, maxLength: 3 }),
        (changes) => {
          let text = file(3, 30);
          parseSql(text);
          for (const [place, length, part] of changes) {
            const from = place % text.length;
            text = text.slice(0, from) + part + text.slice(from + length);
          }
          const seen = shown(text);
          expect(seen).toEqual(fresh(text));
        },
      ),
      { numRuns: sampled(120) },
    );
  });
});
