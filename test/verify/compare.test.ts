import { expect, it } from 'vitest';
import type { Actor } from '../../src/verify/probes/actors.ts';
import { compareMatrix } from '../../src/verify/probes/compare.ts';
import type { Check, TableReport } from '../../src/verify/report/report.ts';

const actors = [
  { name: 'anon', isAnonymous: true },
  { name: 'outsider', isAnonymous: false },
] as Actor[];
const report = (check: Partial<Check>, privileges: Record<string, string> = {}): TableReport => ({
  table: 'public.notes',
  kind: 'table',
  scope: 'owner user_id',
  checks: [{ actor: 'outsider', verb: 'select', outcome: 'filtered', expected: 'no', ...check }],
  privileges,
});

it.each<[string, Partial<Check>, Partial<Check>, string[]]>([
  ['the same', { outcome: 'allowed', rows: 'b' }, { outcome: 'allowed', rows: 'b' }, []],
  ['more rows', { outcome: 'allowed', rows: 'b' }, { outcome: 'allowed', rows: 'ab' }, ['isolation-read']],
  ['more, not signed in', { actor: 'anon' }, { actor: 'anon', outcome: 'allowed', rows: 'a' }, ['anon-read']],
  ['fewer rows', { outcome: 'allowed', rows: 'ab' }, { outcome: 'allowed', rows: 'b' }, ['owner-locked-out']],
  ['refused instead of filtered', { outcome: 'filtered' }, { outcome: 'refused', code: '42501' }, []],
  [
    'let through, and stopped by a constraint',
    { verb: 'take-all', outcome: 'allowed', rows: 'b' },
    { verb: 'take-all', outcome: 'allowed', code: '23503' },
    [],
  ],
  [
    'let through now, and stopped by a constraint',
    { verb: 'take', outcome: 'filtered' },
    { verb: 'take', outcome: 'allowed', code: '23503' },
    ['isolation-reassign'],
  ],
])('%s', (_, before, now, rules) => {
  expect(compareMatrix([report(before)], [report(now)], actors, []).map(({ rule }) => rule)).toEqual(rules);
});

it.each<[string, Partial<Check>[], Partial<Check>[], string[]]>([
  [
    'no claim is read any more, and an owner without it reads',
    [
      { actor: 'owner', outcome: 'allowed', rows: 'a' },
      { actor: 'owner without aal', outcome: 'filtered' },
    ],
    [{ actor: 'owner', outcome: 'allowed', rows: 'a' }],
    ['isolation-read'],
  ],
  [
    'a claim is read now, and an owner without it does not',
    [{ actor: 'owner', outcome: 'allowed', rows: 'a' }],
    [
      { actor: 'owner', outcome: 'allowed', rows: 'a' },
      { actor: 'owner without aal', outcome: 'filtered' },
    ],
    ['owner-locked-out'],
  ],
])('%s', (_, before, now, rules) => {
  const of = (checks: Partial<Check>[]): TableReport => ({
    ...report({}),
    checks: checks.map((check) => ({ verb: 'select', outcome: 'filtered', expected: 'may', actor: '', ...check })),
  });
  expect(compareMatrix([of(before)], [of(now)], actors, []).map(({ rule }) => rule)).toEqual(rules);
});

it('reports different privileges, and missing objects', () => {
  expect(compareMatrix([report({}, { anon: '' })], [report({}, { anon: 'S' })], actors, [])).toMatchObject([
    { rule: 'schema-drift', message: expect.stringContaining('S instead of none') },
  ]);
  expect(compareMatrix([report({})], [], actors, [])).toMatchObject([{ rule: 'schema-drift', object: 'public.notes' }]);
});
