import { expect, it } from 'vitest';
import { marksOf } from '../../src/verify/fixtures/marks.ts';
import type { Subject } from '../../src/verify/probes/subject.ts';

it.each<[string, string, boolean]>([
  ['an id with digits in a row', "'d9428888-122b-4f1b-b85c-61cd3cbb3210'", true],
  ['an id without four digits in a row', "'aaaabbbb-12ab-4f1b-b8cc-61cdacbba21f'", true],
  ['a text of our own', "'muse A 5'", true],
  ['a plain word', "'standard'", false],
  ['a time', "'2026-01-01T00:00:00Z'", false],
  ['an expression', 'gen_random_uuid()', false],
])('%s: it is a mark, or is none', (_, value, isMark) => {
  const rows = { a: { values: new Map([['id', value]]) }, b: { values: new Map([['id', "'another'"]]) } };
  const subject = { kind: 'table', rows, table: { constraints: [] } } as unknown as Subject;
  expect(marksOf([subject], new Set()).map(({ text }) => text)).toEqual(isMark ? [value.slice(1, -1)] : []);
});
