import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/shared/nearest.ts';

describe('nearest', () => {
  it.each([
    ['persets', ['preset', 'prefix', 'table'], 'preset'],
    ['taget', ['target', 'table'], 'target'],
    ['resmue', ['resume', 'region'], 'resume'],
    ['RESUME', ['resume'], 'resume'],
    ['dat', ['database-url', 'dir'], 'database-url'],
    ['xyzzy', ['preset', 'table'], undefined],
    ['', ['preset'], undefined],
    ['timestampz', ['timestamp', 'timestamptz'], 'timestamptz'],
    ['timestampz', ['timestamptz', 'timestamp'], 'timestamptz'],
    ['colour', ['color', 'column'], 'color'],
  ])('%s among %j is %s', (typed, known, expected) => {
    expect(nearest(typed, known)).toBe(expected);
  });
});
