import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Layer } from '../../src/sql/migration.ts';
import { compareNames, nextNumber, numberOf, type Order } from '../../src/migrations/order.ts';

const number = fc.stringMatching(/^\d{1,25}$/);
const name = fc.tuple(number, fc.stringMatching(/^[a-z_]{1,8}$/)).map(([digits, word]) => `${digits}_${word}.sql`);
const anyName = fc.oneof(name, fc.stringMatching(/^[a-z0-9_]{1,10}\.sql$/));
const orders: Order[] = ['number', 'timestamp', 'journal'];

describe('order', () => {
  it.each(orders)('is total and independent of the order of the listing: %s', (order) => {
    fc.assert(
      fc.property(fc.uniqueArray(anyName, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (names, random) => {
        const compare = compareNames(
          order,
          names.slice(0, 3).map((each) => each.replace(/\.sql$/, '')),
        );
        const sorted = [...names].sort(compare);
        const shuffled = names
          .map((each) => [each, random.next().value as number] as const)
          .sort((a, b) => a[1] - b[1])
          .map(([each]) => each);
        expect([...shuffled].sort(compare)).toEqual(sorted);
      }),
    );
  });

  it('sorts by number, whatever the leading zeros', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.bigInt({ min: 0n, max: 10n ** 24n }), { minLength: 2, maxLength: 20 }),
        fc.nat({ max: 5 }),
        (values, zeros) => {
          const names = values.map((value, index) => `${'0'.repeat((index * zeros) % 6)}${value}_x.sql`);
          const sorted = names.sort(compareNames('number')).map((each) => BigInt(numberOf(each)!));
          expect(sorted).toEqual([...values].sort((a, b) => (a < b ? -1 : 1)));
        },
      ),
    );
  });

  it('returns an unused next number that sorts last', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(number, fc.constantFrom<Layer>('core', 'extension')), { maxLength: 20 }),
        fc.constantFrom<Layer>('core', 'extension'),
        fc.constantFrom(...orders),
        (files, layer, order) => {
          const migrations = files.map(([digits, of]) => ({
            layer: of,
            file: '',
            number: digits,
            sql: '',
            checksum: '',
          }));
          const next = nextNumber(migrations, layer, order, new Date('2026-01-31T12:00:00Z'));
          const others = files.filter(([, of]) => order !== 'number' || of === layer).map(([digits]) => BigInt(digits));
          expect(others.every((other) => BigInt(next) > other)).toBe(true);
        },
      ),
    );
  });

  const cases: [string, [Layer, string][], Layer, Order, string][] = [
    ['the first of a layer', [['core', '017']], 'extension', 'number', '001'],
    [
      "behind the kit's own",
      [
        ['extension', '007'],
        ['core', '017'],
      ],
      'extension',
      'number',
      '008',
    ],
    ['over a width', [['core', '999']], 'core', 'number', '1000'],
    ['with the width there is', [['core', '0003']], 'core', 'number', '0004'],
    ['the time', [['core', '20250101000000']], 'extension', 'timestamp', '20260131120000'],
    [
      'one more, where a file is from the future',
      [['core', '20990101000000']],
      'extension',
      'timestamp',
      '20990101000001',
    ],
    ['the first of a journal', [], 'core', 'journal', '0000'],
    [
      'after both layers',
      [
        ['core', '000007'],
        ['extension', '000008'],
      ],
      'extension',
      'pair',
      '000009',
    ],
    ['the first of a pair', [], 'extension', 'pair', '000001'],
    [
      "after Flyway's dotted versions",
      [
        ['core', '10.2'],
        ['core', '9'],
      ],
      'extension',
      'flyway',
      '11',
    ],
    ['goose, counted', [['core', '00009']], 'extension', 'goose', '00010'],
    ['goose, by time', [['core', '20250101000000']], 'extension', 'goose', '20260131120000'],
    ['the first of dbmate', [], 'extension', 'dbmate', '20260131120000'],
    ['node-pg-migrate', [['core', '1700000000000']], 'extension', 'node-pg-migrate', '1769860800000'],
    ['seconds', [['core', '1700000000']], 'extension', 'pair', '1769860800'],
    ['Prisma', [['core', '0']], 'extension', 'folder', '20260131120000'],
    ['the next of a journal', [['core', '0004']], 'core', 'journal', '0005'],
  ];
  it.each(cases)('next number: %s', (_, files, layer, order, expected) => {
    const migrations = files.map(([of, digits]) => ({ layer: of, file: '', number: digits, sql: '', checksum: '' }));
    expect(nextNumber(migrations, layer, order, new Date('2026-01-31T12:00:00Z'))).toBe(expected);
  });
});
