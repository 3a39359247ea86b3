import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedded, type EmbeddedDatabase } from '../../src/database/embedded/embedded.ts';
import { quoteIdentifier, quoteLiteral, quoteName } from '../../src/shared/quote.ts';

let database: EmbeddedDatabase;
beforeAll(async () => {
  database = await openEmbedded();
});
afterAll(() => database.close());

/** Any text that PostgreSQL can store, often with characters that break naive quoting. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom("'", '"', '\\', ';', '-', '$', '%', 'E', '\n', 'é') }),
  )
  .filter((value) => !value.includes('\0') && !/\p{Surrogate}/u.test(value));
const name = text.filter((value) => value !== '' && Buffer.byteLength(value) <= 63);

describe('quoteIdentifier', () => {
  it.each([
    ['profiles', 'profiles'],
    ['_a1', '_a1'],
    ['Profiles', '"Profiles"'],
    ['user', '"user"'],
    ['order', '"order"'],
    ['name', 'name'],
    ['a b', '"a b"'],
    ['a"b', '"a""b"'],
    ['1a', '"1a"'],
    ['é', '"é"'],
    ['a-b', '"a-b"'],
    ['a$b', '"a$b"'],
    ['between', '"between"'],
  ])('%s → %s', (input, expected) => expect(quoteIdentifier(input)).toBe(expected));

  it.each(['', 'a\0b', 'x'.repeat(64), 'é'.repeat(32), '\ud800'])('refuses %j', (input) => {
    expect(() => quoteIdentifier(input)).toThrow(expect.objectContaining({ code: 'bad-identifier' }) as Error);
  });

  it('quotes when PostgreSQL does, and reads back unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 20 }), async (names) => {
        const { rows } = await database.query<{ own: string }>(
          'select quote_ident(n) as own from unnest($1::text[]) as n',
          [names],
        );
        expect(names.map(quoteIdentifier)).toEqual(rows.map(({ own }) => own));
        const unique = [...new Set(names)];
        const result = await database.query(`select ${unique.map((one) => `1 as ${quoteIdentifier(one)}`).join(', ')}`);
        expect(Object.keys(result.rows[0] as object).sort()).toEqual([...unique].sort());
      }),
      { numRuns: 50 },
    );
  });
});

it.each([
  ['a', 'a'],
  ['public.user', 'public."user"'],
  ['A.b', '"A".b'],
])('quoteName %s → %s', (input, expected) => {
  expect(quoteName(input)).toBe(expected);
});
it.each(['a.b.c', '.a', 'a.'])('quoteName refuses %s', (input) => {
  expect(() => quoteName(input)).toThrow(expect.objectContaining({ code: 'bad-identifier' }) as Error);
});

describe('quoteLiteral', () => {
  it.each<[string | number | bigint | boolean | null, string]>([
    [null, 'NULL'],
    [true, 'true'],
    [5, '5'],
    [-5, "'-5'"],
    [Number.NaN, "'NaN'"],
    [10n, '10'],
    ["it's", "'it''s'"],
    ['a\\b', "E'a\\\\b'"],
  ])('%s → %s', (input, expected) => expect(quoteLiteral(input)).toBe(expected));
  it('refuses what PostgreSQL cannot store', () => {
    expect(() => quoteLiteral('a\0')).toThrow(expect.objectContaining({ code: 'bad-literal' }) as Error);
  });
  it.each(['on', 'off'])('reads back unchanged, standard_conforming_strings %s', async (setting) => {
    await database.query(`set standard_conforming_strings = ${setting}`);
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 20 }), async (values) => {
        const { rows } = await database.query<{ all: string[] }>(
          `select array[${values.map(quoteLiteral).join(', ')}]::text[] as all`,
        );
        expect(rows[0]?.all).toEqual(values);
      }),
      { numRuns: 50 },
    );
    await database.query('reset standard_conforming_strings');
  });
});
