import { expect, it } from 'vitest';
import { isMadeUp } from '../../src/verify/fixtures/known-rows.ts';

it.each<[string, string, boolean]>([
  ['an id with digits in a row', 'd9428888-122b-4f1b-b85c-61cd3cbb3210', true],
  ['an id without four digits in a row', 'aaaabbbb-12ab-4f1b-b8cc-61cdacbba21f', true],
  ['a number of our own', '1834567890', true],
  ['a text of our own', 'muse A 5', true],
  ['a plain word', 'standard', false],
  ['a small number', '100', false],
  ['a time', '2026-01-01T00:00:00Z', false],
  ['an expression', 'gen_random_uuid()', false],
])('%s: is generated for one row, or is not', (_, value, is) => {
  expect(isMadeUp(value)).toBe(is);
});
